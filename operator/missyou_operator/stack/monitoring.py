"""Log groups (cloudwatch.tf)."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.aws.logs import LogGroup
from missyou_operator.stack.context import Component, Context


@dataclass(frozen=True, slots=True)
class LogGroups:
    """What the app and the database write to."""

    app: LogGroup
    database: LogGroup


def log_groups(site: Context) -> LogGroups:
    """Declare both log groups."""
    days = site.app.monitoring.log_retention_days

    def group(name: str) -> LogGroup:
        return site.graph.add(LogGroup(**site.named(Component.MONITORING, full=name), retention_days=days))

    return LogGroups(
        app=group(f"/ecs/{site.stack.name}"),
        database=group(f"/aws/rds/instance/{site.stack.name}-db/postgresql"),
    )
