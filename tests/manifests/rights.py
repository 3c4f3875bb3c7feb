"""The shipped roles of the operator, taken apart into single rights, and put together again without one of them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from missyou_local import cluster

ACCOUNT, HOME = "missyou-operator", "missyou-system"
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one resource, by one role (as `ClusterRole "x"`).

    `name` where it is for certain objects only: that of the first.
    """

    role: str
    verb: str
    resource: str
    name: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.verb, self.resource, self.name) if part)


def bindings(objects: Iterable[Item]) -> list[Item]:
    """Give the bindings that name the operator's ServiceAccount."""
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": HOME}
    return [item for item in objects if subject in item.get("subjects", ())]


def roles(objects: Iterable[Item]) -> list[Item]:
    """Give the roles that are bound to the operator's ServiceAccount."""
    objects = list(objects)
    bound = {(each["roleRef"]["kind"], each["roleRef"]["name"]) for each in bindings(objects)}
    return [item for item in objects if (item["kind"], item["metadata"]["name"]) in bound]


def rights(objects: Iterable[Item]) -> list[Right]:
    """List what the operator's ServiceAccount may do."""
    return [
        Right(f'{role["kind"]} "{role["metadata"]["name"]}"', verb, resource, name)
        for role in roles(objects)
        for rule in role["rules"]
        for verb, resource, name in _taken_apart(rule)
    ]


def _taken_apart(rule: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            plural, _, sub = resource.partition("/")
            whole = ".".join(part for part in (plural, group) if part) + (f"/{sub}" if sub else "")
            for verb in rule["verbs"]:
                yield verb, whole, rule.get("resourceNames", [""])[0]


def further_names(objects: Iterable[Item]) -> set[str]:
    """Give the names of objects that a right is for beside the first."""
    return {name for role in roles(objects) for rule in role["rules"] for name in rule.get("resourceNames", ())[1:]}


def shipped() -> list[Item]:
    """Read the manifests that give the operator its rights."""
    return cluster.documents(cluster.RIGHTS)


def without(right: Right, home: str) -> list[Item]:
    """Give the objects of an operator that lives in the namespace `home`, serves it, and has all rights but one.

    What belongs to no namespace gets the namespace's name, so that several such operators fit into one cluster.
    """

    def at_home(item: Item) -> Item:
        meta = item["metadata"]
        place = {"namespace": home} if "namespace" in meta else {"name": _name(item["kind"], meta["name"], home)}
        return {**copy.deepcopy(item), "metadata": {**meta, **place}}

    made: list[Item] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home}}]
    made += [at_home(item) for item in shipped() if item["kind"] == "ServiceAccount"]
    for role in roles(shipped()):
        item = at_home(role)
        if f'{role["kind"]} "{role["metadata"]["name"]}"' == right.role:
            item["rules"] = [_lessened(rule, right) for rule in item["rules"]]
        made.append(item)
    for binding in bindings(shipped()):
        item = at_home(binding)
        item["roleRef"]["name"] = _name(item["roleRef"]["kind"], item["roleRef"]["name"], home)
        item["subjects"] = [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": home}]
        made.append(item)
    return made


def _name(kind: str, name: str, home: str) -> str:
    return f"{home}-{name}" if kind.startswith("Cluster") else name


def _lessened(rule: Mapping[str, Any], right: Right) -> Item:
    """Take the verb out of a rule that holds the right."""
    if (right.verb, right.resource, right.name) not in _taken_apart(rule):
        return dict(rule)
    # A rule must have a verb: this one is nobody's.
    return {**rule, "verbs": [verb for verb in rule["verbs"] if verb != right.verb] or ["none"]}
