"""The progress of one MissYouApp: how far each component is, and whether the wait is over. Pure.

The rules are those of kstatus, so that `missyou watch`, Flux and Argo CD agree: a deletion comes first, then the
generation, then Stalled, Reconciling and Ready.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from missyou_operator.api import Component, Condition, ConditionType, Status
from missyou_operator.api.components import OPTIONAL
from missyou_operator.api.conditions import BROKEN
from missyou_operator.api.status import parse_status
from missyou_operator.cli.exits import Exit, Failure

Mark = Literal["ready", "working", "failed", "absent"]


@dataclass(frozen=True, slots=True)
class Row:
    """One condition as displayed. An absent one has no status, reason and message."""

    name: str
    mark: Mark
    status: str = ""
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """One MissYouApp at one moment: a row per component and Ready last, and what the wait is for."""

    rows: tuple[Row, ...]
    waits_for: str
    #: How the wait ended, with a sentence for people; None while it goes on.
    verdict: tuple[Literal[Exit.OK, Exit.STALLED], str] | None


def view(app: Mapping[str, Any]) -> View:
    """Return the progress of a whole MissYouApp object. Raises Failure when its status belongs to another version."""
    status = read_status(app)
    conditions = {condition.type: condition for condition in status.conditions}
    stalled = conditions.get(ConditionType.STALLED)
    stuck = stalled.reason if stalled and stalled.status == "True" else ""
    rows = [_row(name, conditions.get(name), stuck) for name in _names(conditions)]
    if "deletionTimestamp" in app["metadata"]:
        return View(tuple(rows), "the deletion to end" + _held_up(status) + _suspended(app), None)
    generation = int(app["metadata"].get("generation", 0))
    if status.observed_generation != generation:
        message = f"Waiting for the operator to observe generation {generation}"
        rows[-1] = Row(ConditionType.READY, "working", "Unknown", "NotLookedAtYet", message)
        return View(tuple(rows), message[0].lower() + message[1:] + _suspended(app), None)
    return View(tuple(rows), _waits_for(rows) + _suspended(app), _verdict(status, conditions))


def read_status(app: Mapping[str, Any]) -> Status:
    """Return the status of a whole MissYouApp object. Raises Failure when it belongs to another version."""
    try:
        return parse_status(app)
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_url=False, include_input=False)[0]["loc"]))
        raise Failure(
            Exit.CLUSTER,
            f"this version of missyou cannot read status.{where}: use the version of the operator",
        ) from None


def _names(conditions: Mapping[str, Condition]) -> list[str]:
    """List the components in the order in which a stack comes up, then those of another version, then Ready."""
    known = [c.condition for c in Component if c not in OPTIONAL or c.condition in conditions]
    others = sorted(name for name in conditions if name.endswith("Ready") and name not in (*known, ConditionType.READY))
    return [*known, *others, ConditionType.READY]


def _row(name: str, condition: Condition | None, stuck: str) -> Row:
    if condition is None:
        return Row(name, "absent")
    mark: Mark = "working"
    if condition.status == "True":
        mark = "ready"
    elif condition.reason in (*BROKEN, stuck):
        mark = "failed"
    return Row(name, mark, condition.status, condition.reason, " ".join(condition.message.split()))


def _verdict(status: Status, conditions: Mapping[str, Condition]) -> tuple[Literal[Exit.OK, Exit.STALLED], str] | None:
    holds = {name for name, condition in conditions.items() if condition.status == "True"}
    if ConditionType.STALLED in holds:
        return Exit.STALLED, f"Stalled: {_sentence(conditions['Stalled'])}"
    if ConditionType.READY in holds and ConditionType.RECONCILING not in holds:
        return Exit.OK, f"Ready: {status.url}" if status.url else "Ready"
    return None


def _waits_for(rows: list[Row]) -> str:
    """Describe what is not ready: components if there are any, otherwise the stack as a whole."""
    *parts, total = rows
    missing = [row for row in parts if row.mark in ("working", "failed")] or [total]
    return "; ".join(f"{row.name} is {row.status or 'absent'}" + _because(row) for row in missing)


def _because(row: Row) -> str:
    return f" ({row.reason}{': ' if row.message else ''}{row.message})" if row.reason else ""


def _sentence(condition: Condition) -> str:
    return f"{condition.reason}: {' '.join(condition.message.split())}" if condition.message else condition.reason


def _held_up(status: Status) -> str:
    """Describe what holds up a deletion."""
    culprits = [f"{blocker.resource}{f' ({blocker.id})' if blocker.id else ''}" for blocker in status.blockers]
    return f", held up by {', '.join(culprits)}" if culprits else ""


def _suspended(app: Mapping[str, Any]) -> str:
    return " (spec.suspend is true: the operator changes nothing)" if app.get("spec", {}).get("suspend") else ""
