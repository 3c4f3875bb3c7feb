"""What AWS refuses for hours: tried less and less often, quiet, and at once after a change. Calls are counted."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_operator.api.status import merge_patch
from tests.sim.app import App, changes
from tests.sim.aws import OPERATOR, Aws

QUOTA = {"code": "VpcLimitExceeded", "status": 400, "message": "The maximum number of VPCs has been reached."}
ABSENT = {"code": "ResourceNotFoundException", "status": 400, "message": "There is no such thing."}


def refuse(aws: Aws, call: str, fail: dict[str, Any]) -> None:
    aws.faults({"match": call, "caller": OPERATOR, "fail": fail})


def live(app: App, seconds: float) -> list[set[str]]:
    """Let the operator work for some time, and give what each of its status writes changed."""
    end, written = app.clock.now + seconds, []
    while app.clock.now < end:
        before = app.body["status"]
        app.one_pass()
        if patch := merge_patch(before, app.body["status"]):
            written.append(set(patch))
        app.wait()
    return written


def of(calls: dict[str, int], *parts: str) -> int:
    return sum(count for name, count in calls.items() if any(part in name for part in parts))


@pytest.fixture(scope="module")
def starved(aws) -> App:
    """A stack whose VPC is refused, after its first minutes."""
    app = App(aws, "starved", environment="Development")
    refuse(aws, "ec2:CreateVpc", QUOTA)
    live(app, 600.0)
    return app


def test_a_quota_that_lasts_is_asked_for_every_few_minutes_and_nothing_else(starved: App) -> None:
    assert starved.reason("Ready") == "QuotaExceeded"
    written: list[set[str]] = []
    calls = starved.calls(lambda: written.extend(live(starved, 3600.0)))
    made = changes(calls)
    assert set(made) == {"ec2:CreateVpc"}, made
    assert 6 <= made["ec2:CreateVpc"] <= 30, made
    # The hourly time, and nothing else.
    assert [patch for patch in written if patch != {"lastSyncTime"}] == []
    assert len(written) <= 2


def test_after_a_restart_it_takes_nothing_for_missing(starved: App) -> None:
    starved.restart()
    starved.one_pass()
    starved.wait()
    made = changes(starved.calls(lambda: live(starved, 600.0)))
    assert set(made) == {"ec2:CreateVpc"}, made


@pytest.mark.parametrize("how", ["reconcile", "spec"])
def test_it_is_tried_at_once_when_somebody_asks(starved: App, how: str) -> None:
    starved.aws.faults()
    if how == "spec":
        starved.edit(service={"debug": True})
    else:
        starved.annotate("reconcile", "now")
    assert changes(starved.calls(starved.one_pass))["ec2:CreateVpc"] == 1


def test_a_quota_that_is_raised_is_noticed_within_minutes(starved: App) -> None:
    starved.aws.faults()
    began = starved.clock.now
    starved.until(lambda _: starved.reason("Ready") != "QuotaExceeded", "noticed")
    assert starved.clock.now - began <= 360.0


@pytest.mark.parametrize("call", ["cloudwatch:PutMetricAlarm", "iam:CreateRole"])
def test_a_not_found_that_lasts_is_stated_and_slowed_down(aws: Aws, call: str) -> None:
    app = App(aws, "absent", environment="Development")
    refuse(aws, call, ABSENT)
    live(app, 60.0)
    if app.reason("ServiceReady") == "ImageNotFound":
        app.push()
    live(app, 900.0)
    ready = app.condition("Ready")
    assert ready["status"] == "False"
    assert "more than five minutes" in ready["message"], ready
    held = [c["heldBecause"] for c in app.body["status"]["plan"]["changes"] if "heldBecause" in c]
    assert any(hold["reason"] == "WaitingForAWS" for hold in held)
    written: list[set[str]] = []
    calls = app.calls(lambda: written.extend(live(app, 1800.0)))
    # One try a minute and resource.
    resources = sum(c["action"] == "Create" for c in app.body["status"]["plan"]["changes"])
    assert 0 < calls[call] <= 40 * resources, calls
    assert [patch for patch in written if patch != {"lastSyncTime"}] == [], written
    aws.faults()
    app.grow()


def test_a_refused_deletion_names_the_same_things_in_each_pass(aws: Aws) -> None:
    aws.faults()
    app = App(aws, "stays", environment="Development", database={"deletionProtection": False})
    app.grow()
    refuse(aws, "*:Delete*", {"code": "DependencyViolation", "status": 400, "message": "It has a dependent object."})
    end = app.clock.now + 900.0
    while app.clock.now < end:
        app.deletion_pass()
        app.wait()
    texts = set()
    for _ in range(20):
        app.deletion_pass()
        app.wait()
        texts.add(app.condition("Ready")["message"])
        assert [b["resource"] for b in app.body["status"]["blockers"]] == sorted(
            b["resource"] for b in app.body["status"]["blockers"]
        )
    assert len(texts) == 1, texts
    aws.faults()
    app.delete()
