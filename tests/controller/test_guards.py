"""What holds a change back, and which guard speaks first."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from missyou_operator.aws.observe import Observations
from missyou_operator.controller.approvals import Approvals
from missyou_operator.controller.baseline import Attempt
from missyou_operator.controller.guards import (
    DELETION_GUARDS,
    GUARDS,
    Context,
    Guard,
    awaiting_approval,
    budget,
    guard,
)
from missyou_operator.controller.losses import Loss
from missyou_operator.controller.spending import Spending
from missyou_operator.engine.plan import Action, Change, Plan
from missyou_operator.engine.resource import FieldChange, Remains, failed, pending

BODY = {"metadata": {"name": "shop", "namespace": "default", "annotations": {}}}
#: A change that every guard holds, in the world in which it does.
VPC = Change(Action.REPLACE, "ec2.Vpc/shop-vpc", "Network", "vpc-1", destroys="everything")
NEW = Change(Action.CREATE, VPC.address, "Network")
LOST = Change(Action.CREATE, VPC.address, "Network", destroys="everything", incarnation="vpc-0")
#: For each guard, the plan and what has to be known for it to speak.
SPEAKING: dict[str, tuple[Plan, dict]] = {
    "preflight": (Plan((VPC,)), {"preflight": {VPC.address: failed("PreflightFailed", "no room for another VPC")}}),
    "budget": (Plan((VPC,)), {"spending": Spending(held={VPC.address: failed("Budget", "too dear")})}),
    "unreadable": (Plan((VPC,)), {"observations": Observations({}, {"ec2.Vpc": failed("AccessDenied", "denied")})}),
    "data_lost": (Plan((LOST,)), {"losses": {VPC.address: Loss("yesterday", Remains("a snapshot"))}}),
    "approval": (Plan((VPC,)), {}),
    "unrecorded_approval": (Plan((VPC,)), {"approvals": Approvals(unrecorded=True)}),
    "reported_drift": (Plan((VPC,)), {"drift": (VPC,), "reports_drift": True}),
    "unreadable_neighbour": (Plan((VPC,)), {"observations": Observations({}, {"ec2.Subnet": failed("Throttled", "")})}),
    "unknown_running_version": (
        Plan((VPC,)),
        {"observations": Observations({}, {"ecs.Service": failed("Throttled", "too many")})},
    ),
    "unusable_secret": (Plan((VPC,)), {"unusable_secrets": {VPC.address: failed("Forbidden", "may not be read")}}),
    "backing_off": (Plan((VPC,)), {"backing_off": {VPC.address: failed("QuotaExceeded", "ask for more")}}),
    "ignored_change": (Plan((VPC,)), {"ignored": (Attempt(VPC, 3, 0.0, 60.0),)}),
    "unanswered_creation": (Plan((NEW,)), {"unanswered": frozenset({NEW.address})}),
    "settling": (Plan((NEW,)), {"settling": True}),
}


def context(**known) -> Context:
    return Context(**{"body": BODY, "observations": Observations({}), **known})


def answer(each: Guard, name: str):
    plan, known = SPEAKING[name]
    return each(plan, context(**known))


@pytest.mark.parametrize("each", GUARDS, ids=lambda each: each.__name__)
def test_each_guard_holds_its_own_case_and_says_nothing_where_nothing_is_the_matter(each):
    assert list(answer(each, each.__name__)) == [VPC.address]
    assert each(Plan((Change(Action.UPDATE, "ec2.Vpc/shop-vpc", "Network", "vpc-1"),)), context()) == {}


@pytest.mark.parametrize(("first", "second"), list(combinations([each.__name__ for each in GUARDS], 2)))
def test_of_two_that_speak_the_first_wins(first, second):
    by_name = {each.__name__: each for each in GUARDS}
    plan = Plan(SPEAKING[first][0].changes + SPEAKING[second][0].changes)
    observations = [SPEAKING[name][1].get("observations", Observations({})).unreadable for name in (first, second)]
    known = {
        **SPEAKING[second][1],
        **SPEAKING[first][1],
        "observations": Observations({}, observations[0] | observations[1]),
    }
    ctx = context(**known)
    one, other = by_name[first](plan, ctx)[VPC.address], by_name[second](plan, ctx)[VPC.address]
    chosen = [each for each in GUARDS if each.__name__ in (first, second)]
    assert guard(chosen, plan, ctx)[VPC.address] == one
    if {first, second} not in ({"unanswered_creation", "settling"},):
        assert guard(chosen[::-1], plan, ctx)[VPC.address] == other


def test_the_order_is_the_one_that_is_written_down():
    """What a person has to decide comes before what ends by itself; a change of the order is a decision."""
    assert [each.__name__ for each in GUARDS] == list(SPEAKING)
    assert [each.__name__ for each in DELETION_GUARDS] == ["unreadable_neighbour", "backing_off"]


def test_what_waits_is_all_that_exceeds_the_budget_else_what_destroys_data():
    plan = Plan((VPC, Change(Action.UPDATE, "ec2.Subnet/shop-db-a", "Network")))
    assert awaiting_approval(plan, context()) == Plan((VPC,))
    assert awaiting_approval(plan, context(spending=Spending(approval=plan))) == plan


def test_an_approval_is_for_exactly_one_plan():
    plan = Plan((VPC,))
    for approved, waiting in ((plan, Plan()), (Plan((NEW,)), plan)):
        ctx = context(approvals=Approvals(given="some-id").used(approved))
        assert awaiting_approval(plan, ctx) == waiting
        assert (guard(GUARDS, plan, ctx) == {}) is (not waiting.changes)


def test_where_every_change_needs_approval_all_wait_but_what_follows_from_an_approved_plan():
    """The load balancer moves on by itself; another image does not."""
    every, moving = Approvals(given="some-id", every=True, generation=2), Change(Action.UPDATE, "elbv2.Listener/shop")
    image = Change(Action.UPDATE, "ecs.Service/shop", fields=(FieldChange("task_definition", "1", "2"),))
    plan = Plan((moving, image))
    assert awaiting_approval(plan, context(approvals=every)) == plan
    under_way = every.used(Plan((NEW,)))
    assert awaiting_approval(plan, context(approvals=under_way)) == Plan((image,))
    assert awaiting_approval(plan, context(approvals=under_way, drift=(moving,))) == plan
    assert awaiting_approval(plan, context(approvals=replace(under_way, generation=3))) == plan


def test_an_approved_change_may_learn_its_values_and_nothing_else():
    def update(**values: str) -> Change:
        fields = tuple(FieldChange(name, "before", after) for name, after in values.items())
        return Change(Action.UPDATE, "ecs.Service/shop", id="arn", fields=fields)

    approvals = Approvals(given="some-id", every=True).used(Plan((update(port="80", arn="(known after apply)"),)))
    for permitted in (update(port="80", arn="arn:1"), update(arn="arn:1"), update(port="80")):
        assert not approvals.missing(Plan((permitted,))).changes
    for other in (update(port="81"), update(port="80", cpu="1"), replace(update(port="80"), action=Action.DELETE)):
        assert approvals.missing(Plan((other,))).changes


def test_a_guard_holds_only_what_it_is_about():
    ctx = context(spending=Spending(held={VPC.address: pending("Budget", "too dear")}))
    assert guard((budget,), Plan((VPC, NEW)), ctx).keys() == {VPC.address}
