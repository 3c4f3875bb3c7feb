"""The passes of a deletion: what they ask first, what they say at the beginning, and how they end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from missyou_operator.api.annotations import patch_command
from missyou_operator.api.conditions import ConditionType, Reason
from missyou_operator.aws.clock import seconds, utc_now
from missyou_operator.aws.observe import Observations
from missyou_operator.controller import confirmation, report
from missyou_operator.controller.approvals import Approvals
from missyou_operator.controller.confirmation import RETAIN
from missyou_operator.controller.ending import IDLE, end, result_of
from missyou_operator.controller.events import Event
from missyou_operator.controller.guards import Context
from missyou_operator.controller.inputs import Inputs, observe_stack
from missyou_operator.controller.memory import Memory
from missyou_operator.controller.removal import in_short, removal
from missyou_operator.controller.report import Report
from missyou_operator.engine.outcome import Outcome
from missyou_operator.engine.plan import Plan
from missyou_operator.engine.resource import Health, Observed

#: Seconds until a deletion goes on at the latest, and while the operator has just started.
LATEST, _STARTING = 30.0, 2.0
#: Reasons by which AWS does not let the operator delete: the role is gone or its rights are, or credentials are void.
LOCKED_OUT = frozenset({Reason.ACCESS_DENIED, Reason.PLACE_CHANGED, "InvalidCredentials", "NoCredentials"})

#: What is named first of what would stay in AWS: it costs by the hour, or holds data.
_COSTLY = frozenset(
    {"rds.DBInstance", "ec2.NatGateway", "elbv2.LoadBalancer", "ecs.Service", "ec2.VpcEndpoint", "s3.Bucket"}
)


def asked(inputs: Inputs, plan: Plan, observations: Observations, *, confirm: bool) -> tuple[Approvals, Report | None]:
    """Return what is approved, and the report on a deletion that waits for a person, None where nothing is asked.

    `confirm`: whether the deletion of a production app's data has to be confirmed. The first report that asks has an
    Event that says what is at stake.
    """
    body, memory, before = inputs.body, inputs.memory, report.previous(inputs.body)
    question = confirmation.unconfirmed(body, observations.world) if confirm else None
    approvals = Approvals.of(body, before)
    copies = confirmation.without_copy(plan, body, observations.world, final_snapshot=inputs.cloud.final_snapshot)
    if question is None:
        approvals, question = confirmation.unapproved(copies, body, approvals)
    if question is None:
        return approvals, None
    # Whoever answers does so for what AWS shows then.
    memory.deleting = False
    status = report.withheld(body, question, approvals, utc_now())
    ended = end(body, status, IDLE, "error")
    return approvals, with_preview(ended, inputs, observations) if ended.events else ended


def with_preview(ended: Report, inputs: Inputs, observations: Observations) -> Report:
    """Add an Event to a report that says in short what the deletion does: as `missyou delete --preview` does."""
    told = removal(
        inputs.body,
        observations.world,
        (),
        final_snapshot=inputs.cloud.final_snapshot,
        unreadable={type_: health.message for type_, health in observations.unreadable.items()},
    )
    return replace(ended, events=[*ended.events, Event("Normal", "DeletionPreview", in_short(told))])


def begins(body: Mapping[str, Any]) -> bool:
    """Return whether no pass before has deleted anything, as the status says."""
    conditions = report.previous(body).conditions
    return all(each.reason != Reason.DELETING for each in conditions if each.type == ConditionType.READY)


def explained(body: Mapping[str, Any], health: Health) -> Health:
    """Return a refusal of AWS's during a deletion with both ways out: let the operator in again, or leave the rest."""
    if health.reason not in LOCKED_OUT:
        return health
    before = report.previous(body)
    costly = [f"{row.type}/{row.name}" for row in before.resources if row.id and row.type in _COSTLY]
    left = f"leaves {', '.join(costly[:6])} and the rest" if costly else "leaves what there is"
    cost = f", {before.cost.monthly_usd} USD a month for the whole," if before.cost and before.cost.monthly_usd else ""
    text = (
        f"{health.message.rstrip('. ')}. The deletion waits, and goes on by itself once AWS lets the operator in "
        f"again. To give up on that: {patch_command(body, RETAIN)}. That {left} in AWS{cost} for you to delete there"
    )
    return replace(health, message=text)


def retained(body: Mapping[str, Any], memory: Memory, limit: str) -> Report:
    """Report on a deletion that leaves the stack in AWS: done, unless a `limit` on what stacks cost loses sight of it.

    What was never begun costs nothing.
    """
    question = None if report.has_nothing(body) else confirmation.uncounted(body, limit)
    if question is None:
        return Report(body.get("status") or {}, 0.0, done=True)
    memory.deleting = False
    approvals = Approvals.of(body, report.previous(body))
    return end(body, report.withheld(body, question, approvals, utc_now()), IDLE, "error")


def deleted(inputs: Inputs, ctx: Context, outcome: Outcome) -> Report:
    """Report on a pass of a deletion. It is done when everything was observed once more and nothing of ours is left."""
    body, memory, observations = inputs.body, inputs.memory, ctx.observations
    if not observations.unreadable and not _ours(outcome.world):
        # Most of the last reads were of what was still going only.
        observations = observe_stack(replace(inputs, full=True))
    if not observations.unreadable and not _ours(observations.world) and not ctx.settling:
        return Report(body.get("status") or {}, 0.0, done=True)
    approved = ctx.approvals.status(report.previous(body), Plan(), outcome.done, utc_now(), whole=False)
    for address, result in outcome.results.items():
        outcome.results[address] = replace(result, health=explained(body, result.health))
    status = report.deleting(body, outcome, approved, utc_now())
    if observations.unreadable:
        why = explained(body, next(iter(observations.unreadable.values())))
        status = report.trouble({**body, "status": status}, why, utc_now())
    # No resync is due meanwhile: everything is observed when a deletion begins, and when nothing seems left.
    unreadable = observations.unreadable
    requeue_after = memory.requeue_after(outcome.results.values(), unreadable, seconds(), float("inf"))
    latest = _STARTING if ctx.settling else LATEST
    ended = end(body, status, min(requeue_after, latest), result_of(outcome, observations))
    return with_preview(ended, inputs, ctx.observations) if begins(body) else ended


def _ours(world: Mapping[str, tuple[Observed, ...]]) -> bool:
    """Return whether anything is left to delete: not what somebody else's tags claim by now."""
    kept = (observed for found in world.values() for observed in found if not observed.kind.RETAINED)
    return any(each.owned and not each.owner and not each.kind.EXTERNAL for each in kept)
