"""What a pass has left to be done, and `status.plan`, which says so with the reasons. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from missyou_operator.api import AppSpec
from missyou_operator.api.conditions import Reason
from missyou_operator.api.status import (
    ApprovedPlan,
    Data,
    Drift,
    Hold,
    PlannedChange,
    PlannedCost,
    PlanStatus,
    Status,
    TakeOver,
)
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.controller.approvals import Approvals
from missyou_operator.controller.drift import without_retained
from missyou_operator.controller.ignored import ignored_text
from missyou_operator.controller.spending import Spending
from missyou_operator.engine.effects import Risk, together
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.outcome import Outcome
from missyou_operator.engine.plan import Action, Change, ObservedState, Plan, creation
from missyou_operator.engine.resource import Health


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is known of a plan beside its changes.

    `seconds`: how long it usually takes. `costs`: the difference that each change makes, by address, in US dollars a
    month. `not_priced`: the addresses of the resources whose price is not known.
    """

    seconds: int = 0
    costs: Mapping[str, Decimal] = field(default_factory=dict)
    not_priced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass observed and did, before it becomes a status.

    `left`: changes that are still to be made. `approval`: those among them that wait for a person. `drift`: the entries
    of `status.drift`. `reported`: the changes (address and ID) that undo drift which is only reported. `held`: changes
    that a guard holds, by address. `ignored`: changes that AWS accepts and does not show. `data`: what holds data, and
    what is lost. `unknown`: types whose state is not known, with the reason. `full`: whether AWS was observed in full.
    `approvals`: what a person has approved; `approved`: what the status is to remember of it. `taken_over`: what it is
    to remember of a take-over. `asks`: what a person is asked under `changePolicy: Approve`, or "". `prospect`: what to
    expect of a plan. `lingering`: the addresses of what is there, or as it is, only for a version of the app that the
    spec no longer asks for. `left_alone`: changes that `existing.ignoreDifferences` keeps from being made.
    """

    app: AppSpec
    stack: StackIdentity
    outcome: Outcome
    left: Plan
    approval: Plan
    spending: Spending
    drift: Sequence[Drift]
    reported: Collection[tuple[str, str]]
    held: Mapping[str, Health]
    ignored: Sequence[Change]
    data: Sequence[Data]
    unknown: Mapping[str, Health]
    full: bool
    approvals: Approvals
    approved: ApprovedPlan | None = None
    taken_over: TakeOver | None = None
    asks: str = ""
    prospect: Callable[[Plan], Prospect] = lambda _: Prospect()
    lingering: Collection[str] = ()
    left_alone: Sequence[Change] = ()

    @property
    def todo(self) -> tuple[Change, ...]:
        """The changes that are to be made: not what undoes drift that is only reported, nor what waits for that."""
        stay = {address for address, _ in self.reported} | {change.address for change in self.ignored}
        return tuple(change for change in self.left.changes if stay.isdisjoint(self._chain(change.address)))

    @property
    def stuck(self) -> Health | None:
        """Why nothing that is to be made goes on before somebody acts; None while something does."""
        roots = [self.outcome.results.get(list(self._chain(change.address))[-1]) for change in self.todo]
        if not all(root is not None and root.health.stalled for root in roots):
            return None
        return next((root.health for root in roots if root is not None), None)

    def _chain(self, address: str) -> Iterator[str]:
        """Yield an address, what that waits for, and so on."""
        seen: set[str] = set()
        while address and address not in seen:
            yield address
            seen.add(address)
            result = self.outcome.results.get(address)
            address = result.health.waits_for if result else ""


def left_to_do(plan: Plan, graph: Graph, world: ObservedState, ignored: Sequence[Change]) -> Plan:
    """Return what is still to be done.

    What is being deleted to be replaced is still to be created, and what AWS ignores is not done by being tried again.
    """
    going = [graph[address] for address, rows in world.items() if address in graph and rows[0].state == "deleting"]
    coming = [creation(one) for one in going if world[one.address][0].owned]
    changes = (*coming, *plan.changes)
    addresses = {change.address for change in changes}
    return without_retained(Plan((*changes, *(change for change in ignored if change.address not in addresses))))


def plan_status(result: PassResult, before: Status) -> PlanStatus | None:
    """Return `status.plan`: what waits for approval or, where nothing does, what is left to be done."""
    waiting = bool(result.approval.changes)
    plan = result.approval if waiting else result.left
    if not plan.changes:
        return None
    cost = result.spending.planned()
    if cost is None and not waiting and before.plan:
        # Since the first pass of a change, `status.cost` is what the stack is going to cost.
        cost = before.plan.cost
    id_ = result.spending.id if result.spending.approval.changes else result.approvals.id(plan.digest)
    return as_status(id_, plan, result.prospect(plan), partial(_hold, result), cost)


def as_status(
    id_: str,
    plan: Plan,
    prospect: Prospect,
    hold: Callable[[Change], Hold | None],
    cost: PlannedCost | None = None,
) -> PlanStatus:
    """Return a plan as the status and `missyou plan` show it. `hold` says why a change is not made."""
    whole = together([change.effect for change in plan.changes])
    dangers = list(Risk)
    return PlanStatus(
        id=id_,
        summary=summary(plan),
        risk=max((change.risk for change in plan.changes), key=dangers.index).value,
        effect=whole.feels,
        expected_seconds=prospect.seconds or None,
        changes=tuple(_planned_change(change, hold(change), prospect) for change in plan.changes),
        cost=cost and cost.model_copy(update={"not_priced": prospect.not_priced}),
    )


def summary(plan: Plan) -> str:
    """Return in Terraform's words what a plan does."""
    replaced = len(plan.of(Action.REPLACE))
    added, changed, gone = (len(plan.of(action)) for action in (Action.CREATE, Action.UPDATE, Action.DELETE))
    return f"{added + replaced} to add, {changed} to change, {gone + replaced} to destroy"


def _planned_change(change: Change, held_because: Hold | None, prospect: Prospect) -> PlannedChange:
    difference = prospect.costs.get(change.address)
    return PlannedChange(
        action=change.action.value,
        resource=change.address,
        fields=tuple(map(str, change.fields)),
        risk=change.risk.value,
        effect=change.effect.feels,
        expected_seconds=change.effect.seconds,
        cost_difference_usd=f"{difference:+.2f}" if difference else None,
        destroys_data=bool(change.destroys),
        held_because=held_because,
    )


def _hold(result: PassResult, change: Change) -> Hold | None:
    """Return why a change has not been made: a guard holds it, AWS refuses it, or it waits for another."""
    if change.address in {one.address for one in result.ignored}:
        return Hold(reason=Reason.CHANGE_IGNORED, message=ignored_text(change))
    reached = result.outcome.results.get(change.address)
    health = result.held.get(change.address) or (reached.health if reached else None)
    if health is None or (health.status == "ready" and not health.message):
        return None
    # Why the other is not there yet, that one says.
    message = f"it waits for {health.waits_for}" if health.waits_for else health.message
    return Hold(reason=health.reason, message=message)
