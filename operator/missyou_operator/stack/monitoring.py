"""Log groups."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.api.components import Component
from missyou_operator.aws.logs import LogGroup
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context


@dataclass(frozen=True, slots=True)
class LogGroups:
    """What the app and the database write to."""

    app: LogGroup
    database: LogGroup


def log_groups(ctx: Context) -> LogGroups:
    """Declare both log groups."""
    add, named, days = ctx.graph.add, ctx.named(Component.MONITORING), ctx.app.monitoring.log_retention_days
    return LogGroups(
        app=add(LogGroup(**named(naming.APP_LOG), retention_days=days)),
        database=add(LogGroup(**named(naming.DATABASE_LOG), retention_days=days)),
    )
