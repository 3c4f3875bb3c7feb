"""What a pass has left to be done, and `status.plan`, which says so with the reasons. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from missyou_operator.api import AppSpec
from missyou_operator.api.conditions import Reason
from missyou_operator.api.status import ApprovedPlan, Data, Drift, Hold, PlannedChange, PlanStatus, Status, TakeOver
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.controller.approvals import Approvals
from missyou_operator.controller.drift import without_retained
from missyou_operator.controller.ignored import ignored_text
from missyou_operator.controller.spending import Spending
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.outcome import Outcome
from missyou_operator.engine.plan import Action, Change, ObservedState, Plan
from missyou_operator.engine.resource import Health


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass observed and did, before it becomes a status.

    `left`: changes that are still to be made. `approval`: those among them that wait for a person. `drift`: the entries
    of `status.drift`. `reported`: the changes (address and ID) that undo drift which is only reported. `held`: changes
    that a guard holds, by address. `ignored`: changes that AWS accepts and does not show. `data`: what holds data, and
    what is lost. `unknown`: types whose state is not known, with the reason. `full`: whether AWS was observed in full.
    `approvals`: what a person has approved; `approved`: what the status is to remember of it. `taken_over`: what it is
    to remember of a take-over. `lingering`: whether something is there only for a version of the app that the spec no
    longer asks for.
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
    lingering: bool = False

    @property
    def todo(self) -> tuple[Change, ...]:
        """The changes that are to be made: not what undoes drift that is only reported, nor what waits for that."""
        stay = {address for address, _ in self.reported} | {change.address for change in self.ignored}
        return tuple(change for change in self.left.changes if stay.isdisjoint(self._chain(change.address)))

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
    coming = [Change(Action.CREATE, one.address, one.component) for one in going if world[one.address][0].owned]
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
    return PlanStatus(
        id=result.spending.id if result.spending.approval.changes else result.approvals.id(plan.digest),
        changes=tuple(planned_change(change, _hold(result, change)) for change in plan.changes),
        cost=cost,
    )


def planned_change(change: Change, held_because: Hold | None) -> PlannedChange:
    """Return a change as the status shows it."""
    return PlannedChange(
        action=change.action.value,
        resource=change.address,
        fields=tuple(map(str, change.fields)),
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
