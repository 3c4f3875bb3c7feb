"""Why tasks fail, by what ECS reports: stopped tasks first, then the service's events, then target health. Pure.

`known_causes` has the phrases in which ECS reports causes, and what helps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from missyou_operator.aws.ecs.known_causes import (
    EXITS,
    FAILING,
    KNOWN,
    LOG,
    MORE_MEMORY,
    STOPPED_BY_HAND,
    TARGETS,
    Command,
    Place,
    more_memory,
    who_stops,
)
from missyou_operator.aws.ecs.logs import without_controls

Row = Mapping[str, Any]

_MAX_LENGTH = 400


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`reason` is a word for scripts, `message` AWS's text, `advice` what to do (both without a full stop).

    `command` does it, or shows more; "" where there is none. `task` is the ARN of the failed task, if it ran and may
    have logged the cause; `log` is the end of its log, and `look` the command that shows it. `by_hand`: nothing is
    wrong with the tasks, somebody stops them.
    """

    reason: str
    message: str
    advice: str
    command: str = ""
    task: str = ""
    log: str = ""
    look: str = ""
    by_hand: bool = False

    @property
    def text(self) -> str:
        """Return all sentences, without the last full stop."""
        text = f"{self.message}. {self.advice}{f': {self.command}' if self.command else ''}"
        if not self.look:
            return text
        return f"{text}. Its log ({self.look}) ends: {self.log}" if self.log else f"{text}. Its log: {self.look}"


def diagnose(
    stopped: Iterable[Row], events: Iterable[str], targets: Iterable[Row] = (), place: Place | None = None
) -> Diagnosis | None:
    """Return why tasks fail, None if nothing shows it.

    `stopped` are rows of DescribeTasks, `events` the messages of DescribeServices, newest first, `targets` rows of
    DescribeTargetHealth. Without a `place`, advice has no commands.
    """
    tasks = sorted(stopped, key=lambda task: str(task.get("stoppedAt", "")), reverse=True)
    for task in tasks:
        if (found := _of_task(task, place)) is not None:
            return replace(found, task=str(task.get("taskArn", ""))) if task.get("startedAt") else found
    return _of_events(events, place) or _of_targets(targets, place) or _of_people(tasks, place)


def redacted(tasks: Iterable[Row], hide: Callable[[str], str]) -> list[Row]:
    """Return rows of DescribeTasks, their texts through `hide`: before they are cut, which may cut a secret in two."""
    return [
        {
            **task,
            "stoppedReason": hide(str(task.get("stoppedReason", ""))),
            "containers": [
                {**item, "reason": hide(str(item.get("reason", "")))} for item in task.get("containers") or ()
            ],
        }
        for task in tasks
    ]


def _of_task(task: Row, place: Place | None) -> Diagnosis | None:
    """Diagnose one stopped task; None if it was stopped in the normal course of things, or by a person."""
    if place is not None:
        place = replace(place, cpu=_number(task.get("cpu")), memory=_number(task.get("memory")))
    containers: Sequence[Row] = task.get("containers") or ()
    reason = str(task.get("stoppedReason", ""))
    for text in (reason, *(str(item.get("reason", "")) for item in containers)):
        if (known := _match(text, place)) is not None:
            return known
    if task.get("stopCode") in {"ServiceSchedulerInitiated", "UserInitiated"}:
        return None
    for item in containers:
        if (code := item.get("exitCode")) is not None:
            killed = "OutOfMemory" in str(item.get("reason", ""))
            detail = f" ({_trim(str(item['reason']))})" if item.get("reason") else ""
            message = f"container {item.get('name', '')} exited with code {code}{detail}"
            if killed:
                return Diagnosis("OutOfMemory", message, MORE_MEMORY, _command(more_memory, place, ""))
            return Diagnosis(FAILING, message, EXITS.get(code, LOG))
    return Diagnosis(FAILING, f"a task stopped: {_trim(reason)}", LOG) if reason else None


def _of_events(events: Iterable[str], place: Place | None) -> Diagnosis | None:
    for message in events:
        if "has reached a steady state" in message:
            return None
        if (known := _match(message, place)) is not None:
            return known
        if "unable to consistently start tasks" in message:
            return Diagnosis(FAILING, _trim(message), "ECS starts tasks at ever longer intervals; see the app's log")
    return None


def _of_targets(targets: Iterable[Row], place: Place | None) -> Diagnosis | None:
    for target in targets:
        health = target.get("TargetHealth") or {}
        if health.get("State") in {"unhealthy", "unused"}:
            reason = str(health.get("Reason", ""))
            where = (target.get("Target") or {}).get("Id", "")
            message = _trim(f"target {where} is {health['State']}: {health.get('Description') or reason}")
            advice, command = TARGETS.get(reason, (LOG, None))
            return Diagnosis(FAILING, message, advice, _command(command, place, message))
    return None


def _of_people(tasks: Sequence[Row], place: Place | None) -> Diagnosis | None:
    """Diagnose tasks that a person stopped, where nothing else is wrong with them."""
    for task in tasks[:1]:
        if task.get("stopCode") == "UserInitiated":
            message = f"a task was stopped by someone: {_trim(str(task.get('stoppedReason', '')))}"
            return Diagnosis(FAILING, message, STOPPED_BY_HAND, _command(who_stops, place, ""), by_hand=True)
    return None


def _match(text: str, place: Place | None) -> Diagnosis | None:
    for known in KNOWN:
        if text and known.pattern.search(text):
            return Diagnosis(known.reason, _trim(text), known.advice, _command(known.command, place, text))
    return None


def _command(make: Command | None, place: Place | None, text: str) -> str:
    return make(place, text) if make is not None and place is not None else ""


def _number(text: Any) -> int:
    return int(text) if str(text).isdecimal() else 0


def _trim(text: str) -> str:
    """Return a message on one line without controls, cut to a readable length, without a full stop."""
    line = without_controls(text).rstrip(". ")
    return line if len(line) <= _MAX_LENGTH else line[: _MAX_LENGTH - 1] + "…"
