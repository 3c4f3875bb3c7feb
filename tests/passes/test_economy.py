"""What passes cost: calls are counted, exactly."""

from __future__ import annotations

import pytest

from missyou_operator.controller import reconcile
from tests.sim.app import App, changes

from .test_domain import zone


@pytest.fixture(scope="module")
def grown(aws):
    """A production stack, the calls that it took, and what the stack consists of."""
    app = App(aws, "frugal", environment="Production")
    calls = app.calls(app.grow)
    calls.pop("ecr:PutImage")
    return app, calls


def test_creating_takes_at_most_two_calls_a_resource(grown):
    app, calls = grown
    resources = len(app.body["status"]["resources"])
    assert resources >= 48
    assert sum(calls.values()) <= 2 * resources, calls


def test_nothing_is_created_twice(grown):
    _, calls = grown
    once = {"ec2:CreateVpc": 1, "ec2:CreateSubnet": 6, "ec2:AllocateAddress": 2, "rds:CreateDBInstance": 1}
    once |= {"ec2:CreateNatGateway": 2, "iam:CreateRole": 2, "ecs:RegisterTaskDefinition": 1, "ecs:CreateService": 1}
    assert {name: calls[name] for name in once} == once


def test_a_look_without_a_difference_changes_nothing_and_writes_no_status(grown):
    app, _ = grown
    before = dict(app.body["status"])
    calls = app.calls(app.look_now)
    assert changes(calls) == {}
    after = {key: value for key, value in app.body["status"].items() if key != "lastHandledReconcileAt"}
    assert after | {"lastSyncTime": None} == {
        key: value for key, value in before.items() if key != "lastHandledReconcileAt"
    } | {"lastSyncTime": None}


def test_a_look_at_what_is_settled_asks_nothing(grown):
    """Between two full looks, a wake-up for nothing costs nothing."""
    app, _ = grown
    app.one_pass()
    assert app.calls(app.one_pass) == {}


def test_after_a_restart_everything_is_found_again(grown):
    app, _ = grown
    app.restart()
    app.body["status"] = {"observedGeneration": -1}
    assert changes(app.calls(app.one_pass)) == {}
    assert app.condition("Ready")["status"] == "True"


def test_what_hardly_ever_changes_is_not_asked_for_again_in_each_look(grown, monkeypatch):
    """Tags of alarms take a call each. They are read again when somebody asks for a look."""
    app, _ = grown
    app.look_now()
    monkeypatch.setattr(reconcile, "_SHARED_FOR", 0.0)
    app.memory.full_at = float("-inf")
    regular = app.calls(app.one_pass)
    assert regular["cloudwatch:DescribeAlarms"] >= 1
    assert "cloudwatch:ListTagsForResource" not in regular
    asked = app.calls(app.look_now)
    alarms = [row for row in app.body["status"]["resources"] if row["type"] == "cloudwatch.Alarm"]
    assert asked["cloudwatch:ListTagsForResource"] == len(alarms) + 1


def test_while_a_deletion_waits_passes_are_no_full_looks(aws):
    """A certificate that is to go waits for the one in its place, half an hour at times."""
    app = App(aws, "patient", environment="Development")
    zone(app, "patient.com")
    app.edit(domain={"name": "one.patient.com"})
    app.grow()
    usual, aws.control.timing.certificate = aws.control.timing.certificate, 100.0
    app.edit(domain={"name": "two.patient.com"})
    app.until(lambda _: app.reason("DomainReady") == "Validating", "validating")
    assert "Delete acm.Certificate/one.patient.com" in app.condition("InSync")["message"]
    calls = app.calls(lambda: [(app.one_pass(), app.wait()) for _ in range(10)])
    assert calls.get("ec2:DescribeVpcs", 0) <= 1
    aws.control.timing.certificate = usual
    app.delete()
