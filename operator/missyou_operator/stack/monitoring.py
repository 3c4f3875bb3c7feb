"""Log groups and alarms (cloudwatch.tf)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from missyou_operator.aws.cloudwatch import Alarm
from missyou_operator.aws.logs import LogGroup
from missyou_operator.engine.values import Ref
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


def alarms(site: Context, notified: tuple[str | Ref, ...]) -> None:
    """Declare the three alarms, which notify topics. They name what they watch, so they need not wait for it."""
    limits, name = site.app.monitoring.alarms, site.stack.name
    service = {"ClusterName": f"{name}-cluster", "ServiceName": f"{name}-service"}
    database = {"DBInstanceIdentifier": f"{name}-db"}
    cpu, free = "CPUUtilization", "FreeStorageSpace"
    above, below = "GreaterThanThreshold", "LessThanThreshold"
    bytes_free = limits.database_free_storage_gib * _GIB
    for suffix, watched, limit in (
        ("ecs-cpu", ("AWS/ECS", cpu, service), (above, limits.service_cpu_percent, "% CPU of the tasks")),
        ("rds-cpu", ("AWS/RDS", cpu, database), (above, limits.database_cpu_percent, "% CPU of the database")),
        ("rds-storage", ("AWS/RDS", free, database), (below, bytes_free, "bytes of free database storage")),
    ):
        site.graph.add(replace(_alarm(site, suffix, watched, limit), notified=notified))


def _alarm(
    site: Context, suffix: str, watched: tuple[str, str, Mapping[str, str]], limit: tuple[str, float, str]
) -> Alarm:
    namespace, metric, dimensions = watched
    comparison, threshold, unit = limit
    relation = "more" if comparison == "GreaterThanThreshold" else "less"
    return Alarm(
        **site.named(Component.MONITORING, suffix),
        namespace=namespace,
        metric=metric,
        dimensions=dimensions,
        threshold=float(threshold),
        comparison=comparison,
        description=f"{site.stack.app}: {relation} than {threshold:g} {unit} for ten minutes",
    )
