"""Events, with the operator's process on a real API server: drift is put right when AWS tells of it, not at a look."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from missyou_operator.cli.entry import main

from .bench import PATIENCE, Bench, a_bench, is_ready, quick

NAME = "told"
GROUP = f"/ecs/{NAME}"


@pytest.fixture(scope="module")
def bench(control_plane, tmp_path_factory) -> Iterator[Bench]:
    """The next full look is an hour away."""
    folder = tmp_path_factory.mktemp("events")
    with a_bench(control_plane, folder, quick(), resync="3600", arguments=["--events=us-east-1"]) as bench:
        bench.start()
        yield bench


@pytest.fixture
def person(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody at a shell, with credentials."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", bench.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def kept(bench: Bench) -> int:
    [group] = bench.aws_client("logs").describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]
    return int(group["retentionInDays"])


def waited(done: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise AssertionError(f"not {what}")
        time.sleep(0.02)


def test_what_others_change_is_put_right_when_aws_tells_of_it(bench: Bench, person: None, capsys) -> None:
    # Without the queue, the operator works as ever, and says once what is missing.
    bench.have(NAME)
    waited(lambda: "missyou events install makes it" in bench.log(), "said that there is no queue")

    uid = client.CoreV1Api(bench.kube).read_namespace("kube-system").metadata.uid
    install = ["events", "install", "--region=us-east-1", f"--cluster={uid}"]
    assert main(install) == 0
    assert "no trail of this account logs changing management events" in capsys.readouterr().err
    trails = bench.aws_client("cloudtrail")
    bench.aws_client("s3").create_bucket(Bucket="trails")
    trails.create_trail(Name="management", S3BucketName="trails", IsMultiRegionTrail=True)
    trails.start_logging(Name="management")
    assert main(install) == 0
    assert capsys.readouterr() == ("Nothing is to be done: it is installed.\n", "")
    waited(lambda: "events come from the queue" in bench.log(), "listening")
    assert bench.log().count("missyou events install makes it") == 1

    # What has just been made is read back once: a difference from it is drift from then on.
    bench.until(NAME, is_ready, "Ready")
    bench.patch(NAME, {"metadata": {"annotations": {"missyou.app/reconcile": "1"}}})
    bench.until(NAME, lambda app: app["status"].get("lastHandledReconcileAt") == "1", "looked at")
    looks = bench.count("ec2:DescribeVpcs")
    bench.aws_client("logs").put_retention_policy(logGroupName=GROUP, retentionInDays=30)
    changed_at = time.monotonic()
    waited(lambda: kept(bench) == 7, "put right")
    # For whoever reads the log of a test: how long a machine without load takes.
    print(f"put right after {time.monotonic() - changed_at:.2f} s")
    app = bench.until(NAME, lambda app: app["status"].get("drift"), "told of")
    [entry] = app["status"]["drift"]
    assert (entry["resource"], entry["by"]) == (f"logs.LogGroup/{GROUP}", "somebody")
    # No full look was made: that would have read the VPC.
    assert bench.count("ec2:DescribeVpcs") == looks
