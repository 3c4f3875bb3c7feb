"""The status of one pass, put together from what the pass found and did. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.api.status import merge_patch
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.controller.conditions import (
    Verdict,
    component_verdicts,
    overall_verdicts,
    stamp,
    transitions,
)
from missyou_operator.controller.spending import Spending
from missyou_operator.engine.outcome import Outcome, Result
from missyou_operator.engine.plan import Action, Plan
from missyou_operator.engine.resource import Health
from missyou_operator.stack.backups import SnapshotRequest
from missyou_operator.stack.naming import SERVICE
from missyou_operator.stack.outputs import found, image, outputs, url

#: How often `lastSyncTime` is written when nothing else changes: each status write makes GitOps tools look again.
_SYNC_TIME_EVERY = timedelta(hours=1)
#: How many findings of drift stay in the status.
_DRIFT_KEPT = 10


@dataclass(frozen=True, slots=True)
class Report:
    """What a pass leaves: a status to write, Events to post, seconds until the next look. `done`: all is deleted.

    `drift`: what was found changed outside. `result`, in controller-runtime's words: "success" (nothing is under way),
    "requeue_after" (something is), "error" (something failed).
    """

    status: Mapping[str, Any]
    delay: float
    events: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    done: bool = False
    drift: Sequence[Mapping[str, Any]] = ()
    result: str = "success"


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass has to tell, before it becomes a status.

    `left`: changes that are still to be made. `approval`: those among them that wait for a person. `drift`: entries for
    `status.drift` found in this pass.
    """

    app: AppSpec
    stack: StackIdentity
    outcome: Outcome
    left: Plan
    approval: Plan
    spending: Spending
    drift: Sequence[Mapping[str, Any]]
    reported_only: bool
    full: bool


def progress(body: Mapping[str, Any], found_: PassResult, now: datetime) -> dict[str, Any]:
    """Give the status of a pass that looked at AWS."""
    before = body.get("status") or {}
    results = [result for result in found_.outcome.results.values() if result.component and not result.aside]
    verdicts = _verdicts(found_, results)
    after = {
        **_kept(before),
        **_service(found_),
        "outputs": outputs(found_.stack, found_.outcome.world).model_dump(
            mode="json", by_alias=True, exclude_none=True
        ),
        "url": url(found_.stack, found_.outcome.world),
        "resources": resources(found_.outcome),
        "plan": _plan(found_, before),
        "cost": found_.spending.status(before, waiting=bool(found_.approval.changes)),
        "drift": [*found_.drift, *before.get("drift", [])][:_DRIFT_KEPT],
        "lastHandledSnapshot": SnapshotRequest.of(body).begun(found_.stack, found_.outcome.world) or None,
    }
    return finish(body, after, verdicts, now, looked=found_.full)


def finish(
    body: Mapping[str, Any],
    after: Mapping[str, Any],
    verdicts: Sequence[Verdict],
    now: datetime,
    *,
    looked: bool = False,
) -> dict[str, Any]:
    """Add to a status what every status has: generation, conditions, times. Empty fields are left out."""
    before, meta = body.get("status") or {}, body["metadata"]
    status = {key: value for key, value in after.items() if value not in (None, [], {})}
    status["observedGeneration"] = meta["generation"]
    status["conditions"] = stamp(verdicts, before.get("conditions", ()), meta["generation"], _text(now))
    if asked := (meta.get("annotations") or {}).get("missyou.app/reconcile"):
        status["lastHandledReconcileAt"] = asked
    if last := before.get("lastSyncTime"):
        status["lastSyncTime"] = last
    news = bool(merge_patch(before, status))
    if looked and (news or not last or now - datetime.fromisoformat(last) > _SYNC_TIME_EVERY):
        status["lastSyncTime"] = _text(now)
    return status


def trouble(body: Mapping[str, Any], health: Health, now: datetime) -> dict[str, Any]:
    """Give the status when the pass could not even look: everything else in it stays."""
    verdicts = [Verdict("Ready", "False", health.reason, health.message)]
    verdicts.append(Verdict("Stalled" if health.stalled else "Reconciling", "True", health.reason, health.message))
    before = body.get("status") or {}
    replaced = {"Ready", "Reconciling", "Stalled"}
    kept = [_verdict(condition) for condition in before.get("conditions", ()) if condition["type"] not in replaced]
    return finish(body, before, [*verdicts, *kept], now)


def suspended(body: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Give the status while suspended: `Ready` stays as it was, nothing is going on."""
    before = body.get("status") or {}
    dropped = {"Reconciling", "Stalled"}
    kept = [_verdict(condition) for condition in before.get("conditions", ()) if condition["type"] not in dropped]
    if not kept:
        # Suspended from the start: without a Ready, kstatus would take it for done.
        kept = [Verdict("Ready", "False", "Suspended", "spec.suspend is true, and nothing has been made yet")]
    return finish(body, before, kept, now)


def deleting(body: Mapping[str, Any], outcome: Outcome, now: datetime) -> dict[str, Any]:
    """Give the status while the stack is taken down: what is left, and what holds it up."""
    before = body.get("status") or {}
    left = [result for result in outcome.results.values() if result.health.status != "ready"]
    culprits = [result for result in left if not result.health.waits_for]
    message = f"{len(left)} resources are left; now: {', '.join(result.address for result in culprits[:3])}"
    stalled = next((result.health for result in culprits if result.health.stalled), None)
    verdicts = [Verdict("Ready", "False", "Deleting", message)]
    if stalled:
        verdicts.append(Verdict("Stalled", "True", stalled.reason, stalled.message))
    else:
        verdicts.append(Verdict("Reconciling", "True", "Deleting", message))
    after = {
        **_kept(before),
        "resources": resources(outcome),
        "blockers": [
            {
                "resource": result.address,
                "id": result.observed.id if result.observed else "",
                "owner": result.observed.owner if result.observed else "",
                "message": result.health.message,
            }
            for result in culprits
        ],
    }
    return finish(body, after, verdicts, now)


def resources(outcome: Outcome) -> list[dict[str, str]]:
    """List every AWS resource: what exists with its ID, and what is missing with the reason."""
    return [
        {
            "component": result.component,
            "type": result.address.partition("/")[0],
            "name": result.address.partition("/")[2],
            "id": result.observed.id if result.observed else "",
            "state": "Ready" if result.health.status == "ready" else result.health.reason,
            "message": result.health.message,
        }
        for result in sorted(outcome.results.values(), key=lambda result: (result.component, result.address))
        if result.shown
    ]


def events(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List the conditions that made a transition between two statuses."""
    return transitions(before.get("conditions", ()), after.get("conditions", ()))


def _verdicts(found_: PassResult, results: Sequence[Result]) -> list[Verdict]:
    aside = [result for result in found_.outcome.results.values() if result.aside and result.health.status == "failed"]
    notes = {result.component: result.health.message for result in aside}
    notes |= {"Registry": f"images come from {found_.app.image.repository}"} if found_.app.image.repository else {}
    components = component_verdicts(results, notes)
    coming = found_.left.of(Action.CREATE, Action.UPDATE, Action.REPLACE)
    moving = coming and not found_.reported_only and not found_.approval.changes
    overall = overall_verdicts(results, components, busy=bool(moving))
    return [*overall, _in_sync(found_), *components]


def _in_sync(found_: PassResult) -> Verdict:
    if not found_.left.changes:
        return Verdict("InSync", "True", "Synced", "AWS is as the spec says")
    names = ", ".join(f"{change.action} {change.address}" for change in found_.left.changes[:5])
    more = f" and {len(found_.left.changes) - 5} more" if len(found_.left.changes) > 5 else ""
    if found_.approval.changes:
        return Verdict("InSync", "False", "ApprovalRequired", f"waiting for approval: {names}{more}")
    if found_.reported_only:
        return Verdict("InSync", "False", "Drifted", f"changed outside, driftPolicy is Report: {names}{more}")
    return Verdict("InSync", "False", "Applying", f"to be done: {names}{more}")


def _service(found_: PassResult) -> dict[str, Any]:
    service = found(found_.stack, found_.outcome.world, "ecs.Service", SERVICE)
    if service is None:
        return {}
    running, desired = service.attrs.get("running", 0), service.attrs.get("desired", 0)
    settled = found_.outcome.results.get(service.address)
    rolled_out = settled is not None and settled.health.status == "ready"
    return {
        "runningTasks": running,
        "desiredTasks": desired,
        "tasks": f"{running}/{desired}",
        **({"image": image(found_.app, found_.stack)} if rolled_out else {}),
    }


def _plan(found_: PassResult, before: Mapping[str, Any]) -> dict[str, Any] | None:
    waiting = bool(found_.approval.changes)
    plan = found_.approval if waiting else found_.left
    if not plan.changes:
        return None
    changes = [
        {
            "action": change.action.value,
            "resource": change.address,
            "fields": [f"{item.field}: {item.before} -> {item.after}" for item in change.fields],
            "destroysData": bool(change.destroys),
        }
        for change in plan.changes
    ]
    held = bool(found_.spending.approval.changes)
    cost = found_.spending.planned()
    if not cost and not waiting:
        # Since the first pass of a change, `status.cost` is what the stack is going to cost.
        cost = (before.get("plan") or {}).get("cost")
    return {"id": found_.spending.id if held else plan.id, "changes": changes, **({"cost": cost} if cost else {})}


def _kept(before: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("image", "outputs", "url", "cost", "lastHandledReconcileAt", "lastHandledSnapshot")
    return {key: before[key] for key in kept if key in before}


def _verdict(condition: Mapping[str, Any]) -> Verdict:
    return Verdict(condition["type"], condition["status"], condition["reason"], condition.get("message", ""))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
