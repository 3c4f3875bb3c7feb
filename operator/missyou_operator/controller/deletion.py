"""The passes of a deletion: what they ask first, and how they end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from missyou_operator.aws.clock import seconds, utc_now
from missyou_operator.aws.observe import Observations
from missyou_operator.controller import confirmation, report
from missyou_operator.controller.approvals import Approvals
from missyou_operator.controller.ending import IDLE, end, result_of
from missyou_operator.controller.guards import Context
from missyou_operator.controller.inputs import Inputs, observe_stack
from missyou_operator.controller.memory import Memory
from missyou_operator.controller.report import Report
from missyou_operator.engine.outcome import Outcome
from missyou_operator.engine.plan import Plan
from missyou_operator.engine.resource import Observed

#: Seconds until a deletion goes on at the latest, and while the operator has just started.
LATEST, _STARTING = 15.0, 2.0


def asked(inputs: Inputs, plan: Plan, observations: Observations, *, confirm: bool) -> tuple[Approvals, Report | None]:
    """Return what is approved, and the report on a deletion that waits for a person, None where nothing is asked.

    `confirm`: whether the deletion of a production app's data has to be confirmed.
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
    return approvals, end(body, status, IDLE, "error")


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
    status = report.deleting(body, outcome, approved, utc_now())
    if observations.unreadable:
        status = report.trouble({**body, "status": status}, next(iter(observations.unreadable.values())), utc_now())
    # No resync is due meanwhile: everything is observed when a deletion begins, and when nothing seems left.
    unreadable = observations.unreadable
    requeue_after = memory.requeue_after(outcome.results.values(), unreadable, seconds(), float("inf"))
    latest = _STARTING if ctx.settling else LATEST
    return end(body, status, min(requeue_after, latest), result_of(outcome, observations))


def _ours(world: Mapping[str, tuple[Observed, ...]]) -> bool:
    """Return whether anything is left to delete: not what somebody else's tags claim by now."""
    kept = (observed for found in world.values() for observed in found if not observed.kind.RETAINED)
    return any(each.owned and not each.owner and not each.kind.EXTERNAL for each in kept)
