"""Policy documents, compared for what they mean: IAM may reorder lists and unwrap those of one element."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def normalised(document: Any) -> Any:
    """Give a document in a form in which two that mean the same are equal: lists sorted, those of one unwrapped."""
    if isinstance(document, Mapping):
        return {key: normalised(value) for key, value in document.items()}
    if isinstance(document, (list, tuple)):
        items = sorted((normalised(item) for item in document), key=lambda item: json.dumps(item, sort_keys=True))
        return items[0] if len(items) == 1 else tuple(items)
    return document


def grants(document: Any) -> frozenset[str]:
    """Give a document as one sentence per action and resource, for a person who asks what changes.

    `Allow ecr:BatchGetImage on arn:…`; a condition is appended as it is written. None grants nothing.
    """
    if document is None:
        return frozenset()
    return frozenset(
        f"{statement.get('Effect')} {action} {_whom(statement)}{_condition(statement)}"
        for statement in _items(document.get("Statement"))
        for action in _items(statement.get("Action", statement.get("NotAction")))
    )


def _whom(statement: Mapping[str, Any]) -> str:
    if "Principal" in statement:
        return f"by {_compact(statement['Principal'])}"
    return f"on {', '.join(map(str, _items(statement.get('Resource', statement.get('NotResource')))))}"


def _condition(statement: Mapping[str, Any]) -> str:
    return f" if {_compact(statement['Condition'])}" if statement.get("Condition") else ""


def _compact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))


def _items(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def json_text(document: Any) -> str:
    """Write a document as JSON, for the call that sends it."""
    return json.dumps(document, sort_keys=True)
