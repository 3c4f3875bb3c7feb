"""What is the stack's, and where it lives, on a real API server with requests under way: lost tags, another account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from missyou_local.aws import Timing

from .bench import Bench, a_bench, condition
from .traffic import Traffic, health, traffic

NAME = "home"
ELSEWHERE = "arn:aws:iam::210987654321:role/missyou"


@pytest.fixture(scope="module")
def bench(control_plane, tmp_path_factory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("place")
    timing = Timing(rds=0.5, nat=0.2, alb=0.2, task=0.2, task_stop=0.2)
    with a_bench(control_plane, folder, timing, data_plane=folder / "plane", resync="5") as bench:
        bench.start()
        yield bench


@pytest.fixture
def app(bench: Bench) -> dict[str, Any]:
    """A stack that is Ready, as another test has left it or a new one."""
    return bench.have(NAME)


def requests(app: dict[str, Any]) -> AbstractContextManager[Traffic]:
    """Send requests as long as the block runs, of which none may fail."""
    return traffic(health(app["status"]["url"]))


def vpcs(bench: Bench) -> list[dict[str, Any]]:
    return [row for row in bench.aws_client("ec2").describe_vpcs()["Vpcs"] if not row["IsDefault"]]


def place(app: dict[str, Any]) -> dict[str, str]:
    return dict(json.loads(app["metadata"]["annotations"]["missyou.app/place"]))


def drifted(app: dict[str, Any]) -> list[str]:
    """Which resources were found changed outside, by `status.drift`."""
    return [entry["resource"] for entry in app["status"].get("drift", ())]


def settled(app: dict[str, Any]) -> bool:
    return condition(app, "Ready").get("status") == condition(app, "InSync").get("status") == "True"


def test_a_vpc_without_its_tags_is_tagged_again(bench, app):
    [vpc] = vpcs(bench)
    ec2 = bench.aws_client("ec2")
    groups, rules = bench.count("ec2:CreateSecurityGroup"), bench.count("ec2:RevokeSecurityGroupIngress")
    with requests(app):
        ec2.delete_tags(Resources=[vpc["VpcId"]], Tags=[{"Key": tag["Key"]} for tag in vpc["Tags"]])
        assert not vpcs(bench)[0].get("Tags")
        # AWS has the tags a moment before the status tells of them: wait for what is told.
        bench.until(NAME, lambda one: "ec2.Vpc/home-vpc" in drifted(one), "tagged again, and told")
        bench.until(NAME, settled, "settled")
    [after] = vpcs(bench)
    assert sorted(after["Tags"], key=str) == sorted(vpc["Tags"], key=str)
    assert after["VpcId"] == vpc["VpcId"]
    assert (bench.count("ec2:CreateSecurityGroup"), bench.count("ec2:RevokeSecurityGroupIngress")) == (groups, rules)


def test_another_account_is_refused_and_nothing_made_there(bench, app):
    assert place(app) == {"account": "123456789012", "region": "us-east-1"}
    before = bench.mutations()
    with requests(app):
        bench.patch(NAME, {"spec": {"credentials": {"roleARN": ELSEWHERE}}})
        stalled = bench.until(NAME, lambda one: condition(one, "Stalled").get("reason") == "PlaceChanged", "refused")
        assert "account 123456789012" in condition(stalled, "Stalled")["message"]
        assert place(stalled) == place(app)
        bench.patch(NAME, {"spec": {"credentials": None}})
        bench.ready(NAME)
        bench.until(NAME, settled, "settled")
    assert bench.mutations() == before
    assert len(vpcs(bench)) == 1


def test_the_record_of_the_place_comes_back(bench, app):
    """`kubectl replace` takes it away."""
    bench.patch(NAME, {"metadata": {"annotations": {"missyou.app/place": None}}})
    back = bench.until(NAME, lambda one: "missyou.app/place" in one["metadata"].get("annotations", {}), "recorded")
    assert place(back) == place(app)
