"""A read that failed says nothing about the app while the last good one is only minutes old."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from missyou_operator.api.status import merge_patch
from tests.sim.app import App, changes
from tests.sim.aws import OPERATOR

BROKEN = {"code": "ServiceUnavailable", "status": 503, "message": "try later"}


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(aws, "unread", environment="Development")
    app.PATIENCE = 1800.0
    app.settle()
    return app


def lived(app: App, seconds: float) -> Iterator[dict[str, Any]]:
    """Give the status of each pass for some time, and what a pass has changed of it."""
    end = app.clock.now + seconds
    while app.clock.now < end:
        before = app.body["status"]
        app.one_pass()
        yield merge_patch(before, app.body["status"])
        app.wait()


def test_a_third_of_the_reads_throttled_is_nothing_to_tell(app: App) -> None:
    """Each of botocore's attempts is refused with that probability, here so often that whole reads fail."""
    app.aws.faults({"match": "*", "caller": OPERATOR, "throttle": 0.6})
    failed = 0
    for patch in lived(app, 600.0):
        failed += app.reports[-1].result == "error"
        assert not patch.keys() - {"lastSyncTime"}, patch
    assert failed > 5
    assert app.condition("Ready")["status"] == "True"


@pytest.mark.parametrize("service", ["*", "elbv2", "rds"])
def test_an_outage_is_told_after_minutes_and_says_nothing_that_is_not_known(app: App, service: str) -> None:
    app.aws.faults({"match": f"{service}:*" if service != "*" else "*", "caller": OPERATOR, "fail": BROKEN})
    began, seen = app.clock.now, []
    for _ in lived(app, 400.0):
        seen.append((app.clock.now - began, app.condition("Ready")["status"]))
        assert app.reason("InSync") != "Applying", app.condition("InSync")
        assert "plan" not in app.body["status"]
        assert "drift" not in app.body["status"]
    assert {status for after, status in seen if after < 120} == {"True"}
    assert {status for after, status in seen if after > 300} == {"False"}
    assert app.reason("Ready") == "AWSError"
    assert app.condition("Reconciling")["status"] == "True"
    assert app.condition("InSync")["status"] == "Unknown"
    app.aws.faults()
    assert changes(app.calls(app.grow)) == {}
    app.one_pass()
    assert app.condition("InSync")["status"] == "True"


def test_an_operator_that_starts_in_an_outage_keeps_what_was_known(app: App) -> None:
    app.aws.faults({"match": "rds:*", "caller": OPERATOR, "fail": BROKEN})
    app.restart()
    began = app.clock.now
    for patch in lived(app, 150.0):
        assert not patch, patch
    for _ in lived(app, 200.0):
        assert app.reason("InSync") != "Applying"
    assert app.clock.now - began > 300
    assert app.condition("Ready")["status"] == "False"


def test_a_new_spec_in_an_outage_is_not_called_applied(app: App) -> None:
    app.aws.faults({"match": "*", "caller": OPERATOR, "fail": BROKEN})
    app.edit(monitoring={"logRetentionDays": 14})
    app.one_pass()
    assert app.condition("InSync")["status"] != "True"
    app.aws.faults()
    app.grow()
    app.one_pass()
    assert app.condition("InSync")["status"] == "True"


def test_what_could_not_be_read_is_corrected_once_it_can(app: App) -> None:
    app.client("logs").put_retention_policy(logGroupName="/ecs/unread", retentionInDays=30)
    app.aws.faults({"match": "logs:Describe*", "caller": OPERATOR, "fail": BROKEN})
    for _ in lived(app, 90.0):
        assert "drift" not in app.body["status"]
    app.aws.faults()
    for _ in lived(app, 60.0):
        pass
    [entry] = app.body["status"]["drift"]
    assert (entry["resource"], entry["action"]) == ("logs.LogGroup//ecs/unread", "Corrected")
