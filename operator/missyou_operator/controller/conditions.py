"""Conditions: what was found of each resource, summed up for people, scripts, Argo CD and Flux. Pure.

The rules of kstatus and of Argo CD's health script decide: `Ready` is True only when everything is; `Reconciling` and
`Stalled` are present only while they hold, and `Stalled` only when a person or a change of spec is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from missyou_operator.engine.outcome import Result
from missyou_operator.stack.context import OPTIONAL, Component

#: Reasons that only say that something else comes first: any other is worth more.
_DULL = ("Creating", "WaitingFor", "Deleting", "Propagating")

#: Characters of a message: beyond metav1.Condition's bound the API server would refuse the whole status.
_LONGEST = 32_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """A condition before it has a time: type, status ("True", "False"), reason, message."""

    type: str
    status: str
    reason: str
    message: str = ""


def worst(results: Iterable[Result]) -> Result | None:
    """Give the result that says most about why a group is not ready, or None when it is.

    What is merely on its way out keeps nothing from being ready.
    """
    troubled = [
        result
        for result in results
        if result.health.status != "ready" and not (result.surplus and result.health.status == "pending")
    ]
    return min(troubled, key=_rank, default=None)


def _rank(result: Result) -> tuple[bool, bool, bool, bool]:
    health = result.health
    return (
        not health.stalled,
        health.status != "failed",
        health.reason.startswith(_DULL),
        bool(health.waits_for),
    )


def component_verdicts(results: Sequence[Result], notes: Mapping[str, str]) -> list[Verdict]:
    """Sum up each component that is configured. `notes` are messages for components that are ready."""
    verdicts = []
    for component in Component:
        mine = [result for result in results if result.component == component.value]
        if component in OPTIONAL and not any(not result.surplus for result in mine):
            continue
        trouble = worst(mine)
        if trouble is None:
            told = [result.health.message for result in mine if component in OPTIONAL and result.health.message]
            note = notes.get(component.value, "") or "; ".join(told)
            verdicts.append(Verdict(f"{component}Ready", "True", "Available", note))
        else:
            health = trouble.health
            verdicts.append(Verdict(f"{component}Ready", "False", health.reason, health.message or trouble.address))
    return verdicts


def overall_verdicts(results: Sequence[Result], components: Sequence[Verdict], *, busy: bool) -> list[Verdict]:
    """Sum up everything: `Ready`, and `Reconciling` and `Stalled` where they hold.

    `busy`: changes are still to be made or under way. `Reconciling` goes with every `Ready=False` that is not stalled,
    or Argo CD would show Degraded for a moment.
    """
    trouble = worst(results)
    if trouble is None and not busy:
        ready = Verdict("Ready", "True", "Available", "everything that is configured is available")
        leaving = [result for result in results if result.health.status != "ready"]
        if not leaving:
            return [ready]
        names = ", ".join(result.address for result in leaving)
        return [ready, Verdict("Reconciling", "True", "Deleting", f"no longer needed and on the way out: {names}")]
    if trouble is None:
        return [
            Verdict("Ready", "False", "Progressing", "changes are being made"),
            Verdict("Reconciling", "True", "Progressing", "changes are being made"),
        ]
    where = trouble.component or "stack"
    message = f"{where}: {trouble.health.message or trouble.address}"
    verdicts = [Verdict("Ready", "False", trouble.health.reason, message)]
    if trouble.health.stalled:
        return [*verdicts, Verdict("Stalled", "True", trouble.health.reason, message)]
    open_ = ", ".join(verdict.type for verdict in components if verdict.status != "True")
    return [*verdicts, Verdict("Reconciling", "True", trouble.health.reason, f"not ready yet: {open_ or where}")]


def stamp(
    verdicts: Sequence[Verdict], previous: Sequence[Mapping[str, Any]], generation: int, now: str
) -> list[dict[str, Any]]:
    """Turn verdicts into `metav1.Condition`s; the time of a transition stays while the status stays."""
    before = {condition["type"]: condition for condition in previous}
    stamped = []
    for verdict in verdicts:
        old = before.get(verdict.type, {})
        kept = old.get("lastTransitionTime") if old.get("status") == verdict.status else None
        stamped.append(
            {
                "type": verdict.type,
                "status": verdict.status,
                "reason": verdict.reason,
                "message": verdict.message[:_LONGEST],
                "observedGeneration": generation,
                "lastTransitionTime": kept or now,
            }
        )
    return stamped


def transitions(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """List the conditions whose status changed, and `Ready` also when its reason did: each becomes one Event."""
    old = {condition["type"]: condition for condition in before}
    return [
        condition
        for condition in after
        if condition["status"] != old.get(condition["type"], {}).get("status")
        or (condition["type"] == "Ready" and condition["reason"] != old["Ready"]["reason"])
    ]
