"""Carry out a plan as far as it can be carried out now, everything independent at once, and report on every resource.

Data flows along the references: as soon as what a resource refers to is known and ready, its own change starts. Nothing
waits for the cloud: what takes time is reported as pending, and the next pass goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from missyou_operator.engine import schedule
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.outcome import Outcome, Result, Runtime
from missyou_operator.engine.plan import Action, Change, ObservedState, Plan, compare, references, undeletable
from missyou_operator.engine.prune import prune
from missyou_operator.engine.resource import READY, Health, Observed, Resource, pending
from missyou_operator.engine.values import UNKNOWN, Ref


def execute(
    graph: Graph, world: ObservedState, plan: Plan, runtime: Runtime, held: Mapping[str, Health] | None = None
) -> Outcome:
    """Carry out `plan`.

    `held` maps addresses that must not be changed now, or that may not be read, to the health to report for them.
    """
    outcome = Outcome(world=dict(world))
    run = _Execution(graph, plan, runtime, held or {}, outcome)
    schedule.run(graph.edges.dependencies, runtime.pool, run.start, run.settle)
    prune(graph, outcome, plan, runtime, held or {})
    for address in graph.kept - graph.edges.dependencies.keys():
        for observed in outcome.world.get(address, ())[:1]:
            health = Health("ready", message="no longer desired; the running version still uses it")
            outcome.results[address] = Result(address, observed.component, health, observed)
    for observed in [each for found in outcome.world.values() for each in found if each.address not in graph]:
        if undeletable(observed, graph):
            outcome.results[observed.address] = Result(
                observed.address, observed.component, _disputed(observed), observed, surplus=True
            )
    return outcome


class _Execution:
    """The creations and changes of one execution."""

    def __init__(
        self, graph: Graph, plan: Plan, runtime: Runtime, held: Mapping[str, Health], outcome: Outcome
    ) -> None:
        self.graph, self.runtime, self.held, self.outcome = graph, runtime, held, outcome
        self.changes = {c.address: c for c in plan.of(Action.CREATE, Action.UPDATE, Action.REPLACE)}
        self.known: dict[Ref, Any] = {}

    def start(self, address: str) -> Callable[[], Result] | bool:
        """Return the action on one resource; where there is none, report on it."""
        resource = self.graph[address]
        verdict = self._verdict(resource)
        if not isinstance(verdict, Health):
            return partial(self._act, *verdict)
        found = self.outcome.world.get(address, ())
        return self.settle(address, _result(resource, verdict, found[0] if found else None))

    def settle(self, address: str, result: Result) -> bool:
        """Keep a result, and what others refer to of it. Those decide themselves what it means for them."""
        self.outcome.results[address] = result
        if result.observed is None:
            return True
        surplus = self.outcome.world.get(address, ())[1:]
        self.outcome.world[address] = (result.observed, *surplus)
        if result.observed.owned and result.observed.state != "deleting":
            stale = self.changes.get(address) if result.change is None else None
            due = stale if stale is not None and result.health.status != "ready" else None
            self.known |= references(self.graph, self.graph[address], result.observed, due)
        return True

    def _verdict(self, resource: Resource) -> Health | tuple[Resource, Observed | None, Change]:
        """Decide what happens to one resource now: nothing, for a reason, or an action."""
        found = self.outcome.world.get(resource.address, ())
        observed = found[0] if found else None
        if resource.EXTERNAL:
            return _external(resource, observed) if observed else self.held.get(resource.address, resource.missing())
        if observed is not None and not observed.owned:
            return Health("failed", "OwnedElsewhere", _owned_elsewhere(resource, observed), 300.0, stalled=True)
        if observed is not None and observed.state == "deleting":
            return pending("Deleting", f"{resource.address} ({observed.id}) is being deleted first")
        desired, change = compare(self.graph, resource, observed, self.known)
        if change is None:
            return _unchanged(desired, observed)
        if resource.address in self.held:
            return _unmade(desired, observed, self.held[resource.address])
        return self._obstacle(desired, observed, change) or (desired, observed, change)

    def _obstacle(self, desired: Resource, observed: Observed | None, change: Change) -> Health | None:
        """Return why a change that is due cannot be made now."""
        for ref in self.graph.edges.refs[desired.address]:
            target = self.outcome.results[ref.address]
            if self.known.get(ref, UNKNOWN) is UNKNOWN or (ref.ready and target.health.status != "ready"):
                return _waiting(desired, target)
        planned = self.changes.get(desired.address)
        if planned is None or planned.action != change.action or (change.destroys and not planned.destroys):
            return pending("Planning", f"{desired.address} needs a new plan: something changed meanwhile", 1.0)
        if self.runtime.stopped():
            return pending("Interrupted", "the pass was asked to stop before this change", 1.0)
        return desired.busy(observed) if observed else None

    def _act(self, desired: Resource, observed: Observed | None, change: Change) -> Result:
        cloud = self.runtime.cloud
        try:
            if observed is None:
                after = desired.create(cloud)
            elif change.action is Action.REPLACE:
                desired.check_replacement(cloud)
                gone = type(desired).delete(cloud, observed)
                text = f"{desired.address} is being replaced: {gone.message}"
                health = pending("Replacing", text, gone.typical_seconds)
                return _result(desired, health, replace(observed, state="deleting"), change)
            else:
                after = desired.update(cloud, observed, frozenset(item.field for item in change.fields))
            return _result(desired, desired.health(after), after, change)
        except Exception as error:  # every failure becomes the report of one resource, and never stops the others
            health = self.runtime.refusal(desired.address, error)
            if observed is not None and observed.lost and health.stalled:
                health = replace(health, message=f"{health.message}. Or give it back its tags: {observed.lost}")
            return _result(desired, health, observed)


def _result(resource: Resource, health: Health, observed: Observed | None, change: Change | None = None) -> Result:
    shown, counts = not resource.EXTERNAL, not resource.RETAINED
    return Result(resource.address, resource.component, health, observed, change, shown, counts)


def _external(resource: Resource, observed: Observed) -> Health:
    """Return the health of what somebody else owns."""
    return READY if observed.unread else resource.health(observed)


def _unchanged(desired: Resource, observed: Observed | None) -> Health:
    """Return the health of what needs no change, or must not be changed."""
    if observed is None or observed.unread:
        return READY
    return _disputed(observed) if desired.disputed(observed) else desired.health(observed)


def _unmade(desired: Resource, observed: Observed | None, why: Health) -> Health:
    """Return what to report of a change that is held: its reason, unless what is there has a more pressing one."""
    own = desired.health(observed) if observed is not None and why.unmade else READY
    return why if own.status == "ready" else own


def _waiting(resource: Resource, target: Result) -> Health:
    reason = f"WaitingFor{target.component}" if target.component != resource.component else "Creating"
    why = f": {target.health.message}" if target.health.message else ""
    message = f"{resource.name} waits for {target.address}{why}"
    return Health("pending", reason, message, target.health.typical_seconds, waits_for=target.address)


def _disputed(observed: Observed) -> Health:
    """Return what it means that something of ours may have become somebody else's."""
    why = (
        f"but its tags name {observed.owner}"
        if observed.owner
        else "but lacks our tags and is not as it was left: it may be another one of the same name"
    )
    message = (
        f"{observed.address} ({observed.id}) was this stack's, {why}. It is left alone, and nothing is created beside "
        f"it. If it is this stack's, give it back its tags: {observed.lost}"
    )
    return Health("failed", "OwnedElsewhere", message, 300.0, stalled=True)


def _owned_elsewhere(resource: Resource, observed: Observed) -> str:
    owner = observed.owner or "nobody known: it lacks our tags"
    remedy = observed.remedy or resource.IF_TAKEN
    return f"{resource.address} ({observed.id}) exists and belongs to {owner}; it is left alone. {remedy}"
