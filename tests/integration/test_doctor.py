"""`missyou doctor` and `missyou delete` against a real API server and the test AWS, as somebody would live it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from .bench import Bench, a_bench, condition, quick

NAME = "ward"
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def bench(control_plane, tmp_path_factory) -> Iterator[Bench]:
    with a_bench(control_plane, tmp_path_factory.mktemp("doctor"), quick(), resync="5") as bench:
        bench.start()
        yield bench


def missyou(bench: Bench, *words: str, said: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command as somebody with a kubeconfig and AWS credentials."""
    aws = {"AWS_ENDPOINT_URL": bench.endpoint, "AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "test"}
    own = {"PATH": os.environ["PATH"], "HOME": str(bench.folder), "KUBECONFIG": str(bench.kubeconfig)}
    return subprocess.run(
        [str(Path(sys.executable).with_name("missyou")), *words, "-n", bench.namespace],
        input=said,
        capture_output=True,
        text=True,
        check=False,
        env={**own, **aws, "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "us-east-1", **environ},
    )


def events(bench: Bench, reason: str) -> list[str]:
    listed: Any = client.CoreV1Api(bench.kube).list_namespaced_event(bench.namespace)
    return [event.message for event in listed.items if event.reason == reason]


def test_the_doctor_sees_what_is_broken_and_its_command_mends_it(bench: Bench) -> None:
    url = bench.have(NAME)["status"]["url"]
    healthy = missyou(bench, "doctor", NAME)
    assert (healthy.returncode, healthy.stderr) == (0, ""), healthy
    assert healthy.stdout == f"✔ {bench.namespace}/{NAME} is healthy: 1/1 tasks run, {url}\n"
    rds = bench.aws_client("rds")
    rds.stop_db_instance(DBInstanceIdentifier=f"{NAME}-db")
    bench.until(NAME, lambda app: condition(app, "DatabaseReady").get("reason") == "Stopped", "stopped")
    before = bench.mutations()
    sick = missyou(bench, "doctor", NAME, "-o", "json")
    assert sick.returncode == 2
    [database] = [each for each in json.loads(sick.stdout)["findings"] if each["component"] == "Database"]
    assert database["commands"] == [f"aws rds start-db-instance --db-instance-identifier {NAME}-db"]
    # Without credentials it says so, and tells what the operator last wrote.
    blind = missyou(bench, "doctor", NAME, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert blind.returncode == 2
    assert "AWS was not asked" in blind.stdout
    assert f"    $ {database['commands'][0]}\n" in blind.stdout
    assert bench.mutations() == before
    rds.start_db_instance(DBInstanceIdentifier=f"{NAME}-db")
    bench.ready(NAME)
    assert missyou(bench, "doctor", NAME).returncode == 0
    assert missyou(bench, "doctor", "nobody").returncode == 3


def test_a_deletion_is_previewed_typed_told_and_explained(bench: Bench) -> None:
    bench.have(NAME)
    before = bench.mutations()
    preview = missyou(bench, "delete", NAME, "--preview")
    assert preview.returncode == 0, preview
    assert f"the database {NAME}-db" in preview.stdout
    assert "no final snapshot is taken" in preview.stdout
    assert f"{NAME}-nat-a" in preview.stdout
    refused = missyou(bench, "delete", NAME, said="another\n")
    assert refused.returncode == 64, refused
    assert not bench.get(NAME)["metadata"].get("deletionTimestamp")
    bench.patch(NAME, {"spec": {"suspend": True}})
    typed = missyou(bench, "delete", NAME, said=f"{NAME}\n")
    assert typed.returncode == 0, typed
    waiting = bench.until(
        NAME, lambda app: "the deletion waits" in condition(app, "Ready").get("message", ""), "waiting"
    )
    message = condition(waiting, "Ready")["message"]
    assert '{"spec":{"suspend":false}}' in message
    assert '{"spec":{"deletionPolicy":"Retain"}}' in message
    assert "the deletion waits" in missyou(bench, "doctor", NAME).stdout
    assert bench.mutations() == before
    bench.patch(NAME, {"spec": {"suspend": False}})
    bench.until(NAME, lambda app: not app, "gone")
    [told] = events(bench, "DeletionPreview")
    assert f"deleting {bench.namespace}/{NAME}:" in told
    assert f"the database {NAME}-db" in told
