"""What AWS shows of a component in trouble, for a person to read: events, stopped tasks, log, targets, alarms.

A pass of the operator needs none of it beyond what its conditions quote. `missyou doctor` reads it on request, with the
caller's own rights, so that what may not be read is said and hides nothing else.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from missyou_operator.api.components import Component
from missyou_operator.api.kind import KIND
from missyou_operator.aws.ecs.causes import log_tail, stopped_tasks
from missyou_operator.aws.ecs.logs import without_controls
from missyou_operator.aws.ecs.revisions import revision_in_use
from missyou_operator.aws.errors import code_of
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.resource import Observed
from missyou_operator.engine.values import redact

#: The source of what RDS has planned: worth knowing, also of a database that is well.
MAINTENANCE = "maintenance"
#: The source of a failover that something in AWS, or the load, brought about: worth knowing afterwards, too.
FAILOVER = "failover"
#: What RDS gives as the reason of such a failover, and what to do. Source: RDS User Guide, "Multi-AZ DB instance
#: deployments", Failover process.
_OVERLOADED = (
    "It had too much to do for its class. A larger one, by another failover of a minute or two: kubectl patch {app} "
    '--type merge -p \'{{"spec":{{"database":{{"instanceClass":"CLASS"}}}}}}\''
)
_BROKEN_HOST = "Nothing is to be done, unless it comes again: AWS Support then knows more. All of it: {events}"
_FAILOVERS = {"busy and unresponsive": _OVERLOADED, "primary host": _BROKEN_HOST}
#: How many events, kinds of stopped tasks and targets are shown.
_MOST = 4
#: Events of a service that are there in the best of times.
_NORMAL = (
    "has started ",
    "has stopped ",
    "registered ",
    "deregistered ",
    "has begun draining",
    "steady state",
    "deployment completed",
)
_WHOSE = re.compile(r"\((?:service|task) [^)]*\) ?")
#: The most characters of a fact.
_WIDTH = 300
#: Minutes that the events of a database reach back.
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that AWS shows: of which component, where it was read ("event", "task", "log", …), and when it was."""

    component: str
    source: str
    text: str
    at: datetime | None = None


def gather(reader: Reader, world: ObservedState, troubled: Iterable[str]) -> list[Fact]:
    """Read what AWS shows of the components in trouble, and the alarms that fire.

    `reader`: the handle of the last observation, which desires the tasks' log only where it may be quoted.
    """
    rows = [row for row in itertools.chain.from_iterable(world.values()) if row.owned]
    wanted = set(troubled)
    readers: list[tuple[str, str, Callable[[], Iterable[Fact]]]] = []
    for row in rows:
        if row.kind.TYPE == "ecs.Service" and {Component.SERVICE, Component.LOAD_BALANCER} & wanted:
            readers.append((Component.SERVICE, "service", partial(_service, reader, row)))
        elif row.kind.TYPE == "rds.DBInstance":
            readers.append((Component.DATABASE, MAINTENANCE, partial(_maintenance, reader, row)))
            if row.attrs["multi_az"]:
                readers.append((Component.DATABASE, FAILOVER, partial(_failover, reader, row)))
            if Component.DATABASE in wanted:
                readers.append((Component.DATABASE, "event", partial(_database, reader, row)))
    if firing := [row.name for row in rows if row.kind.TYPE == "cloudwatch.Alarm" and row.state == "ALARM"]:
        readers.append((Component.MONITORING, "alarm", partial(_alarms, reader, firing)))
    return [fact for component, source, read in readers for fact in _read(component, source, read)]


def _read(component: str, source: str, read: Callable[[], Iterable[Fact]]) -> list[Fact]:
    try:
        return list(read())
    except ClientError as error:
        return [Fact(component, source, f"cannot be read: {code_of(error)}")]
    except BotoCoreError as error:
        return [Fact(component, source, f"cannot be read: {type(error).__name__}")]


def _service(reader: Reader, service: Observed) -> Iterator[Fact]:
    attrs = service.attrs
    definition = attrs["failed_definition"] or attrs["task_definition"]
    needs = revision_in_use(reader, definition)
    hide = partial(redact, others=needs.get("environment", {}).values())
    [row] = reader.client("ecs").describe_services(cluster=attrs["cluster"], services=[service.name])["services"]
    told: dict[str, Fact] = {}
    for event in row.get("events") or ():
        # Those of each task are alike, but for its ID.
        text = _line(_WHOSE.sub("", hide(event["message"])))
        if not any(each in text for each in _NORMAL):
            told.setdefault(text, Fact(Component.SERVICE, "event", text, event.get("createdAt")))
    yield from list(told.values())[:_MOST]
    stopped = sorted(
        stopped_tasks(reader, attrs, definition), key=lambda task: str(task.get("stoppedAt", "")), reverse=True
    )
    yield from _tasks(stopped, hide)
    yield from _log(reader, stopped, needs.get("log_streams", ""), hide)
    yield from _targets(reader, attrs)


def _tasks(stopped: Sequence[Mapping[str, Any]], hide: Callable[[str], str]) -> Iterator[Fact]:
    """Yield a line for each way in which tasks ended, the newest first."""
    ways: dict[str, list[Mapping[str, Any]]] = {}
    for task in stopped:
        exits = [item for item in task.get("containers") or () if item.get("exitCode") is not None]
        code = f" (exit code {exits[0]['exitCode']})" if exits else ""
        ways.setdefault(f"{hide(str(task.get('stoppedReason', '')))}{code}", []).append(task)
    for text, tasks in list(ways.items())[:_MOST]:
        number = f"{len(tasks)} tasks" if len(tasks) > 1 else f"task {_short(tasks[0].get('taskArn', ''))[:8]}"
        yield Fact(Component.SERVICE, "task", f"{number} stopped: {_line(text)}", tasks[0].get("stoppedAt"))


def _log(
    reader: Reader, stopped: Sequence[Mapping[str, Any]], streams: str, hide: Callable[[str], str]
) -> Iterator[Fact]:
    started = [task for task in stopped if task.get("startedAt")]
    if not started or not streams or not reader.desired_names("ecs.Log"):
        return
    group, task = reader.name("ecs.Log"), _short(started[0]["taskArn"])
    if lines := log_tail(reader, group, f"{streams}/{task}", hide):
        yield Fact(Component.SERVICE, "log", lines, started[0].get("stoppedAt"))


def _targets(reader: Reader, attrs: Mapping[str, Any]) -> Iterator[Fact]:
    elb = reader.client("elbv2")
    for group in attrs["target_groups"]:
        rows = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        ill = [row for row in rows if row["TargetHealth"]["State"] not in {"healthy", "draining"}]
        for row in ill[:_MOST]:
            target, health = row["Target"], row["TargetHealth"]
            why = health.get("Description") or health.get("Reason") or ""
            text = f"{target['Id']}:{target.get('Port', '')} is {health['State']}{f': {why}' if why else ''}"
            yield Fact(Component.SERVICE, "target", _line(text))


def _database(reader: Reader, database: Observed) -> Iterator[Fact]:
    events = reader.client("rds").describe_events(
        SourceIdentifier=database.id, SourceType="db-instance", Duration=_DAY
    )["Events"]
    for event in sorted(events, key=lambda each: str(each.get("Date", "")), reverse=True)[:_MOST]:
        yield Fact(Component.DATABASE, "event", _line(event.get("Message", "")), event.get("Date"))


def _failover(reader: Reader, database: Observed) -> Iterator[Fact]:
    """Yield the last failover of a day that nobody asked for, with what to do about it."""
    rows = reader.client("rds").describe_events(
        SourceIdentifier=database.id, SourceType="db-instance", Duration=_DAY, EventCategories=[FAILOVER]
    )["Events"]
    namespace, _, name = reader.stack.app.partition("/")
    app = f"{KIND.lower()} {name} -n {namespace}"
    events = (
        f"aws rds describe-events --source-type db-instance --source-identifier {database.id} --duration {_DAY} "
        f"--region {reader.stack.region}"
    )
    for row in sorted(rows, key=lambda each: str(each.get("Date", "")), reverse=True):
        message = without_controls(row.get("Message", ""))
        for words, advice in _FAILOVERS.items():
            if words in message:
                text = f"{database.id} went over to its standby: {message} {advice.format(app=app, events=events)}"
                yield Fact(Component.DATABASE, FAILOVER, text, row.get("Date"))
                return


def _maintenance(reader: Reader, database: Observed) -> Iterator[Fact]:
    """Yield the maintenance that RDS has planned, each with the command that applies it at once."""
    arn = database.attrs["arn"]
    rows = reader.client("rds").describe_pending_maintenance_actions(ResourceIdentifier=arn)
    for row in itertools.chain.from_iterable(
        each.get("PendingMaintenanceActionDetails") or () for each in rows["PendingMaintenanceActions"]
    ):
        action, date = row["Action"], row.get("CurrentApplyDate") or row.get("AutoAppliedAfterDate")
        when = f"on {date:%F}" if date else "in a maintenance window"
        text = (
            f"RDS is going to apply {action} ({row.get('Description', '')}) to {database.id} {when}. To have it now, "
            f"the database away meanwhile: aws rds apply-pending-maintenance-action --resource-identifier {arn} "
            f"--apply-action {action} --opt-in-type immediate --region {reader.stack.region}"
        )
        yield Fact(Component.DATABASE, MAINTENANCE, without_controls(text))


def _alarms(reader: Reader, names: Sequence[str]) -> Iterator[Fact]:
    rows = reader.client("cloudwatch").describe_alarms(AlarmNames=list(names))["MetricAlarms"]
    for row in rows:
        text = f"{row['AlarmName']}: {row.get('StateReason', '')}"
        yield Fact(Component.MONITORING, "alarm", _line(text), row.get("StateUpdatedTimestamp"))


def _line(text: str) -> str:
    line = without_controls(text)
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…"


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]
