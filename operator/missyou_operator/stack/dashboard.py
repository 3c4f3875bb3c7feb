"""The dashboard: one screen that shows what is wrong, from what users meet at the top to the database at the bottom.

Where an alarm watches a metric, its threshold is a line in the graph. Source of the body's form: CloudWatch API
reference, "Dashboard Body Structure and Syntax".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from missyou_operator.api.components import Component
from missyou_operator.aws.cloudwatch.alarm import Alarm
from missyou_operator.aws.cloudwatch.dashboard import Dashboard
from missyou_operator.engine.values import Ref
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context
from missyou_operator.stack.load_balancer import Balancing
from missyou_operator.stack.naming import AlarmName

#: Of CloudWatch's grid.
_COLUMNS = 24
_RED, _ORANGE, _GREEN, _BLUE, _PURPLE = "#d62728", "#ff7f0e", "#2ca02c", "#1f77b4", "#9467bd"
Json = dict[str, Any]
Alarms = Mapping[AlarmName, Alarm]
Series = tuple[str, str, str, str]
"""A metric's name, its statistic, the label and the color."""


def dashboard(ctx: Context, balancing: Balancing, alarms: Alarms) -> None:
    """Declare the dashboard, if the spec enables it."""
    if ctx.app.monitoring.dashboard:
        ctx.graph.add(Dashboard(**ctx.named(Component.MONITORING)(naming.DASHBOARD), body=body(ctx, balancing, alarms)))


def body(ctx: Context, balancing: Balancing, alarms: Alarms) -> Json:
    """Lay out the dashboard: the alarms, then a row each for requests, tasks and database."""
    rows: list[tuple[int, list[Json]]] = [
        (2, [_heading(ctx)]),
        (3, [_alarms(ctx, alarms.values())]),
        (6, list(_requests(balancing, alarms))),
        (6, list(_tasks(ctx, alarms))),
        (6, list(_database(alarms))),
    ]
    widgets, top = [], 0
    for height, row in rows:
        width = _COLUMNS // len(row)
        widgets += [
            {"x": n * width, "y": top, "width": width, "height": height, **widget} for n, widget in enumerate(row)
        ]
        top += height
    for widget in widgets:
        if widget["type"] == "metric":
            # The dashboard is global, metrics are not.
            widget["properties"]["region"] = ctx.stack.region
    return {"start": "-PT3H", "periodOverride": "inherit", "widgets": widgets}


def _heading(ctx: Context) -> Json:
    namespace, _, name = ctx.stack.app.partition("/")
    group = ctx.stack.fill(naming.APP_LOG)
    # A link within the console, which shows the dashboard. It escapes names twice, with $ for %.
    log = f"#logsV2:log-groups/log-group/{group.replace('/', '$252F')}"
    text = (
        f"## {name}\n"
        f"`kubectl describe missyouapp {name} -n {namespace}` says what is being done about it. "
        f"[Log of the tasks]({log}), group `{group}` in {ctx.stack.region}. "
        "This dashboard is written by the operator, which takes changes back."
    )
    return {"type": "text", "properties": {"markdown": text}}


def _alarms(ctx: Context, alarms: Iterable[Alarm]) -> Json:
    # Composed and not referred to: the dashboard need not wait for the alarms.
    arns = [ctx.stack.arn("cloudwatch", f"alarm:{alarm.name}") for alarm in alarms]
    return {"type": "alarm", "properties": {"title": "Alarms", "alarms": arns}}


def _requests(balancing: Balancing, alarms: Alarms) -> Iterable[Json]:
    of: dict[str, str | Ref] = {"LoadBalancer": balancing.load_balancer.ref("arn_suffix")}
    alb = "AWS/ApplicationELB"
    rate = alarms[AlarmName.FAILING_REQUESTS]
    yield _graph(
        "Requests a minute",
        _metrics(
            alb,
            of,
            ("HTTPCode_Target_2XX_Count", "Sum", "2xx", _GREEN),
            ("HTTPCode_Target_3XX_Count", "Sum", "3xx", _BLUE),
            ("HTTPCode_Target_4XX_Count", "Sum", "4xx", _ORANGE),
            ("HTTPCode_Target_5XX_Count", "Sum", "5xx", _RED),
            ("HTTPCode_ELB_5XX_Count", "Sum", "5xx, no task", _PURPLE),
        ),
        stacked=True,
    )
    operands = [
        [alb, metric, *_flat(of), {"id": id_, "stat": "Sum", "visible": False}] for id_, metric in rate.operands.items()
    ]
    expression = [{"expression": rate.expression, "id": "rate", "label": "requests that end in a 5xx", "color": _RED}]
    yield _graph("Failing requests, %", [expression, *operands], lines=[_line(rate)], top=100)
    yield _graph(
        "Answer time, seconds",
        _metrics(
            alb,
            of,
            ("TargetResponseTime", "p50", "p50", _GREEN),
            ("TargetResponseTime", "p90", "p90", _ORANGE),
            ("TargetResponseTime", "p99", "p99", _RED),
        ),
    )
    yield _graph(
        "Tasks that can answer",
        [
            metric
            for suffix in balancing.watched
            for metric in _metrics(
                alb,
                {**of, "TargetGroup": suffix},
                ("HealthyHostCount", "Minimum", "healthy", _GREEN),
                ("UnHealthyHostCount", "Maximum", "unhealthy", _RED),
            )
        ],
        lines=[_line(alarms[AlarmName.HEALTHY_TASKS])],
    )


def _tasks(ctx: Context, alarms: Alarms) -> Iterable[Json]:
    cpu, scaling = alarms[AlarmName.SERVICE_CPU], ctx.app.service.autoscaling
    of = cpu.dimensions
    highest, average = "Maximum", "Average"
    for title, metric, target, lines in (
        ("CPU of the tasks, %", "CPUUtilization", scaling.cpu_target, [_line(cpu)]),
        ("Memory of the tasks, %", "MemoryUtilization", scaling.memory_target, []),
    ):
        series = _metrics(cpu.namespace, of, (metric, average, "average", _BLUE), (metric, highest, "highest", _ORANGE))
        scales = {"label": "more tasks from here", "value": target, "color": _GREEN}
        yield _graph(title, series, lines=[*lines, scales], top=100)
    # Each task reports its CPU once a minute: ECS guide, "Service RUNNING task count".
    running = _metrics(cpu.namespace, of, ("CPUUtilization", "SampleCount", "running", _BLUE))
    replicas = ctx.app.service.replicas
    bounds = [
        {"label": "at least", "value": replicas.min, "color": _GREEN},
        {"label": "at most", "value": replicas.max, "color": _ORANGE},
    ]
    yield _graph("Tasks", running, lines=bounds)


def _database(alarms: Alarms) -> Iterable[Json]:
    cpu = alarms[AlarmName.DATABASE_CPU]
    for title, name, metric, statistic, label in (
        ("CPU of the database, %", AlarmName.DATABASE_CPU, "CPUUtilization", "Average", "average"),
        ("Connections", AlarmName.DATABASE_CONNECTIONS, "DatabaseConnections", "Maximum", "highest"),
        ("Free memory, bytes", AlarmName.DATABASE_MEMORY, "FreeableMemory", "Minimum", "lowest"),
        ("Free storage, bytes", AlarmName.DATABASE_STORAGE, "FreeStorageSpace", "Minimum", "lowest"),
    ):
        # Without a known memory of its class, a database has no alarms on connections and memory.
        watching = alarms.get(name)
        yield _graph(
            title,
            _metrics(cpu.namespace, cpu.dimensions, (metric, statistic, label, _BLUE)),
            lines=[_line(watching)] if watching else [],
            top=100 if title.endswith("%") else None,
        )


def _flat(dimensions: Any) -> list[str | Ref]:
    return [part for pair in dimensions.items() for part in pair]


def _metrics(namespace: str, dimensions: Any, *series: Series) -> list[list[Any]]:
    return [
        [namespace, name, *_flat(dimensions), {"stat": statistic, "label": label, "color": color}]
        for name, statistic, label, color in series
    ]


def _line(alarm: Alarm) -> Json:
    return {"label": "alarm", "value": alarm.threshold, "color": _RED}


def _graph(
    title: str,
    metrics: Sequence[Any],
    *,
    lines: Sequence[Json] = (),
    stacked: bool = False,
    top: int | None = None,
) -> Json:
    left = {"min": 0, "showUnits": False, **({} if top is None else {"max": top})}
    return {
        "type": "metric",
        "properties": {
            "title": title,
            "view": "timeSeries",
            "stacked": stacked,
            "period": 60,
            "metrics": list(metrics),
            "yAxis": {"left": left},
            **({"annotations": {"horizontal": list(lines)}} if lines else {}),
        },
    }
