"""Log groups and alarms (cloudwatch.tf)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from missyou_operator.aws.cloudwatch import Alarm
from missyou_operator.aws.logs import LogGroup
from missyou_operator.stack.context import Component, Context

_GIB = 1024**3


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


def alarms(site: Context) -> None:
    """Declare the three alarms. They name what they watch, so they need not wait for it."""
    limits, name = site.app.monitoring.alarms, site.stack.name
    service = {"ClusterName": f"{name}-cluster", "ServiceName": f"{name}-service"}
    database = {"DBInstanceIdentifier": f"{name}-db"}
    cpu, free = "CPUUtilization", "FreeStorageSpace"
    above, below = "GreaterThanThreshold", "LessThanThreshold"
    _alarm(site, "ecs-cpu", ("AWS/ECS", cpu, service), (above, limits.service_cpu_percent, "% CPU of the tasks"))
    _alarm(site, "rds-cpu", ("AWS/RDS", cpu, database), (above, limits.database_cpu_percent, "% CPU of the database"))
    bytes_free = limits.database_free_storage_gib * _GIB
    _alarm(site, "rds-storage", ("AWS/RDS", free, database), (below, bytes_free, "bytes of free database storage"))


def _alarm(
    site: Context, suffix: str, watched: tuple[str, str, Mapping[str, str]], limit: tuple[str, float, str]
) -> None:
    namespace, metric, dimensions = watched
    comparison, threshold, unit = limit
    relation = "more" if comparison == "GreaterThanThreshold" else "less"
    site.graph.add(
        Alarm(
            **site.named(Component.MONITORING, suffix),
            namespace=namespace,
            metric=metric,
            dimensions=dimensions,
            threshold=float(threshold),
            comparison=comparison,
            description=f"{site.stack.app}: {relation} than {threshold:g} {unit} for ten minutes",
        )
    )
