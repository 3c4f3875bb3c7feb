"""What a person is asked about a whole plan, under `changePolicy: Approve`. Pure."""

from __future__ import annotations

from collections.abc import Callable

from missyou_operator.api.annotations import APPROVE, approve_command
from missyou_operator.controller.guards import Context
from missyou_operator.controller.planned import Prospect, summary
from missyou_operator.engine.duration import duration
from missyou_operator.engine.effects import together
from missyou_operator.engine.plan import Plan


def question(approval: Plan, expected: Callable[[Plan], Prospect], ctx: Context) -> str:
    """Return what a person has to know of a plan that waits, and the command that approves it; "" if none waits."""
    if not ctx.approvals.every or not approval.changes:
        return ""
    id_ = ctx.approvals.id(approval.digest)
    felt = together([change.effect for change in approval.changes]).feels
    parts = [f"the plan {id_} waits for approval: {summary(approval)}", f"the app feels {felt}"]
    if seconds := expected(approval).seconds:
        parts.append(f"it takes {duration(seconds)}")
    if ctx.spending.warning:
        parts.append(ctx.spending.warning)
    ends = f". To go on: {approve_command(ctx.body, id_)}; or take the change back"
    if ctx.approvals.came_late:
        ends += (
            f". The annotation {APPROVE} names the plan {ctx.approvals.given}, which this one has replaced: nothing of "
            "that one was done"
        )
    return "; ".join(parts) + ends
