"""The alarms: few, each worth an e-mail at night, and each with advice on what to do.

docs/monitoring.md explains the thresholds, and how missing data is treated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Required, TypedDict

from missyou_operator.api.components import Component
from missyou_operator.aws.cloudwatch.alarm import Alarm
from missyou_operator.aws.rds.classes import memory_bytes, most_connections
from missyou_operator.engine.values import Ref
from missyou_operator.stack import naming
from missyou_operator.stack.context import Common, Context
from missyou_operator.stack.load_balancer import Balancing
from missyou_operator.stack.naming import AlarmName

_BALANCER, _SERVICE, _DATABASE = "AWS/ApplicationELB", "AWS/ECS", "AWS/RDS"
_GIB, _MIB = 1024**3, 1024**2
_ABOVE, _BELOW = "GreaterThanThreshold", "LessThanThreshold"
#: Requests a minute below which no rate of errors counts: one failure in two requests is no outage.
FEW_REQUESTS = 20
#: The rate of 5xx answers, those of the load balancer itself included. A count has no data where it would be zero.
_ALL, _FAILED = "(FILL(requests, 0) + FILL(balancer, 0))", "(FILL(target, 0) + FILL(balancer, 0))"
ERROR_RATE = f"IF({_ALL} >= {FEW_REQUESTS}, 100 * {_FAILED} / {_ALL}, 0)"
ERROR_COUNTS = {
    "target": "HTTPCode_Target_5XX_Count",
    "balancer": "HTTPCode_ELB_5XX_Count",
    "requests": "RequestCount",
}


class _Common(Common):
    """The arguments that every alarm takes."""

    description: str
    notified: tuple[str | Ref, ...]


#: Composes them for an alarm and what its notification says.
Notifying = Callable[[AlarmName, str], _Common]


def alarms(ctx: Context, balancing: Balancing, notified: tuple[str | Ref, ...]) -> dict[AlarmName, Alarm]:
    """Declare all alarms, the most urgent first. `notified` are the ARNs of the topics that they notify."""
    named = ctx.named(Component.MONITORING)

    def notifying(name: AlarmName, message: str) -> _Common:
        return {**named(name), "description": f"{ctx.stack.app}: {message}", "notified": notified}

    declared = chain(_balancer(ctx, balancing, notifying), _service(ctx, notifying), _database(ctx, notifying))
    patterns = {ctx.stack.fill(pattern): pattern for pattern in AlarmName}
    return {patterns[alarm.name]: ctx.graph.add(alarm) for alarm in declared}


def _balancer(ctx: Context, balancing: Balancing, notifying: Notifying) -> Iterator[Alarm]:
    balancer: Mapping[str, str | Ref] = {"LoadBalancer": balancing.load_balancer.ref("arn_suffix")}
    message = "no task is healthy: nothing has served for three minutes. See ServiceReady of the MissYouApp"
    yield Alarm(
        **notifying(AlarmName.HEALTHY_TASKS, message),
        namespace=_BALANCER,
        **_hosts(balancing, "HealthyHostCount"),
        statistic="Maximum",
        period=60,
        threshold=1.0,
        comparison=_BELOW,
        evaluation_periods=3,
        # Without any target there is no data, and nothing serves.
        treat_missing="breaching",
    )
    rate = float(ctx.app.monitoring.alarms.service_error_percent)
    message = f"more than {rate:g} % of the requests end in a 5xx in three of five minutes. See the tasks' log"
    yield Alarm(
        **notifying(AlarmName.FAILING_REQUESTS, message),
        namespace=_BALANCER,
        expression=ERROR_RATE,
        operands=ERROR_COUNTS,
        dimensions=balancer,
        statistic="Sum",
        period=60,
        threshold=rate,
        comparison=_ABOVE,
        evaluation_periods=5,
        datapoints=3,
        treat_missing="notBreaching",
    )
    message = "a task is unhealthy in five of fifteen minutes, and replacing it has not helped. See its log"
    yield Alarm(
        **notifying(AlarmName.UNHEALTHY_TASKS, message),
        namespace=_BALANCER,
        **_hosts(balancing, "UnHealthyHostCount"),
        statistic="Maximum",
        period=60,
        threshold=0.0,
        comparison=_ABOVE,
        evaluation_periods=15,
        datapoints=5,
        treat_missing="notBreaching",
    )


class _Watched(TypedDict, total=False):
    """The arguments that say what an alarm watches."""

    dimensions: Required[Mapping[str, str | Ref]]
    metric: str
    expression: str
    operands: Mapping[str, str]
    operand_dimensions: Mapping[str, Mapping[str, str | Ref]]


def _hosts(balancing: Balancing, metric: str) -> _Watched:
    """Watch a number of targets: of the target group, or of both where ECS shifts the requests between two."""
    balancer = balancing.load_balancer.ref("arn_suffix")
    of = {
        id_: {"LoadBalancer": balancer, "TargetGroup": suffix}
        for id_, suffix in zip(("one", "other"), balancing.watched, strict=False)
    }
    if len(of) == 1:
        return {"metric": metric, "dimensions": of["one"]}
    # A group without targets has no data.
    both = " + ".join(f"FILL({id_}, 0)" for id_ in of)
    return {"expression": both, "operands": dict.fromkeys(of, metric), "dimensions": {}, "operand_dimensions": of}


def _service(ctx: Context, notifying: Notifying) -> Iterator[Alarm]:
    limit = float(ctx.app.monitoring.alarms.service_cpu_percent)
    message = f"more than {limit:g} % CPU of the tasks for ten minutes. Raise service.replicas.max or .cpu"
    yield Alarm(
        **notifying(AlarmName.SERVICE_CPU, message),
        namespace=_SERVICE,
        metric="CPUUtilization",
        dimensions={"ClusterName": ctx.stack.fill(naming.CLUSTER), "ServiceName": ctx.stack.fill(naming.SERVICE)},
        threshold=limit,
        comparison=_ABOVE,
    )


def _database(ctx: Context, notifying: Notifying) -> Iterator[Alarm]:
    limits = ctx.app.monitoring.alarms
    # The alarms follow the class once AWS has taken the change: they watch what runs.
    class_ = ctx.lookups.database.instance_class or ctx.app.database.instance_class
    instance = {"DBInstanceIdentifier": ctx.stack.fill(naming.DATABASE)}
    cpu = float(limits.database_cpu_percent)
    message = f"more than {cpu:g} % CPU of the database for ten minutes. See Performance Insights for the query"
    yield Alarm(
        **notifying(AlarmName.DATABASE_CPU, message),
        namespace=_DATABASE,
        metric="CPUUtilization",
        dimensions=instance,
        threshold=cpu,
        comparison=_ABOVE,
    )
    free = limits.database_free_storage_gib
    message = f"less than {free} GiB of database storage are free for ten minutes. Raise database.maxStorageGiB"
    yield Alarm(
        **notifying(AlarmName.DATABASE_STORAGE, message),
        namespace=_DATABASE,
        metric="FreeStorageSpace",
        dimensions=instance,
        threshold=float(free * _GIB),
        comparison=_BELOW,
    )
    if (most := most_connections(class_)) is not None:
        connections = most * limits.database_connections_percent // 100
        message = (
            f"more than {connections} connections to the database for five minutes, of about {most} that a "
            f"{class_} takes. Lower service.replicas.max, or take a larger class"
        )
        yield Alarm(
            **notifying(AlarmName.DATABASE_CONNECTIONS, message),
            namespace=_DATABASE,
            metric="DatabaseConnections",
            dimensions=instance,
            statistic="Maximum",
            period=60,
            threshold=float(connections),
            comparison=_ABOVE,
            evaluation_periods=5,
        )
    if (memory := memory_bytes(class_)) is not None:
        left = memory * limits.database_free_memory_percent // 100
        message = (
            f"less than {left // _MIB} MiB of memory are free on the database for fifteen minutes. Take a "
            "larger class, or fewer connections"
        )
        yield Alarm(
            **notifying(AlarmName.DATABASE_MEMORY, message),
            namespace=_DATABASE,
            metric="FreeableMemory",
            dimensions=instance,
            threshold=float(left),
            comparison=_BELOW,
            evaluation_periods=3,
        )
