"""What a suspended app says of itself: what waits, how to go on, and how it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_operator.api.conditions import Reason
from missyou_operator.api.kind import KIND
from missyou_operator.api.status import Condition

_RESUME = """'{"spec":{"suspend":false}}'"""
#: What comes before the last words of `Ready`: they are carried along from message to message.
_BEFORE = ". Before that: "


def suspension(body: Mapping[str, Any], last: Condition | None) -> str:
    """Return the message of `Ready` while `spec.suspend` is true. `last` is the `Ready` of the pass before."""
    told = ""
    if last:
        again = last.reason == Reason.SUSPENDED
        told = last.message.partition(_BEFORE)[2] if again else f"{last.reason}: {last.message}"
    meta = body["metadata"]
    waits = "changes of the spec wait" if told else "the creation waits"
    if meta.get("deletionTimestamp"):
        waits = "the deletion waits"
    command = f"kubectl patch {KIND.lower()} {meta['name']} -n {meta['namespace']} --type merge -p {_RESUME}"
    message = f"spec.suspend is true: nothing is observed or changed, and {waits}. To go on: {command}"
    return f"{message}{_BEFORE}{told}" if told else message
