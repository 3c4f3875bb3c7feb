"""Log groups (cloudwatch.tf)."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.api.components import Component
from missyou_operator.aws.logs import LogGroup
from missyou_operator.stack.context import Context


@dataclass(frozen=True, slots=True)
class LogGroups:
    """What the app and the database write to."""

    app: LogGroup
    database: LogGroup


def log_groups(ctx: Context) -> LogGroups:
    """Declare both log groups."""
    days = ctx.app.monitoring.log_retention_days

    def group(name: str) -> LogGroup:
        return ctx.graph.add(LogGroup(**ctx.named(Component.MONITORING, full=name), retention_days=days))

    return LogGroups(
        app=group(f"/ecs/{ctx.stack.name}"),
        database=group(f"/aws/rds/instance/{ctx.stack.name}-db/postgresql"),
    )
