"""What is checked: the resources that a plan creates."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.api import AppSpec
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.plan import Action, Plan
from missyou_operator.engine.resource import Resource


@dataclass(frozen=True, slots=True)
class Subject:
    """A spec, the graph of what it desires, and the plan to get there."""

    app: AppSpec
    graph: Graph
    plan: Plan

    @property
    def new(self) -> tuple[Resource, ...]:
        """The resources to create."""
        return tuple(self.graph[each.address] for each in self.plan.of(Action.CREATE) if each.address in self.graph)

    @property
    def region(self) -> str:
        """The region of the stack."""
        return self.app.region
