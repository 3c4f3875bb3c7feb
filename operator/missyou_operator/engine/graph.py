"""The desired graph: resources, and the edges that their references are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeVar

from missyou_operator.engine.resource import Resource
from missyou_operator.engine.values import Ref

R = TypeVar("R", bound=Resource)


@dataclass(frozen=True, slots=True)
class Edges:
    """What follows from a graph: computed once, for it does not change.

    `refs`: the references that each address makes. `refs_to`: the references that others make to it. `dependencies`:
    the addresses that it refers to. `order`: the resources, each after all that it refers to.
    """

    refs: Mapping[str, tuple[Ref, ...]]
    refs_to: Mapping[str, frozenset[Ref]]
    dependencies: Mapping[str, frozenset[str]]
    order: tuple[Resource, ...]


class Graph:
    """Desired resources by address, in the order in which they were added.

    A duplicate address, a reference to nothing and a cycle are mistakes of the program that built it: ValueError.
    """

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._resources: dict[str, Resource] = {}
        #: The addresses of what exists, or is not quite what was asked for, only because something that runs needs it.
        self.kept: frozenset[str] = frozenset()
        #: The addresses of what is neither desired nor deleted: it may be there, and it may be missing.
        self.ignored: frozenset[str] = frozenset()
        #: The graph with what is ignored, None where nothing is.
        self.whole: Graph | None = None
        self._edges: Edges | None = None
        #: By address, what `plan.compare` last compared, and what came of it.
        self.compared: dict[str, tuple[Any, tuple[Any, ...], Resource, Any]] = {}
        for resource in resources:
            self.add(resource)

    def add(self, resource: R) -> R:
        """Add one resource and return it, for others to refer to."""
        if resource.address in self._resources:
            raise ValueError(f"{resource.address} is declared twice")
        self._resources[resource.address] = resource
        self._edges = None
        return resource

    def keep(self, addresses: Iterable[str]) -> None:
        """Note what is there only because something that runs still needs it. It is not deleted, desired or not."""
        self.kept |= frozenset(addresses)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._resources.values())

    def __len__(self) -> int:
        return len(self._resources)

    def __contains__(self, address: str) -> bool:
        return address in self._resources

    def __getitem__(self, address: str) -> Resource:
        return self._resources[address]

    @property
    def edges(self) -> Edges:
        """Return what follows from the graph as it is now."""
        if self._edges is None:
            self._edges = self._derive()
        return self._edges

    def _derive(self) -> Edges:
        refs = {resource.address: resource.refs() for resource in self}
        refs_to: dict[str, set[Ref]] = {address: set() for address in refs}
        for address, made in refs.items():
            for ref in made:
                if ref.address not in refs_to:
                    raise ValueError(f"{address} refers to {ref.address}, which is not declared")
                refs_to[ref.address].add(ref)
        dependencies = {address: frozenset(ref.address for ref in made) for address, made in refs.items()}
        try:
            order = tuple(self._resources[address] for address in TopologicalSorter(dependencies).static_order())
        except CycleError as error:
            raise ValueError("references go round in a circle: " + " -> ".join(error.args[1])) from None
        return Edges(refs, {address: frozenset(found) for address, found in refs_to.items()}, dependencies, order)
