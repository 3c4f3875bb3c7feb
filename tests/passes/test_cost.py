"""Cost and budget in the life of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.sim.app import App, changes


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(aws, "thrifty", environment="Development")
    app.settle()
    return app


def gateways(app: App) -> int:
    mine = [{"Name": "tag:missyou.app/stack", "Values": ["default/thrifty"]}]
    found = app.client("ec2").describe_nat_gateways(Filters=mine)["NatGateways"]
    return len([gateway for gateway in found if gateway["State"] in {"pending", "available"}])


def ask_for_too_much(app: App) -> None:
    """Ask for a second gateway, which the budget does not allow."""
    app.edit(budget={"monthlyUSD": 100}, network={"natGateways": 2})
    app.until(lambda _: app.reason("Stalled") == "ApprovalRequired", "asking for approval")


def approve(app: App) -> None:
    app.annotate("approve", app.body["status"]["plan"]["id"])


def test_the_status_says_what_it_costs_and_does_not_tick(app):
    cost = app.body["status"]["cost"]
    assert (cost["monthlyUSD"], cost["pricesFrom"]) == ("88.60", "2026-05-31")
    assert {row["component"] for row in cost["components"]} >= {"Network", "Database", "Service"}
    before = dict(app.body["status"])
    app.observe_now()
    assert app.body["status"]["cost"] == before["cost"]
    app.restart()
    app.one_pass()
    assert app.body["status"]["cost"] == before["cost"]


def test_a_plan_beyond_the_budget_waits_and_changes_nothing(app):
    app.edit(budget={"monthlyUSD": 100}, network={"natGateways": 2})
    assert changes(app.calls(app.one_pass)) == {}
    assert app.reason("Stalled") == "ApprovalRequired"
    assert "125.10 USD a month" in app.condition("Stalled")["message"]
    plan = app.body["status"]["plan"]
    assert plan["cost"] == {"monthlyUSD": "125.10", "differenceUSD": "+36.50"}
    assert "ec2.NatGateway/thrifty-nat-b" in {change["resource"] for change in plan["changes"]}
    assert app.body["status"]["cost"]["monthlyUSD"] == "88.60"
    said = dict(app.body["status"])
    app.restart()
    assert changes(app.calls(app.one_pass)) == {}
    assert app.body["status"] == said
    assert gateways(app) == 1


def test_a_plan_within_the_budget_tells_the_difference_until_it_is_carried_out(app):
    ask_for_too_much(app)
    app.edit(budget={"monthlyUSD": 200})
    app.restart()
    told = []

    def done(status: Mapping[str, Any]) -> bool:
        told.append((status.get("plan") or {}).get("cost"))
        return gateways(app) == 2 and "plan" not in status

    app.until(done, "carried out")
    assert told[0] == {"monthlyUSD": "125.10", "differenceUSD": "+36.50"}
    assert [cost for cost in told[:-1] if cost != told[0]] == []
    app.edit(budget={"monthlyUSD": 100}, network={"natGateways": 1})
    app.one_pass()
    assert app.body["status"]["plan"]["cost"]["differenceUSD"] == "-36.50"
    app.until(lambda status: gateways(app) == 1 and "plan" not in status, "taken back")
    app.edit(network={"natGateways": 2})
    app.one_pass()
    assert app.reason("Stalled") == "ApprovalRequired"


def test_it_goes_on_when_the_change_is_taken_back(app):
    ask_for_too_much(app)
    app.edit(network={"natGateways": 1})
    app.grow()
    assert "plan" not in app.body["status"]


def test_an_approved_plan_is_carried_out_to_its_end(app):
    ask_for_too_much(app)
    approve(app)
    app.one_pass()
    # What was approved is remembered by the status alone.
    app.restart()
    app.grow()
    assert gateways(app) == 2
    assert app.body["status"]["cost"]["monthlyUSD"] == "125.10"


def test_beyond_the_budget_drift_is_put_right_and_what_costs_nothing_goes_on(app):
    ask_for_too_much(app)
    approve(app)
    app.settle()
    app.client("cloudwatch").delete_alarms(AlarmNames=["thrifty-ecs-cpu"])
    app.observe_now()
    assert app.client("cloudwatch").describe_alarms(AlarmNames=["thrifty-ecs-cpu"])["MetricAlarms"]
    app.edit(tags={"team": "grief"})
    app.grow()
    assert app.condition("InSync")["status"] == "True"


def test_getting_cheaper_needs_no_approval(app):
    ask_for_too_much(app)
    approve(app)
    app.grow()
    app.edit(budget={"monthlyUSD": 10}, network={"natGateways": 1})
    app.grow()
    app.until(lambda _: gateways(app) == 1, "consolidated")
    assert app.body["status"]["cost"]["monthlyUSD"] == "88.60"


def test_a_budget_keeps_nothing_from_being_deleted(app):
    app.edit(budget={"monthlyUSD": 10})
    app.delete()
    assert gateways(app) == 0


def test_a_new_stack_beyond_the_budget_makes_nothing(aws):
    app = App(aws, "unaffordable", environment="Development", budget={"monthlyUSD": 20})
    assert changes(app.calls(app.one_pass)) == {}
    assert app.reason("Stalled") == "ApprovalRequired"
    assert "cost" not in app.body["status"]
    app.edit(budget={"monthlyUSD": 90})
    app.one_pass()
    assert app.body["status"]["cost"]["monthlyUSD"] == "88.60"
    app.delete()
