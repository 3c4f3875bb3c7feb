"""Conditions: the health of each resource, summed up for people, scripts, Argo CD and Flux. Pure.

The rules of kstatus and of Argo CD's health script decide: `Ready` is True only when everything is; `Reconciling` and
`Stalled` are present only while they hold, and `Stalled` only when a person or a change of spec is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from missyou_operator.api.components import OPTIONAL, Component
from missyou_operator.api.conditions import ConditionType, Reason
from missyou_operator.api.status import Condition
from missyou_operator.engine.outcome import Result
from missyou_operator.engine.resource import READY, Health

#: Beginnings of reasons that only name a wait for something else: any other reason explains more.
_UNINFORMATIVE = (Reason.CREATING, "WaitingFor", Reason.DELETING, Reason.PROPAGATING)

#: Components whose condition carries the messages of their ready resources, such as alarms that fire.
_WITH_MESSAGES = OPTIONAL | {Component.MONITORING, Component.SECRETS, Component.SERVICE}

#: What a component says of a text that is about all of them.
_WHOLE_STACK = "nothing is created before the preflight passes: see the condition Stalled"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A condition without its time. `generation`: that of the spec of which it speaks, where it is not the present."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""
    generation: int | None = None


def worst(results: Iterable[Result]) -> Result | None:
    """Return the result that explains best why a group is not ready, or None when the group is ready.

    A surplus resource whose deletion is in progress does not count.
    """
    troubled = [
        result
        for result in results
        if result.health.status != "ready" and not (result.surplus and result.health.status == "pending")
    ]
    return min(troubled, key=_rank, default=None)


def _rank(result: Result) -> tuple[bool, bool, bool, bool, str]:
    """Order results by how much they explain. Of equals the address decides, so that each pass names the same one."""
    health = result.health
    return (
        not health.stalled,
        health.status != "failed",
        health.reason.startswith(_UNINFORMATIVE),
        bool(health.waits_for),
        result.address,
    )


def not_ready(health: Health, message: str, progress: str = "") -> list[Verdict]:
    """Return `Ready=False` with the one of `Stalled` and `Reconciling` that goes with it.

    Argo CD would show Degraded for a moment if `Reconciling` came in a later write. `progress` is its message.
    """
    other = ConditionType.STALLED if health.stalled else ConditionType.RECONCILING
    text = message if health.stalled else progress or message
    return [
        Verdict(ConditionType.READY, "False", health.reason, message),
        Verdict(other, "True", health.reason, text),
    ]


def component_verdicts(results: Sequence[Result], notes: Mapping[str, str]) -> list[Verdict]:
    """Sum up each component that is configured. `notes` are messages for components that are ready."""
    verdicts = []
    for component in Component:
        members = [result for result in results if result.component == component]
        if component in OPTIONAL and all(result.surplus for result in members):
            continue
        trouble = worst(members)
        if trouble is None:
            healths = [result.health for result in members if result.health.message]
            # A warning has a reason of its own: it works, and somebody should know.
            warnings = [health for health in healths if health.reason != READY.reason]
            told = healths if component in _WITH_MESSAGES else warnings
            note = notes.get(component, "") or "; ".join(dict.fromkeys(health.message for health in told))
            reason = warnings[0].reason if warnings else Reason.AVAILABLE
            verdicts.append(Verdict(component.condition, "True", reason, note))
        else:
            health = trouble.health
            whole = health.reason == Reason.PREFLIGHT_FAILED
            message = _WHOLE_STACK if whole else health.message or trouble.address
            verdicts.append(Verdict(component.condition, "False", health.reason, message))
    return verdicts


def overall_verdicts(
    results: Sequence[Result], components: Sequence[Verdict], *, busy: bool, note: str = ""
) -> list[Verdict]:
    """Sum up the stack: `Ready`, and `Reconciling` or `Stalled` where they hold.

    `busy`: changes are still to be made or in progress. `note`: what else to tell of a stack that is ready.
    """
    trouble = worst(results)
    if trouble is not None:
        where = "stack" if trouble.health.reason == Reason.PREFLIGHT_FAILED else trouble.component or "stack"
        waiting = ", ".join(verdict.type for verdict in components if verdict.status != "True")
        message = f"{where}: {trouble.health.message or trouble.address}"
        return not_ready(trouble.health, message, f"not ready yet: {waiting or where}")
    if busy:
        return not_ready(Health("pending", Reason.PROGRESSING), "changes are being made")
    message = "everything that is configured is available"
    ready = Verdict(ConditionType.READY, "True", Reason.AVAILABLE, f"{message}; {note}" if note else message)
    leaving = ", ".join(one.address for one in results if one.health.status != "ready" and not one.health.unmade)
    if not leaving:
        return [ready]
    message = f"no longer needed and being deleted: {leaving}"
    return [ready, Verdict(ConditionType.RECONCILING, "True", Reason.DELETING, message)]


def stamp(
    verdicts: Sequence[Verdict], previous: Sequence[Condition], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Turn verdicts into conditions; the time of a transition stays while the status stays."""
    before = {(condition.type, condition.status): condition.last_transition_time for condition in previous}
    return tuple(
        Condition(
            type=verdict.type,
            status=verdict.status,
            reason=verdict.reason,
            message=verdict.message,
            observed_generation=generation if verdict.generation is None else verdict.generation,
            last_transition_time=before.get((verdict.type, verdict.status), now),
        )
        for verdict in verdicts
    )
