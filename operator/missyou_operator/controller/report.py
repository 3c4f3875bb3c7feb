"""The status of one pass, built from what the pass observed and did. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from missyou_operator.api import AppSpec, Component
from missyou_operator.api.annotations import RECONCILE, annotation
from missyou_operator.api.conditions import ConditionType, Reason
from missyou_operator.api.status import (
    Blocker,
    Condition,
    Data,
    Drift,
    PlannedChange,
    PlanStatus,
    ResourceStatus,
    Status,
    merge_patch,
    parse_status,
)
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.controller.conditions import Verdict, component_verdicts, not_ready, overall_verdicts, stamp
from missyou_operator.controller.events import Event, transitions
from missyou_operator.controller.spending import Spending
from missyou_operator.controller.suspension import suspension
from missyou_operator.engine.outcome import Outcome
from missyou_operator.engine.plan import Action, Plan
from missyou_operator.engine.resource import Health, pending
from missyou_operator.stack.backups import SnapshotRequest
from missyou_operator.stack.naming import SERVICE
from missyou_operator.stack.observed import found
from missyou_operator.stack.outputs import image, outputs, url

#: How often `lastSyncTime` is written when nothing else changes: each status write makes GitOps tools look again.
_SYNC_TIME_EVERY = timedelta(hours=1)
#: Entries of `status.drift` that are kept.
_MAX_DRIFT = 10
#: Names that a message lists before it counts the rest.
_MAX_NAMES = 5


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a pass: a status to write (as JSON values), Events to post, and when to run the next pass.

    `requeue_after`: seconds. `done`: everything is deleted. `drift`: what was found changed outside. `result`, in
    controller-runtime's words: "success" (nothing is in progress), "requeue_after" (something is), "error" (something
    failed).
    """

    status: Mapping[str, Any]
    requeue_after: float
    events: Sequence[Event] = ()
    done: bool = False
    drift: Sequence[Mapping[str, Any]] = ()
    result: str = "success"


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass observed and did, before it becomes a status.

    `left`: changes that are still to be made. `approval`: those among them that wait for a person. `drift`: entries for
    `status.drift` found in this pass. `data`: what holds data, and what is lost. `full`: whether AWS was observed in
    full. `lingering`: whether something is there only for a version of the app that the spec no longer asks for.
    """

    app: AppSpec
    stack: StackIdentity
    outcome: Outcome
    left: Plan
    approval: Plan
    spending: Spending
    drift: Sequence[Mapping[str, Any]]
    data: Sequence[Data]
    reported_only: bool
    full: bool
    lingering: bool = False


def progress(body: Mapping[str, Any], result: PassResult, now: datetime) -> dict[str, Any]:
    """Return the status after a pass that observed AWS."""
    before, stack, world = _previous(body), result.stack, result.outcome.world
    drift = [*(Drift.model_validate(entry) for entry in result.drift), *before.drift]
    status = Status(
        outputs=outputs(stack, world),
        url=url(stack, world),
        resources=_resources(result.outcome),
        plan=_plan(result, before),
        cost=result.spending.status(before.cost, waiting=bool(result.approval.changes)),
        drift=tuple(drift[:_MAX_DRIFT]),
        data=tuple(result.data),
        last_handled_reconcile_at=before.last_handled_reconcile_at,
        last_handled_snapshot=SnapshotRequest.of(body).begun(stack, world) or None,
        **_service(result, before),
    )
    return _finished(body, before, status, _verdicts(result), now, observed=result.full)


def trouble(body: Mapping[str, Any], health: Health, now: datetime) -> dict[str, Any]:
    """Return the status when the pass could not even observe AWS: the rest of the previous one stays."""
    before = _previous(body)
    kept = _without(before.conditions, ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED)
    return _finished(body, before, before, [*not_ready(health, health.message), *kept], now)


def suspended(body: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the status while suspended: nothing is in progress, and `Ready` keeps its value and says what waits.

    The other conditions stay those of the generation that was observed last: whether AWS matches a newer spec is
    unknown.
    """
    before = _previous(body)
    last = next((c for c in before.conditions if c.type == ConditionType.READY), None)
    # Where there is no Ready, kstatus would take the app for done.
    ready = Verdict(ConditionType.READY, last.status if last else "False", Reason.SUSPENDED, suspension(body, last))
    kept = _without(before.conditions, ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED)
    wire = _finished(body, before, before, [ready, *kept], now)
    observed = {condition.type: condition.observed_generation for condition in before.conditions}
    for condition in wire["conditions"][1:]:
        condition["observedGeneration"] = observed[condition["type"]]
    return wire


def deleting(body: Mapping[str, Any], outcome: Outcome, now: datetime) -> dict[str, Any]:
    """Return the status while the stack is being deleted: what is left, and what holds it up."""
    before = _previous(body)
    left = [result for result in outcome.results.values() if result.health.status != "ready"]
    culprits = [result for result in left if not result.health.waits_for]
    message = f"{len(left)} resources are left; now: {', '.join(result.address for result in culprits[:3])}"
    verdicts = not_ready(pending(Reason.DELETING, message), message)
    if stalled := next((result.health for result in culprits if result.health.stalled), None):
        verdicts = [verdicts[0], Verdict(ConditionType.STALLED, "True", stalled.reason, stalled.message)]
    status = Status(
        image=before.image,
        outputs=before.outputs,
        url=before.url,
        cost=before.cost,
        last_handled_reconcile_at=before.last_handled_reconcile_at,
        last_handled_snapshot=before.last_handled_snapshot,
        resources=_resources(outcome),
        blockers=tuple(
            Blocker(
                resource=result.address,
                id=result.observed.id if result.observed else "",
                owner=result.observed.owner if result.observed else "",
                message=result.health.message,
            )
            for result in culprits
        ),
    )
    return _finished(body, before, status, verdicts, now)


def events(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Event]:
    """Return the Events for the transitions between two statuses."""
    old, new = (_previous({"status": {"conditions": status.get("conditions", ())}}) for status in (before, after))
    return transitions(old.conditions, new.conditions)


def recorded(body: Mapping[str, Any]) -> tuple[Data, ...]:
    """Return what held data, by the status of the pass before."""
    return _previous(body).data


def _previous(body: Mapping[str, Any]) -> Status:
    """Read the status of the pass before; an unreadable one (of another version) counts as none."""
    try:
        return parse_status(body)
    except ValidationError:
        return Status()


def _finished(  # noqa: PLR0913 - all that a status is made of
    body: Mapping[str, Any],
    before: Status,
    status: Status,
    verdicts: Sequence[Verdict],
    now: datetime,
    *,
    observed: bool = False,
) -> dict[str, Any]:
    """Return a status as JSON values, with what every status has: generation, conditions, times."""
    last, generation = before.last_sync_time, body["metadata"]["generation"]
    status = status.model_copy(
        update={
            "observed_generation": generation,
            "conditions": stamp(verdicts, before.conditions, generation, now),
            "last_handled_reconcile_at": annotation(body, RECONCILE) or status.last_handled_reconcile_at,
            "last_sync_time": last,
        }
    )
    wire = status.to_wire()
    if observed and (last is None or now - last > _SYNC_TIME_EVERY or merge_patch(body.get("status") or {}, wire)):
        return status.model_copy(update={"last_sync_time": now}).to_wire()
    return wire


def _resources(outcome: Outcome) -> tuple[ResourceStatus, ...]:
    """List every AWS resource: what exists with its ID, and what is missing with the reason."""
    return tuple(
        ResourceStatus(
            component=result.component,
            type=result.type,
            name=result.address.partition("/")[2],
            id=result.observed.id if result.observed else "",
            state="Ready" if result.health.status == "ready" else result.health.reason,
            message=result.health.message,
        )
        for result in sorted(outcome.results.values(), key=lambda result: (result.component, result.address))
        if result.shown
    )


def _verdicts(result: PassResult) -> list[Verdict]:
    every = result.outcome.results.values()
    notes = {
        one.component: one.health.message for one in every if not one.counts_for_ready and one.health.status == "failed"
    }
    if repository := result.app.image.repository:
        notes[Component.REGISTRY] = f"images come from {repository}"
    counted = [one for one in every if one.component and one.counts_for_ready]
    components = component_verdicts(counted, notes)
    changing = result.left.of(Action.CREATE, Action.UPDATE, Action.REPLACE)
    busy = bool(changing) and not result.reported_only and not result.approval.changes
    return [*overall_verdicts(counted, components, busy=busy), _in_sync(result), *components]


def _in_sync(result: PassResult) -> Verdict:
    if not result.left.changes:
        every = (one.health for one in result.outcome.results.values())
        if undone := next((health for health in every if health.reason == Reason.ROLLOUT_FAILED), None):
            return Verdict(ConditionType.IN_SYNC, "False", undone.reason, undone.message)
        if result.lingering:
            message = "the version before this one still runs; what only that one needs goes when it has ended"
            return Verdict(ConditionType.IN_SYNC, "False", Reason.APPLYING, message)
        return Verdict(ConditionType.IN_SYNC, "True", Reason.SYNCED, "AWS is as the spec says")
    names = ", ".join(f"{change.action} {change.address}" for change in result.left.changes[:_MAX_NAMES])
    if (more := len(result.left.changes) - _MAX_NAMES) > 0:
        names += f" and {more} more"
    reason, message = Reason.APPLYING, "to be done"
    if result.approval.changes:
        reason, message = Reason.APPROVAL_REQUIRED, "waiting for approval"
    elif result.reported_only:
        reason, message = Reason.DRIFTED, "changed outside, driftPolicy is Report"
    return Verdict(ConditionType.IN_SYNC, "False", reason, f"{message}: {names}")


def _service(result: PassResult, before: Status) -> dict[str, Any]:
    """Return the fields about tasks, and the image that runs: the new one only once it is rolled out."""
    service = found(result.stack, result.outcome.world, "ecs.Service", SERVICE)
    if service is None:
        return {"image": before.image}
    desired = service.attrs.get("desired", 0)
    # Those of the version before, which a rollout has yet to stop, are more than anybody asked for.
    running = min(service.attrs.get("running", 0), desired)
    settled = result.outcome.results.get(service.address)
    rolled_out = settled is not None and settled.health.status == "ready"
    return {
        "running_tasks": running,
        "desired_tasks": desired,
        "tasks": f"{running}/{desired}",
        "image": image(result.app, result.stack) if rolled_out else before.image,
    }


def _plan(result: PassResult, before: Status) -> PlanStatus | None:
    waiting = bool(result.approval.changes)
    plan = result.approval if waiting else result.left
    if not plan.changes:
        return None
    cost = result.spending.planned()
    if cost is None and not waiting and before.plan:
        # Since the first pass of a change, `status.cost` is what the stack is going to cost.
        cost = before.plan.cost
    return PlanStatus(
        id=result.spending.id if result.spending.approval.changes else plan.id,
        changes=tuple(
            PlannedChange(
                action=change.action.value,
                resource=change.address,
                fields=tuple(f"{item.field}: {item.before} -> {item.after}" for item in change.fields),
                destroys_data=bool(change.destroys),
            )
            for change in plan.changes
        ),
        cost=cost,
    )


def _without(conditions: Sequence[Condition], *types: ConditionType) -> list[Verdict]:
    return [Verdict(c.type, c.status, c.reason, c.message) for c in conditions if c.type not in types]
