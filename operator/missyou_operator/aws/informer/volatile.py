"""What AWS counts on by itself, and nothing here reads: it must not make a read look different. Pure."""

from __future__ import annotations

import operator
from copy import copy
from typing import Any

#: Members of answers, by the API references of EC2, RDS, ECR, Secrets Manager, IAM, CloudWatch and Route 53.
#: `ResponseMetadata` is botocore's.
_VOLATILE = frozenset(
    {
        "AvailableIpAddressCount",
        "LastAccessedDate",
        "LatestRestorableTime",
        "ResourceRecordSetCount",
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
#: Counters of which only matters whether they are zero: the size of a log group.
_ZERO_OR_NOT = frozenset({"storedBytes"})


def steady(value: Any) -> Any:
    """Return rows, or an answer, without what is volatile in them and in their lists; the same if there is nothing."""
    if isinstance(value, list):
        rows = [steady(each) for each in value]
        return value if all(map(operator.is_, rows, value)) else rows
    if not isinstance(value, dict):
        return value
    kept = {key: _member(key, part) for key, part in value.items() if key not in _VOLATILE}
    same = len(kept) == len(value) and all(part is value[key] for key, part in kept.items())
    return value if same else _like(value, kept)


def _member(key: str, part: Any) -> Any:
    if key in _ZERO_OR_NOT:
        return bool(part)
    return steady(part) if isinstance(part, list) else part


def _like(row: dict[str, Any], members: dict[str, Any]) -> dict[str, Any]:
    """Return members in the class of a row, which may know more than they."""
    copied = copy(row)
    copied.clear()
    copied.update(members)
    return copied
