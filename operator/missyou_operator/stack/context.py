"""What all modules of the stack build with: the spec, the identity, what the world offers, and the graph that grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from missyou_operator.api import AppSpec, Component
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.engine.graph import Graph


@dataclass(frozen=True, slots=True)
class DomainLookup:
    """The hosted zone that a domain's records go into ("" where there is none), and where the domain is to lead."""

    zone: str = ""
    zone_name: str = ""
    name_servers: tuple[str, ...] = ()
    load_balancer: str = ""


@dataclass(frozen=True, slots=True)
class Lookups:
    """What a stack needs to know of the world besides its spec.

    `zones`: the two availability zones, first "a", then "b". `domain`: of the zone for `spec.domain`.
    `snapshot`: what somebody calls the snapshot that is to be there, "" for none.
    """

    zones: tuple[str, str]
    domain: DomainLookup = field(default_factory=DomainLookup)
    snapshot: str = ""


class Common(TypedDict):
    """The arguments that every resource takes."""

    name: str
    component: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Context:
    """The building site of one stack."""

    app: AppSpec
    stack: StackIdentity
    facts: Lookups
    graph: Graph = field(default_factory=Graph)

    def named(self, component: Component, suffix: str = "", *, full: str = "") -> Common:
        """Give name, component and tags of a resource called `<stack>-<suffix>`, or `full` where names differ."""
        name = full or (f"{self.stack.name}-{suffix}" if suffix else self.stack.name)
        extra = {**self.app.tags, "Environment": str(self.app.environment)}
        return {"name": name, "component": component.value, "tags": self.stack.tags(component.value, name, extra)}
