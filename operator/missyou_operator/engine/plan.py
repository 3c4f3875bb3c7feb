"""Observations and a desired graph in, a plan out: plain data that can be printed, hashed, approved and executed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from missyou_operator.engine.effects import UNFELT, Effect, Risk
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.resource import FieldChange, Observed, Resource
from missyou_operator.engine.values import UNKNOWN, UNREAD, Ref

#: Everything found that belongs to a stack, by address. Several of one address are duplicates: the first is kept.
ObservedState = Mapping[str, tuple[Observed, ...]]


class Action(StrEnum):
    """What a change does to a resource."""

    CREATE = "Create"
    UPDATE = "Update"
    REPLACE = "Replace"
    DELETE = "Delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One change to one resource. `id` is set for what exists; `destroys` says in words what data would be lost.

    `incarnation` is set where data would be lost: see `Resource.incarnation`. `effect` is what it means to the app.
    """

    action: Action
    address: str
    component: str = ""
    id: str = ""
    fields: tuple[FieldChange, ...] = ()
    destroys: str = ""
    incarnation: str = ""
    effect: Effect = field(default=UNFELT, compare=False)

    @property
    def risk(self) -> Risk:
        """How far it reaches."""
        if self.destroys:
            return Risk.DATA_LOSS
        if self.action is Action.CREATE:
            return Risk.CREATE
        if self.action is Action.REPLACE:
            return Risk.REPLACE
        return Risk.RESTART if self.effect.restarts else Risk.IN_PLACE

    @property
    def type(self) -> str:
        """The type of the resource."""
        return self.address.partition("/")[0]

    def shown(self) -> Change:
        """Copy without what nobody may see."""
        return replace(self, fields=tuple(replace(item, hidden=None) for item in self.fields))

    @property
    def digest(self) -> str:
        """Hex digits that stand for exactly this change of exactly this incarnation.

        Hidden values are not part of it: whoever knows the rest could try out what gives the digest. Nor is its effect,
        which follows from the rest.
        """
        parts = {name: value for name, value in asdict(self.shown()).items() if name != "effect"}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes that would make everything as desired, creations and updates in order, deletions last."""

    changes: tuple[Change, ...] = ()

    @property
    def digest(self) -> str:
        """Text that stands for exactly these changes, and not for the same ones of what later bears the same name."""
        return " ".join(change.digest for change in self.changes)

    def destructive(self) -> Plan:
        """Return only what would destroy data."""
        return Plan(tuple(change for change in self.changes if change.destroys))

    def of(self, *actions: Action) -> tuple[Change, ...]:
        """Return the changes of some kinds of action."""
        return tuple(change for change in self.changes if change.action in actions)


def make_plan(graph: Graph, world: ObservedState) -> Plan:
    """Compare a desired graph with what exists. Pure: the same input gives the same plan.

    What bears one of our names but is owned elsewhere is not in any plan; executing reports it.
    """
    changes: list[Change] = []
    known: dict[Ref, Any] = {}
    for resource in graph.edges.order:
        found = world.get(resource.address, ())
        observed = found[0] if found else None
        _, change = compare(graph, resource, observed, known)
        if change is not None:
            changes.append(change)
        if observed is not None and (change is None or change.action is Action.UPDATE):
            known |= references(graph, resource, observed, change)
    return Plan(tuple(changes) + tuple(_deletions(graph, world)))


def compare(
    graph: Graph, resource: Resource, observed: Observed | None, known: Mapping[Ref, Any]
) -> tuple[Resource, Change | None]:
    """Return a resource with the references that are known resolved, and the change that it needs.

    While neither the observation nor a value that it refers to has changed, the last answer is still right.
    """
    values = tuple(known.get(ref, UNKNOWN) for ref in graph.edges.refs[resource.address])
    last = graph.compared.get(resource.address)
    if last is not None and last[0] is observed and last[1] == values:
        return last[2], last[3]
    unread = UNREAD in values
    desired = resource.resolved({ref: known[ref] for ref in known if known[ref] is not UNREAD} if unread else known)
    change = None if observed is not None and (unread or observed.unread) else plan_one(desired, observed)
    graph.compared[resource.address] = observed, values, desired, change
    return desired, change


def plan_one(desired: Resource, observed: Observed | None) -> Change | None:
    """Compare one resource, its references resolved as far as they are known."""
    if desired.EXTERNAL or (observed is not None and not observed.owned):
        return None
    if observed is None:
        return creation(desired)
    if observed.state == "deleting" or desired.disputed(observed):
        return None
    fields = tuple(change for change in desired.diff(observed) if not desired.ignores(change.field))
    if not fields:
        return None
    if desired.FORCES_REPLACEMENT.intersection(change.field for change in fields):
        lost = desired.holds_data(observed) if desired.destroys_data(fields) else ""
        what = (Action.REPLACE, desired.address, desired.component, observed.id, fields)
        return Change(*what, lost, _which(observed, lost), desired.EFFECTS.of_replacement)
    effect = desired.EFFECTS.of_update((change.field for change in fields), desired.case(observed))
    return Change(Action.UPDATE, desired.address, desired.component, observed.id, fields, effect=effect)


def creation(desired: Resource) -> Change:
    """Return the change that creates a resource."""
    return Change(Action.CREATE, desired.address, desired.component, effect=desired.EFFECTS.create)


def references(graph: Graph, resource: Resource, observed: Observed, change: Change | None = None) -> dict[Ref, Any]:
    """Return the values of the references to a resource, except those that the coming change is going to alter.

    Other tags alter nothing that could be referred to. What is not read yet of a resource that is there is UNREAD.
    """
    if observed.unread:
        return {ref: observed.attrs.get(ref.attr, UNREAD) for ref in graph.edges.refs_to[resource.address]}
    moving = {field.field for field in change.fields} if change else set()
    if moving - {"tags"}:
        moving |= resource.CHANGES_ON_UPDATE
    return {
        ref: observed.attrs[ref.attr]
        for ref in graph.edges.refs_to[resource.address]
        if observed.attrs.get(ref.attr) is not None and ref.attr not in moving
    }


def undeletable(observed: Observed, graph: Graph) -> bool:
    """Return whether something lacks our tags and must not be deleted: it may be another, or one that is needed."""
    if not observed.lost:
        return False
    return bool(observed.owner) or observed.kind.IDENTITY == "name" or observed.address in graph


def _deletions(graph: Graph, world: ObservedState) -> Iterable[Change]:
    for address, found in world.items():
        if address in graph.ignored:
            continue
        surplus = found[1:] if address in graph or address in graph.kept else found
        for observed in surplus:
            kept = observed.kind.EXTERNAL or observed.kind.RETAINED or undeletable(observed, graph)
            if observed.owned and not kept:
                lost = observed.kind.holds_data(observed)
                what = (Action.DELETE, address, observed.component, observed.id, ())
                yield Change(*what, lost, _which(observed, lost), observed.kind.EFFECTS.delete)


def _which(observed: Observed, lost: str) -> str:
    return observed.kind.incarnation(observed) if lost else ""
