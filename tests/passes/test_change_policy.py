"""`changePolicy: Approve`: every change waits for the approval of exactly its plan, and is then carried out whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.sim.app import App, changes


def asked(app: App) -> str:
    app.until(lambda _: app.reason("Stalled") == "ApprovalRequired", "asking for approval")
    return str(app.body["status"]["plan"]["id"])


def approve(app: App) -> None:
    app.annotate("approve", asked(app))


def carried_out(app: App) -> None:
    """Run passes until AWS is as the spec says, without being asked again."""

    def done(_: Mapping[str, Any]) -> bool:
        assert app.reason("Stalled") != "ApprovalRequired", app.condition("Stalled")["message"]
        if app.reason("ServiceReady") == "ImageNotFound" and not app.has_pushed("latest"):
            app.push()
        return app.condition("Ready")["status"] == app.condition("InSync")["status"] == "True"

    app.until(done, "carried out")


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(aws, "careful", environment="Development", changePolicy="Approve")
    approve(app)
    carried_out(app)
    # What AWS shows late is seen to match, so that a difference from then on is drift.
    app.clock.now += 60.0
    app.observe_now()
    return app


def test_the_first_creation_waits(aws):
    app = App(aws, "unbegun", environment="Development", changePolicy="Approve")
    assert changes(app.calls(lambda: app.passes(3))) == {}
    assert app.condition("Ready")["status"] == "False"
    stalled = app.condition("Stalled")
    assert stalled["reason"] == "ApprovalRequired"
    plan = app.body["status"]["plan"]
    assert f"missyou.app/approve={plan['id']}" in stalled["message"]
    assert plan["summary"] in stalled["message"]
    app.restart()
    app.one_pass()
    assert app.body["status"]["plan"] == plan


def test_a_change_waits_while_the_app_stays_ready(app):
    app.edit(service={"env": {"MOTTO": "hi"}}, network={"natGateways": 2}, monitoring={"logRetentionDays": 30})
    assert changes(app.calls(lambda: app.passes(3))) == {}
    assert app.condition("Ready")["status"] == "True"
    assert app.condition("InSync")["reason"] == "ApprovalRequired"
    assert app.reason("Stalled") == "ApprovalRequired"
    approve(app)
    carried_out(app)
    assert app.condition("Stalled")["status"] == ""


def test_drift_waits_too(app):
    app.client("logs").put_retention_policy(logGroupName="/ecs/careful", retentionInDays=1)
    assert changes(app.calls(app.observe_now)) == {}
    [entry] = app.body["status"]["drift"]
    assert entry["action"] == "Held"
    approve(app)
    carried_out(app)
    assert app.body["status"]["drift"][0]["action"] == "Corrected"


def test_drift_in_the_middle_is_not_covered(app):
    app.edit(database={"instanceClass": "db.t3.small"})
    approve(app)
    app.one_pass()
    app.client("cloudwatch").delete_alarms(AlarmNames=["careful-ecs-cpu"])
    app.observe_now()
    second = asked(app)
    assert [c["resource"] for c in app.body["status"]["plan"]["changes"]] == ["cloudwatch.Alarm/careful-ecs-cpu"]
    app.annotate("approve", second)
    carried_out(app)


def replaced(app: App, **spec: Any) -> None:
    """Change the spec while a plan waits, and approve that plan: nothing is done, and the message says why."""
    first = asked(app)
    app.edit(**spec)
    app.annotate("approve", first)
    assert changes(app.calls(lambda: app.passes(2))) == {}
    assert f"names the plan {first}, which this one has replaced" in app.condition("Stalled")["message"]
    assert asked(app) != first


def test_an_approval_of_a_replaced_plan_says_so(app):
    app.edit(service={"env": {"MOTTO": "one"}})
    replaced(app, service={"env": {"OTHER": "two"}})
    approve(app)
    carried_out(app)


def test_an_approval_covers_the_values_that_no_plan_shows(app):
    """Whoever edits the spec does not change what was approved: the environment is stars in every plan."""
    app.edit(service={"env": {"MOTTO": "harmless"}})
    replaced(app, service={"env": {"MOTTO": "evil"}})


def test_an_approval_of_a_creation_is_for_the_spec_of_that_time(aws):
    app = App(aws, "swapped", environment="Development", changePolicy="Approve")
    replaced(app, loadBalancer={"allowedCIDRs": ["203.0.113.0/24"]}, service={"cpu": 4096, "memory": 8192})


@pytest.mark.parametrize(
    "spec",
    [
        {"service": {"port": 9000}},
        {"service": {"healthCheck": {"path": "/alive"}}},
        {"service": {"cpu": 512, "memory": 1024}},
        {"database": {"engineVersion": "16"}},
        {"database": {"storageGiB": 40}},
        {"waf": {"enabled": True}, "loadBalancer": {"accessLogs": {"enabled": True}}},
        {"network": {"endpoints": {"interfaces": True}, "flowLogs": {"enabled": True}}},
        {"tags": {"team": "grief"}},
    ],
    ids=str,
)
def test_one_approval_carries_a_change_through_all_its_steps(app, spec):
    app.edit(**spec)
    approve(app)
    carried_out(app)


def test_a_change_of_the_spec_in_the_middle_is_asked_for(app):
    app.edit(database={"multiAZ": True})
    approve(app)
    app.one_pass()
    app.edit(service={"env": {"MOTTO": "late"}})
    asked(app)
    assert "ecs.Service" in {c["resource"].partition("/")[0] for c in app.body["status"]["plan"]["changes"]}
    approve(app)
    carried_out(app)


def test_the_approval_of_the_plan_is_that_of_its_cost(app):
    app.edit(budget={"monthlyUSD": 95}, network={"natGateways": 2})
    asked(app)
    assert "more than spec.budget.monthlyUSD (95)" in app.condition("Stalled")["message"]
    approve(app)
    carried_out(app)
    app.passes(3)
    assert app.condition("Ready")["status"] == "True"


def test_data_and_everything_else_are_approved_together(app):
    app.clock.now += 7 * 3600.0
    app.edit(database={"name": "other"}, service={"env": {"MOTTO": "anew"}})
    approve(app)
    carried_out(app)
