"""What a failed read says: nothing, while the last good one is only minutes old. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from missyou_operator.api.conditions import Reason
from missyou_operator.controller.memory import Memory
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.outcome import Outcome
from missyou_operator.engine.plan import ObservedState, Plan
from missyou_operator.engine.resource import Health

#: Seconds for which the last good reading speaks for the present. AWS throttles for seconds; an outage lasts longer.
TRUSTED_FOR = 180.0
#: What the operator refused before it read anything: that says nothing of the app once it goes on.
_REFUSALS = frozenset({Reason.NOT_GRANTED, Reason.PLACE_CHANGED})


@dataclass(frozen=True, slots=True)
class Unread:
    """The types that could not be read, each with the reason.

    `recent`: the last good reading still counts. `outdated`: it does no longer. `unseen`: this process has none.
    """

    recent: Mapping[str, Health]
    outdated: Mapping[str, Health]
    unseen: Mapping[str, Health]

    @property
    def unknown(self) -> Mapping[str, Health]:
        """The types whose state is not known."""
        return {**self.outdated, **self.unseen}


def judge(unreadable: Mapping[str, Health], memory: Memory, now: float) -> Unread:
    """Tell how much a failed read matters, type by type. One that the operator itself has put off tells nothing."""
    recent, outdated, unseen = {}, {}, {}
    for type_, health in sorted(unreadable.items()):
        if type_ not in memory.read_at:
            unseen[type_] = health
        elif now - memory.read_at[type_] < TRUSTED_FOR or health.reason == Reason.RATE_LIMITED:
            recent[type_] = health
        else:
            outdated[type_] = health
    return Unread(recent, outdated, unseen)


def is_unsaid(unread: Unread, body: Mapping[str, Any], memory: Memory, now: float) -> bool:
    """Return whether the previous status speaks for what this process has not seen yet."""
    # After a start with a thousand stacks, it takes AWS's limits many minutes to let all of them be read.
    waits = all(health.reason == Reason.RATE_LIMITED for health in unread.unseen.values())
    return bool(unread.unseen) and speaks(body) and (waits or now - memory.began < TRUSTED_FOR)


def speaks(body: Mapping[str, Any]) -> bool:
    """Return whether the previous status is about the present spec, and says how the app is."""
    status = body.get("status") or {}
    conditions = status.get("conditions") or ()
    refused = any(each["type"] == "Stalled" and each["reason"] in _REFUSALS for each in conditions)
    current = status.get("observedGeneration") == body["metadata"]["generation"]
    return bool(conditions) and current and not refused


def settled(body: Mapping[str, Any]) -> bool:
    """Return whether the previous status says that all is as the present spec has it, and nothing is to be done."""
    status = body.get("status") or {}
    held = {each["type"] for each in status.get("conditions") or () if each["status"] == "True"}
    return speaks(body) and "Ready" in held and held.isdisjoint({"Reconciling", "Stalled"}) and not status.get("plan")


def tell_outdated(outcome: Outcome, unread: Unread) -> None:
    """Report on resources whose last good reading is too old by the reason why there is no later one."""
    for address, result in outcome.results.items():
        if (health := unread.outdated.get(result.type)) is not None:
            outcome.results[address] = replace(result, health=replace(health, status="failed"))


def without_unknown(plan: Plan, graph: Graph, world: ObservedState, unread: Unread) -> Plan:
    """Leave out what only looks different: what could not be read, and what refers to it."""
    unknown: set[str] = set()
    for resource in graph.edges.order:
        unseen = resource.TYPE in unread.unseen and resource.address not in world
        if unseen or not graph.edges.dependencies[resource.address].isdisjoint(unknown):
            unknown.add(resource.address)
    return Plan(tuple(c for c in plan.changes if c.address not in unknown and c.type not in unread.unknown))
