"""The annotations by which people and GitOps tools ask for something that is not part of the spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_operator.api.kind import GROUP, KIND

#: Any new value: observe AWS in full now.
RECONCILE = f"{GROUP}/reconcile"
#: The ID of a plan: carry it out.
APPROVE = f"{GROUP}/approve"
#: Any new value: take a snapshot of the database, named by the value.
SNAPSHOT = f"{GROUP}/snapshot"
#: Any new value: give the database another password.
ROTATE_PASSWORD = f"{GROUP}/rotate-database-password"
#: The app's own name: delete it, although it is a production app whose stack holds data.
CONFIRM_DELETION = f"{GROUP}/confirm-deletion"
#: "true": take over the stack that an app of the same namespace and name has left, in this cluster or in another.
TAKE_OVER = f"{GROUP}/take-over"
#: Where the stack lives. The operator writes it, beside the status.
PLACE = f"{GROUP}/place"
#: A change of any of them starts a pass at once.
REQUESTS = (RECONCILE, APPROVE, SNAPSHOT, ROTATE_PASSWORD, CONFIRM_DELETION, TAKE_OVER)


def annotation(body: Mapping[str, Any], name: str) -> str:
    """Return the value of an annotation of a whole MissYouApp object, "" where it has none."""
    return str((body["metadata"].get("annotations") or {}).get(name, ""))


def patch_command(body: Mapping[str, Any], patch: str) -> str:
    """Return the kubectl command that applies a merge patch, given as JSON."""
    meta = body["metadata"]
    return f"kubectl patch {KIND.lower()} {meta['name']} -n {meta['namespace']} --type merge -p '{patch}'"


def approve_command(body: Mapping[str, Any], plan_id: str) -> str:
    """Return the kubectl command that approves a plan."""
    return _annotate(body, APPROVE, plan_id)


def reconcile_command(body: Mapping[str, Any]) -> str:
    """Return the kubectl command that asks for a pass at once."""
    return _annotate(body, RECONCILE, '"$(date +%s)"')


def confirm_command(body: Mapping[str, Any]) -> str:
    """Return the kubectl command that confirms a deletion."""
    return _annotate(body, CONFIRM_DELETION, body["metadata"]["name"])


def take_over_command(body: Mapping[str, Any]) -> str:
    """Return the kubectl command that takes a stack over."""
    return _annotate(body, TAKE_OVER, "true")


def _annotate(body: Mapping[str, Any], name: str, value: str) -> str:
    meta = body["metadata"]
    return f"kubectl annotate {KIND.lower()} {meta['name']} -n {meta['namespace']} --overwrite {name}={value}"
