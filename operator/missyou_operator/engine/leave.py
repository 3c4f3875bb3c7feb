"""Differences that are left as they are: the graph of what is desired, less what may differ. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from missyou_operator.engine.graph import Graph
from missyou_operator.engine.plan import Change, ObservedState, make_plan
from missyou_operator.engine.resource import EVERYTHING, Resource
from missyou_operator.engine.values import UNKNOWN, Ref

#: The fields that may differ, by the address of their resource; none for a resource that may differ as a whole.
Ignored = Mapping[str, frozenset[str]]


def leave(graph: Graph, world: ObservedState, ignored: Ignored) -> Graph:
    """Return the graph in which the ignored differences are no differences.

    A field is desired as it was found. What is missing as a whole is not created, unless something else refers to it,
    and what is there beyond the graph stays.
    """
    if not ignored:
        return graph
    resources = {resource.address: _left(resource, world, ignored) for resource in graph}
    for address in _needless(resources, world, ignored):
        del resources[address]
    aim = Graph(replace(each, after=_present(each.after, resources)) for each in resources.values())
    aim.keep(graph.kept)
    aim.ignored = frozenset(address for address in ignored if address not in aim)
    aim.whole = graph
    return aim


def left_alone(graph: Graph, world: ObservedState, ignored: Ignored) -> tuple[Change, ...]:
    """Return what would be changed, were it not ignored: a spec that asks for it has no effect.

    `graph`: as `leave` returned it. Without what only follows from another change, and is not known before.
    """
    if graph.whole is None:
        return ()
    found: list[Change] = []
    for change in make_plan(graph.whole, world).changes:
        names = ignored.get(change.address)
        if names is None:
            continue
        fields = tuple(
            item
            for item in change.shown().fields
            if item.field != "tags" and item.after != repr(UNKNOWN) and (not names or item.field in names)
        )
        if fields or not change.fields:
            found.append(replace(change, fields=fields))
    return tuple(found)


def _left(resource: Resource, world: ObservedState, ignored: Ignored) -> Resource:
    """Return a resource whose ignored fields are as they were found."""
    names, found = ignored.get(resource.address), world.get(resource.address, ())
    if names is None or not found or not found[0].owned:
        return resource
    attrs, left = found[0].attrs, names or resource.COMPARED.keys()
    values = {name: attrs[name] for name in left & resource.__dataclass_fields__.keys() & attrs.keys()}
    return replace(resource, **values, ignored=names or EVERYTHING)


def _needless(resources: Mapping[str, Resource], world: ObservedState, ignored: Ignored) -> frozenset[str]:
    """Return the addresses of what is ignored, does not exist, and that nothing else needs."""
    needless = {
        address
        for address, names in ignored.items()
        if address in resources and not names and not any(row.owned for row in world.get(address, ()))
    }
    while needed := needless.intersection(
        ref.address
        for address, resource in resources.items()
        if address not in needless
        for ref in replace(resource, after=()).refs()
    ):
        needless -= needed
    return frozenset(needless)


def _present(after: tuple[Ref, ...], resources: Mapping[str, Resource]) -> tuple[Ref, ...]:
    return tuple(ref for ref in after if ref.address in resources)
