"""The alarms: few, each worth a mail at night, and each with a word on what to do.

Where the thresholds come from, and why missing data is treated as it is, stands in docs/monitoring.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from missyou_operator.api.components import Component
from missyou_operator.aws.cloudwatch.alarm import Alarm
from missyou_operator.aws.rds.classes import memory_bytes, most_connections
from missyou_operator.engine.values import Ref
from missyou_operator.stack.context import Context
from missyou_operator.stack.load_balancer import Balancing

_GIB, _MIB = 1024**3, 1024**2
_ABOVE, _BELOW = "GreaterThanThreshold", "LessThanThreshold"
#: Requests a minute below which no rate of errors is taken: one of two that fail is no outage.
FEW_REQUESTS = 20
#: The rate of 5xx answers, those of the load balancer itself included. Counts have no data where nothing was counted.
_ALL, _FAILED = "(FILL(requests, 0) + FILL(balancer, 0))", "(FILL(target, 0) + FILL(balancer, 0))"
ERROR_RATE = f"IF({_ALL} >= {FEW_REQUESTS}, 100 * {_FAILED} / {_ALL}, 0)"
ERROR_COUNTS = {
    "target": "HTTPCode_Target_5XX_Count",
    "balancer": "HTTPCode_ELB_5XX_Count",
    "requests": "RequestCount",
}


def alarms(ctx: Context, balancing: Balancing, notified: tuple[str | Ref, ...]) -> tuple[Alarm, ...]:
    """Declare all alarms, which notify topics; the most urgent first."""
    return tuple(
        ctx.graph.add(
            Alarm(
                **ctx.named(Component.MONITORING, suffix),
                description=f"{ctx.stack.app}: {fields.pop('says')}",
                notified=notified,
                **fields,
            )
        )
        for suffix, fields in [*_balancer(ctx, balancing), *_service(ctx), *_database(ctx)]
    )


Declared = Iterator[tuple[str, dict[str, Any]]]


def _balancer(ctx: Context, balancing: Balancing) -> Declared:
    balancer: Mapping[str, str | Ref] = {"LoadBalancer": balancing.load_balancer.ref("arn_suffix")}
    group = {**balancer, "TargetGroup": balancing.target_group.ref("arn_suffix")}
    minutes = {"namespace": "AWS/ApplicationELB", "period": 60}
    yield (
        "alb-healthy",
        {
            **minutes,
            "metric": "HealthyHostCount",
            "dimensions": group,
            "statistic": "Maximum",
            "threshold": 1.0,
            "comparison": _BELOW,
            "evaluation_periods": 3,
            # Without any target there is no data, and nobody serves.
            "treat_missing": "breaching",
            "says": "no task is healthy, nothing serves for three minutes. See ServiceReady of the MissYouApp",
        },
    )
    rate = float(ctx.app.monitoring.alarms.service_error_percent)
    yield (
        "alb-5xx",
        {
            **minutes,
            "expression": ERROR_RATE,
            "operands": ERROR_COUNTS,
            "dimensions": balancer,
            "statistic": "Sum",
            "threshold": rate,
            "comparison": _ABOVE,
            "evaluation_periods": 5,
            "datapoints": 3,
            "treat_missing": "notBreaching",
            "says": f"more than {rate:g} % of the requests end in a 5xx in three of five minutes. See the tasks' log",
        },
    )
    yield (
        "alb-unhealthy",
        {
            **minutes,
            "metric": "UnHealthyHostCount",
            "dimensions": group,
            "statistic": "Maximum",
            "threshold": 0.0,
            "comparison": _ABOVE,
            "evaluation_periods": 15,
            "datapoints": 5,
            "treat_missing": "notBreaching",
            "says": "a task is unhealthy in five of fifteen minutes: ECS does not get it right by itself. See its log",
        },
    )


def _service(ctx: Context) -> Declared:
    limit = float(ctx.app.monitoring.alarms.service_cpu_percent)
    yield (
        "ecs-cpu",
        {
            "namespace": "AWS/ECS",
            "metric": "CPUUtilization",
            "dimensions": {
                "ClusterName": f"{ctx.stack.name}-cluster",
                "ServiceName": f"{ctx.stack.name}-service",
            },
            "threshold": limit,
            "comparison": _ABOVE,
            "says": f"more than {limit:g} % CPU of the tasks for ten minutes. Raise service.replicas.max or .cpu",
        },
    )


def _database(ctx: Context) -> Declared:
    limits, class_ = ctx.app.monitoring.alarms, ctx.app.database.instance_class
    of = {"namespace": "AWS/RDS", "dimensions": {"DBInstanceIdentifier": f"{ctx.stack.name}-db"}}
    cpu = float(limits.database_cpu_percent)
    yield (
        "rds-cpu",
        {
            **of,
            "metric": "CPUUtilization",
            "threshold": cpu,
            "comparison": _ABOVE,
            "says": f"more than {cpu:g} % CPU of the database for ten minutes. See Performance Insights for the query",
        },
    )
    free = limits.database_free_storage_gib
    yield (
        "rds-storage",
        {
            **of,
            "metric": "FreeStorageSpace",
            "threshold": float(free * _GIB),
            "comparison": _BELOW,
            "says": f"less than {free} GiB of database storage are free for ten minutes. Raise database.maxStorageGiB",
        },
    )
    if (most := most_connections(class_)) is not None:
        connections = most * limits.database_connections_percent // 100
        yield (
            "rds-connections",
            {
                **of,
                "metric": "DatabaseConnections",
                "statistic": "Maximum",
                "period": 60,
                "evaluation_periods": 5,
                "threshold": float(connections),
                "comparison": _ABOVE,
                "says": f"more than {connections} connections to the database for five minutes, of about {most} that a "
                f"{class_} takes. Lower service.replicas.max, or take a larger class",
            },
        )
    if (memory := memory_bytes(class_)) is not None:
        left = memory * limits.database_free_memory_percent // 100
        yield (
            "rds-memory",
            {
                **of,
                "metric": "FreeableMemory",
                "evaluation_periods": 3,
                "threshold": float(left),
                "comparison": _BELOW,
                "says": f"less than {left // _MIB} MiB of memory are free on the database for fifteen minutes. Take a "
                "larger class, or fewer connections",
            },
        )
