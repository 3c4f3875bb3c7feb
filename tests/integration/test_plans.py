"""A plan before every change, as somebody lives it: `missyou plan` in a shell, approvals by kubectl."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .bench import ROOT, Bench, a_bench, condition, quick

#: The app whose first creation is planned, and one that is there when a change of it is.
FIRST, LATER = "first-plan", "later-plan"


@pytest.fixture(scope="module")
def bench(control_plane, tmp_path_factory) -> Iterator[Bench]:
    with a_bench(control_plane, tmp_path_factory.mktemp("plans"), quick()) as bench:
        bench.start()
        yield bench


def plan(bench: Bench, name: str, spec: dict[str, Any]) -> tuple[int, Any]:
    """Run `missyou plan -f - -o json` without a cluster; return the exit code and what it prints."""
    meta = {"name": name, "namespace": bench.namespace}
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "operator"),
        "AWS_ENDPOINT_URL": bench.endpoint,
        "AWS_ACCESS_KEY_ID": "reader",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "KUBECONFIG": os.devnull,
    }
    command = [str(Path(sys.executable).with_name("missyou")), "plan", "-f", "-", "-o", "json"]
    manifest = yaml.safe_dump(
        {"apiVersion": "missyou.app/v1alpha1", "kind": "MissYouApp", "metadata": meta, "spec": spec}
    )
    done = subprocess.run(
        command, input=manifest, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert not done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def approve(bench: Bench, name: str) -> dict[str, Any]:
    app = bench.until(name, lambda app: condition(app, "Stalled").get("reason") == "ApprovalRequired", "asking")
    waiting: dict[str, Any] = app["status"]["plan"]
    bench.patch(name, {"metadata": {"annotations": {"missyou.app/approve": waiting["id"]}}})
    return waiting


def test_from_the_first_plan_to_a_changed_app(bench):
    spec: dict[str, Any] = {"environment": "Development", "changePolicy": "Approve"}
    code, first = plan(bench, FIRST, spec)
    assert code == 2
    assert {change["risk"] for change in first["changes"]} == {"Create"}
    bench.apply(FIRST, **spec)
    bench.until(FIRST, lambda app: app.get("status", {}).get("plan"), "planned")
    assert bench.vpcs(FIRST) == 0
    waiting = approve(bench, FIRST)
    # Nobody has given the app its UID before: all but the ID is what the command has said.
    assert [change["resource"] for change in waiting["changes"]] == [change["resource"] for change in first["changes"]]
    assert waiting["expectedSeconds"] == first["expectedSeconds"]
    bench.ready(FIRST)
    bench.until(FIRST, lambda app: condition(app, "InSync")["status"] == "True", "in sync")
    assert plan(bench, FIRST, spec) == (0, None)


def test_a_change_that_waits_is_approved_and_the_app_stays_ready(bench):
    spec = {**bench.have(LATER, changePolicy="Automatic")["spec"], "changePolicy": "Approve"}
    spec["monitoring"] = {**spec.get("monitoring", {}), "logRetentionDays": 30}
    bench.patch(LATER, {"spec": spec})
    app = bench.until(LATER, lambda app: condition(app, "Stalled").get("reason") == "ApprovalRequired", "asking")
    assert condition(app, "Ready")["status"] == "True"
    # As a manifest has it, without what the API server has filled in.
    code, said = plan(
        bench, LATER, {"environment": "Development", **{key: spec[key] for key in ("changePolicy", "monitoring")}}
    )
    assert code == 2
    assert said["id"] == app["status"]["plan"]["id"]
    assert [c["fields"] for c in said["changes"]] == [c["fields"] for c in app["status"]["plan"]["changes"]]
    approve(bench, LATER)
    bench.until(LATER, lambda app: condition(app, "InSync")["status"] == "True", "carried out")
    groups = bench.aws_client("logs").describe_log_groups(logGroupNamePrefix=f"/ecs/{LATER}")["logGroups"]
    assert groups[0]["retentionInDays"] == 30
