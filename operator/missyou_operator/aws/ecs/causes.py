"""Reads why a service makes no progress: its stopped tasks, the end of their log, its events and its targets.

Whoever may read the MissYouApp reads what `diagnosis` makes of them. So the values of the task's environment are left
out, wherever AWS or the app quotes one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.aws.clock import utc_now
from missyou_operator.aws.ecs.diagnosis import Diagnosis, diagnose
from missyou_operator.aws.ecs.known_causes import Place
from missyou_operator.aws.ecs.logs import LINES, last_lines
from missyou_operator.aws.ecs.revisions import CONTAINER, revision_in_use
from missyou_operator.aws.ecs.rollout import event_texts, in_trouble, primary_of
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.values import redact

#: Seconds from a new deployment until its tasks run, before the grace period of their health checks begins.
_START = 60.0
#: The most tasks that one DescribeTasks takes.
_MOST_TASKS = 100


def diagnosis(
    reader: Reader, row: Mapping[str, Any], attrs: Mapping[str, Any], targets: Sequence[Mapping[str, Any]]
) -> Diagnosis | None:
    """Return why a service makes no progress. No call is made while nothing has failed."""
    if in_trouble(attrs):
        definition = attrs["failed_definition"] or attrs["task_definition"]
        events = event_texts(row)
        if attrs["failed_definition"]:
            # The service is steady again with the previous version; the failure came before that.
            events = [text for text in events if "steady state" not in text]
            targets = ()
        needs = revision_in_use(reader, definition)
        hide = partial(redact, others=needs.get("environment", {}).values())
        stopped = stopped_tasks(reader, attrs, definition)
        found = diagnose(stopped, events, targets, place_of(reader, attrs, needs), hide)
        return _with_log(reader, found, needs, hide) if found and found.task else found
    served = attrs["rollout_state"] == "COMPLETED" and attrs["healthy"] != 0
    if served or attrs["running"] < max(attrs["desired"], 1) or _is_starting(row, attrs):
        return None
    return diagnose((), (), targets, place_of(reader, attrs, {}))


def place_of(reader: Reader, attrs: Mapping[str, Any], needs: Mapping[str, Any]) -> Place:
    """Return whose tasks they are, for the commands that help. `needs`: of the revision that fails."""
    namespace, _, app = reader.stack.app.partition("/")
    tag = needs.get("image_tag", "")
    return Place(
        app=app,
        namespace=namespace,
        stack=reader.stack.name,
        cluster=attrs["cluster_name"],
        service=attrs["service_name"],
        region=reader.stack.region,
        image=f"{needs.get('image_repository', '')}:{tag}" if tag and not tag.startswith("sha256:") else "",
    )


def _is_starting(row: Mapping[str, Any], attrs: Mapping[str, Any]) -> bool:
    """Return whether a rollout is so young that it is normal for its tasks not to pass their health checks yet."""
    since = primary_of(row).get("createdAt")
    grace = timedelta(seconds=_START + (attrs["grace_seconds"] or 0))
    return attrs["rollout_state"] == "IN_PROGRESS" and since is not None and utc_now() - since < grace


def stopped_tasks(reader: Reader, attrs: Mapping[str, Any], definition: str) -> Sequence[Mapping[str, Any]]:
    """Read the stopped tasks of a revision (AWS keeps them for an hour)."""
    ecs, cluster = reader.client("ecs"), attrs["cluster"]
    arns = ecs.list_tasks(
        cluster=cluster, serviceName=attrs["service_name"], desiredStatus="STOPPED", maxResults=_MOST_TASKS
    )["taskArns"]
    if not arns:
        return ()
    tasks = ecs.describe_tasks(cluster=cluster, tasks=arns[:_MOST_TASKS])["tasks"]
    return [task for task in tasks if task.get("taskDefinitionArn") == definition]


def _with_log(reader: Reader, found: Diagnosis, needs: Mapping[str, Any], hide: Callable[[str], str]) -> Diagnosis:
    """Add the end of the failed task's log, if that may be quoted, and the command that shows it."""
    group, begin = reader.name("ecs.Log"), needs.get("log_streams") or f"{CONTAINER}/{reader.name('ecs.Container')}"
    stream = f"{begin}/{found.task.rpartition('/')[2]}"
    look = f"aws logs tail {group} --log-stream-names {stream} --since 3h --region {reader.stack.region}"
    log = log_tail(reader, group, stream, hide) if reader.desired_names("ecs.Log") else ""
    return replace(found, log=log, look=look)


def log_tail(reader: Reader, group: str, stream: str, hide: Callable[[str], str]) -> str:
    """Read the end of a log; "" if that fails, since it only supplements a diagnosis."""
    try:
        answer = reader.client("logs").get_log_events(
            logGroupName=group, logStreamName=stream, limit=LINES, startFromHead=False
        )
    except ClientError:
        return ""
    return last_lines((event["message"] for event in answer["events"]), hide)
