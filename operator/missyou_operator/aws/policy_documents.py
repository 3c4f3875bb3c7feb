"""Policy documents, compared by meaning: IAM may reorder lists and unwrap those of one element."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from missyou_operator.engine.resource import FieldChange


def decoded(document: Any) -> Any:
    """Return a document of IAM's, which sends quoted JSON: botocore has decoded it unless the page was large."""
    return json.loads(unquote(document)) if isinstance(document, str) else document


def normalised(document: Any) -> Any:
    """Return a document in canonical form: lists sorted, single-element lists unwrapped. Equal forms mean the same."""
    if isinstance(document, Mapping):
        return {key: normalised(document[key]) for key in sorted(document)}
    if isinstance(document, (list, tuple)):
        items = sorted(map(normalised, document), key=repr)
        return items[0] if len(items) == 1 else tuple(items)
    return document


def as_policy(desired: Any, observed: Any) -> bool:
    """Return whether two documents mean the same."""
    return bool(normalised(desired) == normalised(observed))


def readable(change: FieldChange, before: Any, after: Any, *more: str) -> FieldChange:
    """Describe a change by the rights it adds and removes (`more` of these), instead of printing two documents."""
    had, has = grants(before), grants(after)
    return replace(
        change,
        before="; ".join([*sorted(had - has), *more]) or "(nothing more)",
        after="; ".join(sorted(has - had)) or "(nothing more)",
    )


def grants(document: Any) -> frozenset[str]:
    """Return a document as one sentence per action, for a person who reads what changes.

    `Allow ecr:BatchGetImage on arn:…`; a condition is appended as JSON. None grants nothing.
    """
    return frozenset(
        f"{statement.get('Effect')} {action} {_whom(statement)}{_condition(statement)}"
        for statement in _items(normalised(document or {}).get("Statement"))
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
    """Return a document as JSON, for the call that sends it."""
    return json.dumps(document, sort_keys=True)
