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
    stopped: Iterable[Row],
    events: Iterable[str],
    targets: Iterable[Row] = (),
    place: Place | None = None,
    hide: Callable[[str], str] = str,
) -> Diagnosis | None:
    """Return why tasks fail, None if nothing shows it.

    `stopped` are rows of DescribeTasks, `events` the messages of DescribeServices, newest first, `targets` rows of
    DescribeTargetHealth. Without a `place`, advice has no commands. `hide` puts stars in the place of what a text must
    not show: causes are found in AWS's own words, whatever words are secret.
    """
    tasks = sorted(stopped, key=lambda task: str(task.get("stoppedAt", "")), reverse=True)
    look = _Look(place, hide)
    for task in tasks:
        if (found := look.at_task(task)) is not None:
            return replace(found, task=str(task.get("taskArn", ""))) if task.get("startedAt") else found
    return look.at_events(events) or look.at_targets(targets) or look.at_people(tasks)


@dataclass(frozen=True, slots=True)
class _Look:
    """A look for causes, for the service at a place."""

    place: Place | None
    hide: Callable[[str], str]

    def at_task(self, task: Row) -> Diagnosis | None:
        """Diagnose one stopped task; None if it was stopped in the normal course of things, or by a person."""
        cpu, memory = _number(task.get("cpu")), _number(task.get("memory"))
        look = replace(self, place=replace(self.place, cpu=cpu, memory=memory)) if self.place is not None else self
        containers: Sequence[Row] = task.get("containers") or ()
        reason = str(task.get("stoppedReason", ""))
        for text in (reason, *(str(item.get("reason", "")) for item in containers)):
            if (known := look.match(text)) is not None:
                return known
        if task.get("stopCode") in {"ServiceSchedulerInitiated", "UserInitiated"}:
            return None
        for item in containers:
            if (code := item.get("exitCode")) is not None:
                killed = "OutOfMemory" in str(item.get("reason", ""))
                detail = f" ({self.shown(str(item['reason']))})" if item.get("reason") else ""
                message = f"container {item.get('name', '')} exited with code {code}{detail}"
                if killed:
                    return Diagnosis("OutOfMemory", message, MORE_MEMORY, look.command(more_memory, ""))
                return Diagnosis(FAILING, message, EXITS.get(code, LOG))
        return Diagnosis(FAILING, f"a task stopped: {self.shown(reason)}", LOG) if reason else None

    def at_events(self, events: Iterable[str]) -> Diagnosis | None:
        for message in events:
            if "has reached a steady state" in message:
                return None
            if (known := self.match(message)) is not None:
                return known
            if "unable to consistently start tasks" in message:
                advice = "ECS starts tasks at ever longer intervals; see the app's log"
                return Diagnosis(FAILING, self.shown(message), advice)
        return None

    def at_targets(self, targets: Iterable[Row]) -> Diagnosis | None:
        for target in targets:
            health = target.get("TargetHealth") or {}
            if health.get("State") in {"unhealthy", "unused"}:
                reason = str(health.get("Reason", ""))
                where = (target.get("Target") or {}).get("Id", "")
                message = self.shown(f"target {where} is {health['State']}: {health.get('Description') or reason}")
                advice, command = TARGETS.get(reason, (LOG, None))
                return Diagnosis(FAILING, message, advice, self.command(command, message))
        return None

    def at_people(self, tasks: Sequence[Row]) -> Diagnosis | None:
        """Diagnose tasks that a person stopped, where nothing else is wrong with them."""
        for task in tasks[:1]:
            if task.get("stopCode") == "UserInitiated":
                message = f"a task was stopped by someone: {self.shown(str(task.get('stoppedReason', '')))}"
                return Diagnosis(FAILING, message, STOPPED_BY_HAND, self.command(who_stops, ""), by_hand=True)
        return None

    def match(self, text: str) -> Diagnosis | None:
        for known in KNOWN:
            if text and known.pattern.search(text):
                return Diagnosis(known.reason, self.shown(text), known.advice, self.command(known.command, text))
        return None

    def command(self, make: Command | None, text: str) -> str:
        return self.hide(make(self.place, text)) if make is not None and self.place is not None else ""

    def shown(self, text: str) -> str:
        """Return a message as it may be shown: secrets are hidden before it is cut, which may cut one in two."""
        return _trim(self.hide(text))


def _number(text: Any) -> int:
    return int(text) if str(text).isdecimal() else 0


def _trim(text: str) -> str:
    """Return a message on one line without controls, cut to a readable length, without a full stop."""
    line = without_controls(text).rstrip(". ")
    return line if len(line) <= _MAX_LENGTH else line[: _MAX_LENGTH - 1] + "…"
