"""How long a plan takes: the longest chain of changes that wait for each other. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from missyou_operator.engine.graph import Graph
from missyou_operator.engine.plan import Action, ObservedState, Plan
from missyou_operator.engine.resource import Resource


def expected_seconds(plan: Plan, graph: Graph, world: ObservedState) -> int:
    """Return the seconds until a plan is usually carried out.

    What does not depend on each other is made at the same time, and so are deletions. A resource that is not changed
    takes no time, and still stands between those that are.
    """
    times = {change.address: change.effect.seconds for change in plan.changes if change.action is not Action.DELETE}
    ends: dict[str, int] = {}
    for resource in graph.edges.order:
        begins = max((ends[need] for need in graph.edges.dependencies[resource.address]), default=0)
        ends[resource.address] = begins + times.get(resource.address, 0)
    longest = max((ends[address] for address in times if address in ends), default=0)
    return max(longest, _deletions(plan, world))


def _deletions(plan: Plan, world: ObservedState) -> int:
    kinds = {change.type: world[change.address][0].kind for change in plan.of(Action.DELETE)}
    times = {type_: max(c.effect.seconds for c in plan.of(Action.DELETE) if c.type == type_) for type_ in kinds}
    return max((_end(type_, kinds, times) for type_ in kinds), default=0)


def _end(type_: str, kinds: Mapping[str, type[Resource]], times: Mapping[str, int]) -> int:
    first = [need for need in kinds[type_].DELETE_AFTER if need in kinds]
    return times[type_] + max((_end(need, kinds, times) for need in first), default=0)


def duration(seconds: int) -> str:
    """Return a duration as a person says it, rounded: seconds below a minute and a half, then minutes."""
    if seconds < 90:
        return f"about {seconds} seconds"
    return f"about {round(seconds / 60)} minutes"
