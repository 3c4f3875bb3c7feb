"""The status of one pass, built from what the pass observed and did. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from missyou_operator.api import Component
from missyou_operator.api.annotations import PLACE, RECONCILE, annotation
from missyou_operator.api.conditions import ConditionType, Reason
from missyou_operator.api.status import (
    ApprovedPlan,
    Blocker,
    Condition,
    Data,
    Hold,
    ResourceStatus,
    Status,
    merge_patch,
    parse_status,
)
from missyou_operator.aws.cloud import Known
from missyou_operator.aws.ecs.service import Service
from missyou_operator.controller.approvals import Approvals
from missyou_operator.controller.conditions import Verdict, component_verdicts, not_ready, overall_verdicts, stamp
from missyou_operator.controller.confirmation import Question
from missyou_operator.controller.events import Event, transitions
from missyou_operator.controller.ignored import ignored_text
from missyou_operator.controller.planned import PassResult, Prospect, as_status, plan_status, summary
from missyou_operator.controller.suspension import suspension
from missyou_operator.engine.outcome import Outcome
from missyou_operator.engine.plan import Action, Change, Plan
from missyou_operator.engine.resource import Health, pending
from missyou_operator.stack.backups import SnapshotRequest
from missyou_operator.stack.database import running_database
from missyou_operator.stack.naming import SERVICE
from missyou_operator.stack.observed import found
from missyou_operator.stack.outputs import image, image_digest, outputs, url
from missyou_operator.stack.rotation import RotationRequest

#: How often `lastSyncTime` is written when nothing else changes: each status write makes GitOps tools look again.
_SYNC_TIME_EVERY = timedelta(hours=1)
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


def previous(body: Mapping[str, Any]) -> Status:
    """Read the status of the pass before; an unreadable one (of another version) counts as none."""
    try:
        return parse_status(body)
    except ValidationError:
        return Status()


def recorded(body: Mapping[str, Any]) -> tuple[Data, ...]:
    """Return what held data, by the status of the pass before."""
    return previous(body).data


def progress(body: Mapping[str, Any], result: PassResult, now: datetime) -> dict[str, Any]:
    """Return the status after a pass that observed AWS."""
    before, stack, world = previous(body), result.stack, result.outcome.world
    status = Status(
        account=stack.account,
        region=stack.region,
        outputs=outputs(stack, world),
        url=url(stack, world),
        resources=_resources(result.outcome),
        plan=plan_status(result, before),
        cost=result.spending.status(before.cost, waiting=bool(result.approval.changes)),
        last_approved_plan=result.approved,
        last_take_over=result.taken_over,
        drift=tuple(result.drift),
        data=tuple(result.data),
        last_handled_reconcile_at=before.last_handled_reconcile_at,
        last_handled_snapshot=SnapshotRequest.of(body).begun(stack, world) or None,
        database_password=RotationRequest.of(body).status(result.app, running_database(stack, world)),
        **_service(result, before),
    )
    return _finished(body, before, status, _verdicts(result), now, observed=result.full)


def trouble(body: Mapping[str, Any], health: Health, now: datetime) -> dict[str, Any]:
    """Return the status when the pass could not even observe AWS: the rest of the previous one stays."""
    before = previous(body)
    overall = (ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED, ConditionType.IN_SYNC)
    verdicts = [*not_ready(health, health.message), *_without(before.conditions, *overall)]
    if any(condition.type == ConditionType.IN_SYNC for condition in before.conditions):
        text = f"AWS is not compared with the spec: {health.message}"
        verdicts.insert(2, Verdict(ConditionType.IN_SYNC, "Unknown", health.reason, text))
    return _finished(body, before, _planned_for(body, before), verdicts, now)


def withheld(body: Mapping[str, Any], question: Question, approvals: Approvals, now: datetime) -> dict[str, Any]:
    """Return the status of a deletion that waits for a person: nothing is in progress, and the rest stays."""
    before, health = previous(body), question.health
    hold = Hold(reason=health.reason, message=health.message)
    plan = as_status(question.id, question.plan, Prospect(), lambda _: hold) if question.plan.changes else None
    approved = approvals.status(before, question.plan, (), now, whole=False)
    overall = (ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED)
    verdicts = [*not_ready(health, health.message), *_without(before.conditions, *overall)]
    status = before.model_copy(update={"plan": plan, "last_approved_plan": approved, "blockers": ()})
    return _finished(body, before, status, verdicts, now)


def unsaid(body: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the status after a pass that could not read AWS, while the previous one is good enough."""
    before = previous(body)
    return _finished(body, before, before, _without(before.conditions), now)


def suspended(body: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the status while suspended: nothing is in progress, and `Ready` keeps its value and says what waits.

    The other conditions stay those of the generation that was observed last: whether AWS matches a newer spec is
    unknown.
    """
    before = previous(body)
    last = next((c for c in before.conditions if c.type == ConditionType.READY), None)
    # Where there is no Ready, kstatus would take the app for done.
    ready = Verdict(ConditionType.READY, last.status if last else "False", Reason.SUSPENDED, suspension(body, last))
    kept = _without(before.conditions, ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED)
    return _finished(body, before, _planned_for(body, before), [ready, *kept], now)


def deleting(body: Mapping[str, Any], outcome: Outcome, approved: ApprovedPlan | None, now: datetime) -> dict[str, Any]:
    """Return the status while the stack is being deleted: what is left, and what holds it up."""
    before = previous(body)
    left = [result for result in outcome.results.values() if result.health.status != "ready"]
    # In the order of the work, the text would change with each pass.
    culprits = sorted((one for one in left if not one.health.waits_for), key=lambda result: result.address)
    message = f"{len(left)} resources are left; now: {', '.join(result.address for result in culprits[:3])}"
    verdicts = not_ready(pending(Reason.DELETING, message), message)
    if stalled := next((result.health for result in culprits if result.health.stalled), None):
        verdicts = [verdicts[0], Verdict(ConditionType.STALLED, "True", stalled.reason, stalled.message)]
    status = Status(
        account=before.account,
        region=before.region,
        image=before.image,
        image_digest=before.image_digest,
        outputs=before.outputs,
        url=before.url,
        cost=before.cost,
        last_handled_reconcile_at=before.last_handled_reconcile_at,
        last_handled_snapshot=before.last_handled_snapshot,
        database_password=before.database_password,
        last_approved_plan=approved,
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


def never_began(body: Mapping[str, Any]) -> bool:
    """Return whether an app was refused from its beginning, so that it can have nothing in AWS.

    The place is recorded in an annotation before the first creation, and in the status after the first observation.
    """
    before = previous(body)
    reasons = {Reason.NOT_GRANTED, Reason.ACCESS_DENIED}
    refused = any(c.type == ConditionType.READY and c.reason in reasons for c in before.conditions)
    return refused and has_nothing(body)


def has_nothing(body: Mapping[str, Any]) -> bool:
    """Return whether nothing says that an app has anything in AWS."""
    before = previous(body)
    return not before.account and not before.resources and not annotation(body, PLACE)


def events(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Event]:
    """Return the Events for the transitions between two statuses."""
    if before.get("conditions") == after.get("conditions"):
        return []
    old, new = (previous({"status": {"conditions": status.get("conditions", ())}}) for status in (before, after))
    return transitions(old.conditions, new.conditions)


def known_resources(body: Mapping[str, Any]) -> Known:
    """Return the names of the stack's resources by ID, by type, as the status has them.

    What is somebody else's is in it too, with a reason that says so. Only EC2's, which have no names, never are.
    """
    known: dict[str, dict[str, str]] = {}
    for row in previous(body).resources:
        if row.id and (row.state != Reason.OWNED_ELSEWHERE or row.type.startswith("ec2.")):
            known.setdefault(row.type, {})[row.id] = row.name
    return known


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
            state="Ready" if result.health.status == "ready" and result.observed else result.health.reason,
            message=result.health.message,
        )
        for result in sorted(outcome.results.values(), key=lambda result: (result.component, result.address))
        if result.shown
    )


def _verdicts(result: PassResult) -> list[Verdict]:
    # Not in the order in which their calls have ended, which is another in each pass.
    every = [one for _, one in sorted(result.outcome.results.items())]
    notes = {
        one.component: one.health.message for one in every if not one.counts_for_ready and one.health.status == "failed"
    }
    if repository := result.app.image.repository:
        notes[Component.REGISTRY] = f"images come from {repository}"
    counted = [one for one in every if one.component and one.counts_for_ready]
    components = component_verdicts(counted, notes)
    # What serves while AWS cannot take its change yet is not busy, though AWS is not as the spec says.
    waits = {one.address for one in every if one.health.reason == Reason.STORAGE_OPTIMIZATION}
    due = [change for change in result.todo if change.action is not Action.DELETE and change.address not in waits]
    busy = bool(due) and not result.approval.changes
    overall = overall_verdicts(counted, components, busy=busy, note=result.spending.exceeded)
    return [*_asking(overall, result.asks), _in_sync(result), *components]


def _asking(overall: Sequence[Verdict], asks: str) -> list[Verdict]:
    """Return the verdicts with what a person is asked. Of what serves, only `Stalled` says that a plan waits.

    A rollout that failed needs nothing but another version, so that a plan which waits is all that is left to be said.
    """
    if not asks:
        return list(overall)
    said = [one for one in overall if (one.type, one.reason) != (ConditionType.STALLED, Reason.ROLLOUT_FAILED)]
    own = [replace(one, message=asks) if one.reason == Reason.APPROVAL_REQUIRED else one for one in said]
    if all(one.type != ConditionType.STALLED for one in own):
        own.insert(1, Verdict(ConditionType.STALLED, "True", Reason.APPROVAL_REQUIRED, asks))
    return own


def _in_sync(result: PassResult) -> Verdict:  # noqa: PLR0911 - the first that holds
    if result.approval.changes:
        return _differing(Reason.APPROVAL_REQUIRED, "waiting for approval", result.left.changes)
    if (stuck := result.stuck) is not None:
        text = f"{summary(Plan(result.todo))}, once the cause that the condition Stalled names is gone"
        return _differing(stuck.reason, text, result.todo)
    if result.todo:
        return _differing(Reason.APPLYING, "to be done", result.todo)
    if result.ignored:
        texts = "; ".join(ignored_text(change) for change in result.ignored[:_MAX_NAMES])
        return Verdict(ConditionType.IN_SYNC, "False", Reason.CHANGE_IGNORED, texts)
    if result.left.changes:
        return _differing(Reason.DRIFTED, "changed outside, driftPolicy is Report", result.left.changes)
    if result.unknown:
        [type_, health] = next(iter(result.unknown.items()))
        text = f"AWS cannot be compared with the spec: {type_} cannot be read: {health.message}"
        return Verdict(ConditionType.IN_SYNC, "Unknown", health.reason, text)
    every = (one.health for one in result.outcome.results.values())
    if undone := next((health for health in every if health.reason == Reason.ROLLOUT_FAILED), None):
        return Verdict(ConditionType.IN_SYNC, "False", undone.reason, undone.message)
    if result.lingering:
        return Verdict(ConditionType.IN_SYNC, "False", Reason.APPLYING, _lingering(result.lingering))
    text = "AWS is as the spec says"
    if result.left_alone:
        text += (
            f", but for what spec.existing.ignoreDifferences leaves as it is: {_named(result.left_alone)}. To bring "
            "one in line, remove its entry: missyou plan -f FILE shows what the spec asks for"
        )
    return Verdict(ConditionType.IN_SYNC, "True", Reason.SYNCED, text)


def _lingering(addresses: Collection[str]) -> str:
    if any(address.startswith(f"{Service.TYPE}/") for address in addresses):
        return "spec.service.deployment.strategy counts once the deployment that leads to it is over"
    return "the version before this one still runs; what only that one needs goes when it has ended"


def _differing(reason: str, message: str, changes: Sequence[Change]) -> Verdict:
    return Verdict(ConditionType.IN_SYNC, "False", reason, f"{message}: {_named(changes)}")


def _named(changes: Sequence[Change]) -> str:
    names = ", ".join(f"{change.action} {change.address}" for change in changes[:_MAX_NAMES])
    more = len(changes) - _MAX_NAMES
    return f"{names} and {more} more" if more > 0 else names


def _service(result: PassResult, before: Status) -> dict[str, Any]:
    """Return the fields about tasks, and the image that runs: the new one only once it is rolled out."""
    service = found(result.stack, result.outcome.world, "ecs.Service", SERVICE)
    if service is None:
        return {"image": before.image, "image_digest": before.image_digest}
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
        "image_digest": image_digest(result.stack, result.outcome.world) if rolled_out else before.image_digest,
    }


def _without(conditions: Sequence[Condition], *types: ConditionType) -> list[Verdict]:
    """Return the other conditions as they are: they stay those of the generation that was observed."""
    others = [condition for condition in conditions if condition.type not in types]
    return [Verdict(c.type, c.status, c.reason, c.message, c.observed_generation) for c in others]


def _planned_for(body: Mapping[str, Any], before: Status) -> Status:
    """Return the previous status, without a plan that was made for another generation of the spec."""
    same = before.observed_generation == body["metadata"]["generation"]
    return before if same else before.model_copy(update={"plan": None})
