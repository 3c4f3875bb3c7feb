"""What a suspended app says of itself: what waits, how to go on, and how it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_operator.api.annotations import CONFIRM_DELETION, annotation, confirm_command, patch_command
from missyou_operator.api.conditions import Reason
from missyou_operator.api.status import Condition

_RESUME, _RETAIN = '{"spec":{"suspend":false}}', '{"spec":{"deletionPolicy":"Retain"}}'
#: What comes before the last words of `Ready`: they are carried along from message to message.
_BEFORE = ". Before that: "


def suspension(body: Mapping[str, Any], last: Condition | None) -> str:
    """Return the message of `Ready` while `spec.suspend` is true. `last` is the `Ready` of the pass before."""
    told = ""
    if last:
        again = last.reason == Reason.SUSPENDED
        told = last.message.partition(_BEFORE)[2] if again else f"{last.reason}: {last.message}"
    waits = "changes of the spec wait" if told else "the creation waits"
    deleted = bool(body["metadata"].get("deletionTimestamp"))
    message = f"spec.suspend is true: nothing is observed or changed, and {'the deletion waits' if deleted else waits}"
    message += f". To go on: {patch_command(body, _RESUME)}{_of_deletion(body) if deleted else ''}"
    return f"{message}{_BEFORE}{told}" if told else message


def _of_deletion(body: Mapping[str, Any]) -> str:
    """Return what else a suspended deletion waits for, and the way to end it without deleting the stack."""
    spec, text = body.get("spec") or {}, ""
    production = spec.get("environment", "Production") == "Production"
    if production and annotation(body, CONFIRM_DELETION) != body["metadata"]["name"]:
        text = f". It then asks for a confirmation before it deletes data: {confirm_command(body)}"
    return f"{text}. To end it now and leave the stack in AWS: {patch_command(body, _RETAIN)}"
