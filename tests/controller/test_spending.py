"""What a budget holds and what it lets through, and what the status says of the cost. Pure."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_operator.api import parse
from missyou_operator.api.status import ComponentCost, Cost, PlannedCost, Status
from missyou_operator.controller.approvals import Approvals
from missyou_operator.controller.report import previous
from missyou_operator.controller.spending import Spending, check_budget
from missyou_operator.cost import PriceTable, bundled
from missyou_operator.engine.plan import Action, Change, Plan

PLAN = Plan((Change(Action.CREATE, "ec2.NatGateway/missyou-nat-b", "Network"),))
#: What the Development default costs in us-east-1 by the table of the package.
NOW = "88.60"
COST = Cost(components=(ComponentCost(component="Network", monthly_usd=NOW),))


def body(budget: int | None = None, now: str | None = NOW, approve: str = "", **spec: Any) -> dict[str, Any]:
    status: dict[str, Any] = {"plan": {"id": approve}}
    if now is not None:
        status["cost"] = {"components": [{"component": "Network", "monthlyUSD": now}]}
    meta = {"name": "missyou", "namespace": "default", "uid": "app-uid"}
    return {
        "metadata": {**meta, "annotations": {"missyou.app/approve": approve}},
        "spec": {"environment": "Development", **({"budget": {"monthlyUSD": budget}} if budget else {}), **spec},
        "status": status,
    }


def judged(given: dict[str, Any], plan: Plan = PLAN, prices: PriceTable | None = None) -> Spending:
    return check_budget(
        given, parse(given, "us-east-1"), prices or bundled(), plan, Approvals.of(given, previous(given))
    )


def is_held(spending: Spending) -> bool:
    return bool(spending.approval.changes)


DEARER = {"network": {"natGateways": 2}}


def test_what_exceeds_the_budget_waits_as_a_whole_and_says_the_amounts():
    found = judged(body(100, **DEARER))
    assert found.approval == PLAN
    health = found.held["ec2.NatGateway/missyou-nat-b"]
    assert (health.stalled, health.reason) == (True, "ApprovalRequired")
    for words in ("125.10 USD a month", "spec.budget.monthlyUSD (100)", "now it is 88.60", f"approve={found.id}"):
        assert words in health.message
    assert found.planned() == PlannedCost(monthly_usd="125.10", difference_usd="+36.50")


@pytest.mark.parametrize(
    ("given", "plan"),
    [
        (body(None, **DEARER), PLAN),
        (body(126, **DEARER), PLAN),
        (body(50), PLAN),
        (body(50, now="120.00"), PLAN),
        (body(100, **DEARER), Plan()),
    ],
    ids=["no budget", "within it", "costs the same", "gets cheaper", "nothing to do"],
)
def test_it_holds_nothing_else(given, plan):
    assert not is_held(judged(given, plan))


def test_exactly_the_budget_is_within_it():
    assert is_held(judged(body(88, now=None)))
    assert not is_held(judged(body(89, now=None)))


def test_a_new_stack_waits_before_anything_is_made():
    found = judged(body(50, now=None))
    assert is_held(found)
    assert "nothing runs yet" in found.held["ec2.NatGateway/missyou-nat-b"].message
    assert found.status(None, waiting=True) is None


def test_an_approval_is_for_these_costs_and_no_others():
    id_ = judged(body(100, **DEARER)).id
    assert not is_held(judged(body(100, approve=id_, **DEARER)))
    # Its own plan gets shorter while it is carried out.
    fewer = Plan((Change(Action.UPDATE, "ec2.RouteTable/missyou-app-b", "Network"),))
    assert not is_held(judged(body(100, approve=id_, **DEARER), fewer))
    assert is_held(judged(body(100, approve=id_, **DEARER, database={"multiAZ": True})))
    assert is_held(judged(body(90, approve=id_, **DEARER)))


def test_the_status_remembers_what_was_let_through():
    waiting = judged(body(100, **DEARER))
    assert waiting.status(COST, waiting=True) == COST
    approved = judged(body(100, approve=waiting.id, **DEARER))
    cost = approved.status(COST, waiting=False)
    assert cost is not None
    assert cost.monthly_usd == "125.10"
    again = {**body(100, **DEARER), "status": Status(cost=cost).to_wire()}
    assert not is_held(judged(again))


def test_a_destructive_change_that_waits_does_not_move_the_cost_but_shows_it():
    found = judged(body(None, **DEARER))
    assert found.status(COST, waiting=True) == COST
    assert found.planned() == PlannedCost(monthly_usd="125.10", difference_usd="+36.50")


def test_after_an_approved_budget_a_destructive_change_may_have_the_annotation():
    id_ = judged(body(100, **DEARER)).id
    cost = judged(body(100, approve=id_, **DEARER)).status(COST, waiting=True)
    later = {**body(100, approve="the-destructive-plan", **DEARER), "status": Status(cost=cost).to_wire()}
    assert not is_held(judged(later))


def test_what_has_no_price_waits_under_a_budget():
    unknown = {**DEARER, "database": {"instanceClass": "db.x9.mega"}}
    for budget in (100, 1_000_000):
        held = judged(body(budget, **unknown))
        assert is_held(held)
        message = held.held["ec2.NatGateway/missyou-nat-b"].message
        assert "rds.db.x9.mega.single, which has no price" in message
        assert f"spec.budget.monthlyUSD ({budget})" in message
    # What had no price before either, and has been let through, holds nothing up.
    priced = judged(body(100, **unknown)).estimate
    app = body(1_000_000, **unknown)
    rows = [{"component": "database", "monthlyUSD": f"{priced.known:.2f}"}]
    app["status"]["cost"] = {"components": rows, "notPriced": list(priced.not_priced)}
    assert not is_held(judged(app))


def test_the_status_names_what_has_no_price():
    cost = judged(body(), prices=PriceTable()).status(None, waiting=False)
    assert cost is not None
    assert set(Status(cost=cost).to_wire()["cost"]) == {"notPriced"}
    assert len(set(cost.not_priced)) == len(cost.not_priced)


def test_what_runs_beyond_its_budget_says_so():
    assert "88.60 USD a month, more than spec.budget.monthlyUSD (50)" in judged(body(50), Plan()).exceeded
    assert judged(body(100), Plan()).exceeded == ""
