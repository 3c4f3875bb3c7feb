"""The Events that transitions of conditions post: of which type, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Reasons that a person should see although the stack may go on by itself.
_NOTEWORTHY = frozenset(
    {
        "ImageNotFound",
        "SecretNotFound",
        "SecretForbidden",
        "SnapshotNotFound",
        "TasksFailing",
        "Drifted",
        "ApprovalRequired",
    }
)


def kind(condition: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    """Give the type of an Event: a warning for what needs a person, and for nothing that merely takes time."""
    stalled = any(other["type"] == "Stalled" for other in status["conditions"])
    bad = condition["type"] == "Stalled" or (condition["status"] == "False" and stalled)
    return "Warning" if bad or condition["reason"] in _NOTEWORTHY else "Normal"


def text(condition: Mapping[str, Any]) -> str:
    """Give the message of an Event, at most 1,000 characters: Kubernetes takes 1,024."""
    return f"{condition['type']} is {condition['status']}: {condition['message'] or condition['reason']}"[:1000]
