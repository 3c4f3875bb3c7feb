"""A stack with names that the operator did not give: the policy that names them allows all that its life takes."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from missyou_local.aws import Timing
from missyou_operator.aws.boundary import boundary
from missyou_operator.aws.session import Accounts
from missyou_operator.cli.importing import command
from missyou_operator.cli.policy import policy
from missyou_operator.stack.naming import names_with
from tests.sim.app import CLUSTER
from tests.sim.aws import REGION, Aws
from tests.sim.process import Process
from tests.sim.terraform import Project
from tests.sim.world import simulated

from .authorization import Check
from .life import BOUNDARY, NARROW, Permitted
from .recording import Outsider, Recorder
from .simulator import Asked, ask

NAME = "miss-you-app"


def imported(aws: Aws, folder: Path) -> dict[str, Any]:
    """Import the project that Terraform has made, with the UID of the cluster in its tags; return the manifest."""
    project, parser, file = Project(aws), ArgumentParser(), folder / "missyou.yaml"
    command.add_to(parser.add_subparsers())
    where = ["--vpc", project.vpc, "--region", REGION, "--cluster", CLUSTER, "--permissions-boundary", BOUNDARY]
    options = ["import", *where, "-f", str(file), "--yes"]
    command.run(parser.parse_args(options), Accounts(Process(aws)), Accounts(Process(aws)))
    body: dict[str, Any] = yaml.safe_load(file.read_text())
    return body


def secrets(body: dict[str, Any]) -> Iterator[str]:
    """Return the ARNs of the secrets that the tasks read where they are."""
    yield from (source["secretARN"] for source in body["spec"]["secrets"].values())


def lived(aws: Aws, body: dict[str, Any]) -> list[Check]:
    """Take over what was imported, deploy, bring all of it in line, and delete it; return what IAM would decide."""
    names = names_with(body["spec"]["existing"]["names"])
    limits = boundary(replace(NARROW, stack=NAME), names, [*secrets(body)])
    aws.client("iam").create_policy(PolicyName="missyou-boundary", PolicyDocument=json.dumps(limits))
    recorder = Recorder(Outsider(aws))
    app = Permitted(aws, aws, recorder, **body["spec"])
    app.name = app.body["metadata"]["name"] = NAME
    app.body["metadata"]["annotations"] |= body["metadata"]["annotations"]
    app.settle()
    app.push("v2")
    app.edit(image={"tag": "v2"})
    app.settle()
    app.edit(existing={"ignoreDifferences": None})
    app.settle()
    app.edit(deletionPolicy="Delete")
    app.delete()
    assert recorder.failures == []
    return list(recorder.checks.values())


def test_the_policy_with_the_names_of_a_manifest_allows_its_whole_life(tmp_path: Path) -> None:
    with simulated(Timing()) as aws, pytest.MonkeyPatch.context():
        body = imported(aws, tmp_path)
        found = lived(aws, body)
    names = body["spec"]["existing"]["names"]
    narrow = replace(NARROW, stack=NAME)
    policies = {"plain": [*policy(narrow).values()], "existing": [*policy(narrow, names_with(names)).values()]}
    asked = {name: [Asked.about(name, check) for check in found] for name in policies}
    answers = ask(policies, [*asked["plain"], *asked["existing"]])
    refused = {name: {one for one in questions if not answers.allowed(one)} for name, questions in asked.items()}
    assert refused["existing"] == set()
    # Without the names it would not get far.
    assert any(one.action == "rds:ModifyDBInstance" for one in refused["plain"])
    assert json.dumps(policies["existing"]).count(names["database"]) > 1
