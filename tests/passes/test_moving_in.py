"""An app that Terraform made moves in: nothing of it changes, and from then on it is a stack like any other."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from missyou_operator.aws.session import Accounts
from missyou_operator.cli.importing import command
from tests.sim.app import App, changes
from tests.sim.aws import Aws
from tests.sim.process import Process
from tests.sim.terraform import Project

NAME = "miss-you-app"
_TAGGING = {"CreateTags", "AddTags", "AddTagsToResource", "TagResource", "TagRole"}


@pytest.fixture(scope="module")
def project(aws: Aws) -> Project:
    """The old project, applied."""
    return Project(aws)


def run(aws: Aws, *arguments: str) -> None:
    """Run `missyou import` on a simulated AWS."""
    parser = ArgumentParser()
    command.add_to(parser.add_subparsers())
    command.run(parser.parse_args(["import", *arguments]), Accounts(Process(aws)), Accounts(Process(aws)))


def imported(project: Project, tmp_path: Path, *arguments: str) -> App:
    """Import the project from its state; return the app whose manifest this has written."""
    state, manifest = tmp_path / "terraform.tfstate", tmp_path / "missyou.yaml"
    state.write_text(json.dumps(project.state()))
    run(project.aws, "--tfstate", str(state), "-f", str(manifest), "--yes", *arguments)
    return applied(project.aws, yaml.safe_load(manifest.read_text()))


def applied(aws: Aws, body: Mapping[str, Any]) -> App:
    app = App(aws, body["metadata"]["name"], **body["spec"])
    app.body["metadata"]["annotations"] |= body["metadata"]["annotations"]
    return app


def written(aws: Aws, number: int) -> list[str]:
    """Return the calls since the ledger's entry of a number that are no reads."""
    reads = ("Describe", "List", "Get", "BatchGet", "AssumeRole")
    entries = aws.control.ledger.entries(since=number)
    return [entry["operation"] for entry in entries if not entry["operation"].rpartition(":")[2].startswith(reads)]


def last(aws: Aws) -> int:
    return max((entry["number"] for entry in aws.control.ledger.entries()), default=0)


def only_tags(calls: Mapping[str, int]) -> bool:
    return {name.partition(":")[2] for name in calls} <= _TAGGING


def test_an_import_and_the_first_passes_set_tags_and_nothing_else(project: Project, tmp_path: Path) -> None:
    aws, before = project.aws, last(project.aws)
    app = imported(project, tmp_path)
    assert {call.rpartition(":")[2] for call in written(aws, before)} == _TAGGING
    first = app.calls(app.one_pass)
    assert only_tags(changes(first)), changes(first)
    assert app.body["status"]["plan"]["changes"] == [] if "plan" in app.body["status"] else True
    app.settle()
    assert app.body["status"]["lastTakeOver"]
    app.stays_in_sync()
    shown = {row["type"]: row for row in app.body["status"]["resources"]}
    assert shown["rds.DBInstance"]["id"] == project.database
    assert shown["ec2.Vpc"]["id"] == project.vpc
