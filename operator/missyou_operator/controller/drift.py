"""Drift: what was changed outside, and its entries in `status.drift`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from missyou_operator.api.conditions import ConditionType, Reason
from missyou_operator.aws.clock import utc_now
from missyou_operator.aws.registry import KINDS
from missyou_operator.controller.memory import Memory
from missyou_operator.engine.outcome import Outcome
from missyou_operator.engine.plan import Change, Plan

_RETAINED = {kind.TYPE for kind in KINDS if kind.RETAINED}


def without_retained(plan: Plan) -> Plan:
    """Leave out what is created on request: its absence is no difference between AWS and the spec."""
    return Plan(tuple(change for change in plan.changes if change.type not in _RETAINED))


def find_drift(plan: Plan, body: Mapping[str, Any], memory: Memory) -> Sequence[Change]:
    """Return the changes that undo what was changed outside: all, if AWS once matched what is asked for now.

    After a restart of the operator, the status remembers whether it did.
    """
    if memory.synced:
        was_in_sync = memory.synced == memory.inputs
    else:
        generation = body["metadata"]["generation"]
        was_in_sync = any(
            condition["type"] == ConditionType.IN_SYNC
            and condition.get("observedGeneration") == generation
            and (condition["status"] == "True" or condition["reason"] in {Reason.DRIFTED, Reason.ROLLOUT_FAILED})
            for condition in (body.get("status") or {}).get("conditions", ())
        )
    return without_retained(plan).changes if was_in_sync else ()


def drift_entries(
    drift: Sequence[Change], outcome: Outcome, body: Mapping[str, Any], *, reported: bool, blind: bool
) -> list[dict[str, Any]]:
    """Return the entries for `status.drift`: what was found changed outside, and what this pass did about it.

    `reported`: drift is only reported. `blind`: part of AWS could not be read. What could not be read looks as if it
    were gone, and what refers to it as if it had changed, so that only corrections are reported then.
    """
    done = {change.address for change in outcome.done}
    entries = []
    for change in drift:
        action = "Reported" if reported else "Corrected" if change.address in done else "Correcting"
        if (action == "Corrected" or not blind) and _is_news(change, action, body):
            entries.append({"resource": change.address, "fields": _fields(change), "foundAt": _now(), "action": action})
    return entries


def _is_news(change: Change, action: str, body: Mapping[str, Any]) -> bool:
    """Return whether this is not already the latest entry of the resource (a reported drift may stay for days)."""
    entries = (body.get("status") or {}).get("drift", ())
    latest = next((entry for entry in entries if entry["resource"] == change.address), None)
    if latest is None or action == "Corrected":
        return True
    return bool(latest["action"] != action or latest.get("fields", []) != _fields(change))


def _fields(change: Change) -> list[str]:
    return [f"{item.field}: {item.before} -> {item.after}" for item in change.fields]


def _now() -> str:
    return utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")
