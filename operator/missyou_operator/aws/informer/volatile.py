"""What AWS counts on by itself, and nothing here reads: it must not make a read look different. Pure."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from copy import copy
from typing import Any

#: Members of answers, by the API references of RDS, ECR, Secrets Manager, IAM and CloudWatch. `ResponseMetadata` is
#: botocore's.
_VOLATILE = frozenset(
    {
        "LastAccessedDate",
        "LatestRestorableTime",
        "ResponseMetadata",
        "RoleLastUsed",
        "StateReason",
        "StateReasonData",
        "StateTransitionedTimestamp",
        "StateUpdatedTimestamp",
        "lastEvaluatedAt",
        "lastRecordedPullTime",
    }
)


def steady(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row, or an answer, without what is volatile in it and in its lists; itself if there is nothing."""
    kept = {key: _steady(value) for key, value in row.items() if key not in _VOLATILE}
    same = len(kept) == len(row) and all(value is row[key] for key, value in kept.items())
    return row if same else _like(row, kept)


def _steady(value: Any) -> Any:
    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        return value
    rows = [steady(each) for each in value]
    return value if all(map(operator.is_, rows, value)) else rows


def _like(row: Mapping[str, Any], members: dict[str, Any]) -> Mapping[str, Any]:
    """Return members in the class of a row, which may know more than they."""
    copied = copy(row)
    for key in [key for key in row if key not in members]:
        del copied[key]  # type: ignore[attr-defined]
    copied.update(members)  # type: ignore[attr-defined]
    return copied
