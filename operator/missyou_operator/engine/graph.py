"""The desired graph: resources, and the edges that their references are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from missyou_operator.engine.resource import Resource
from missyou_operator.engine.values import Ref

R = TypeVar("R", bound=Resource)


class Graph:
    """Desired resources by address, in the order in which they were added.

    A duplicate address, a reference to nothing and a cycle are mistakes of the program that built it: ValueError.
    """

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._resources: dict[str, Resource] = {}
        self._refs: dict[str, set[Ref]] | None = None
        for resource in resources:
            self.add(resource)

    def add(self, resource: R) -> R:
        """Add one resource and give it back, for others to refer to."""
        if resource.address in self._resources:
            raise ValueError(f"{resource.address} is declared twice")
        self._resources[resource.address] = resource
        self._refs = None
        return resource

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._resources.values())

    def __len__(self) -> int:
        return len(self._resources)

    def __contains__(self, address: str) -> bool:
        return address in self._resources

    def __getitem__(self, address: str) -> Resource:
        return self._resources[address]

    def dependencies(self) -> Mapping[str, frozenset[str]]:
        """Map each address to the addresses that it refers to."""
        edges = {r.address: frozenset(ref.address for ref in r.refs()) for r in self}
        for address, targets in edges.items():
            for target in targets - self._resources.keys():
                raise ValueError(f"{address} refers to {target}, which is not declared")
        return edges

    def refs_to(self, address: str) -> frozenset[Ref]:
        """List the references that others make to one resource."""
        if self._refs is None:
            self._refs = {}
            for resource in self:
                for ref in resource.refs():
                    self._refs.setdefault(ref.address, set()).add(ref)
        return frozenset(self._refs.get(address, ()))

    def ordered(self) -> tuple[Resource, ...]:
        """List the resources, each after all that it refers to."""
        try:
            return tuple(self._resources[address] for address in TopologicalSorter(self.dependencies()).static_order())
        except CycleError as error:
            raise ValueError("references go round in a circle: " + " -> ".join(error.args[1])) from None
