"""Carry out a plan as far as it can be carried out now, everything independent at once, and report on every resource.

Data flows along the references: as soon as what a resource refers to is known and ready, its own change starts. Nothing
waits for the cloud: what takes time is reported as pending, and the next pass goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from missyou_operator.engine.graph import Graph
from missyou_operator.engine.outcome import Outcome, Result, Runtime
from missyou_operator.engine.plan import Action, Change, ObservedState, Plan, plan_one, references
from missyou_operator.engine.prune import Pruning
from missyou_operator.engine.resource import READY, Health, Observed, Resource, pending
from missyou_operator.engine.values import UNKNOWN, Ref


def execute(
    graph: Graph, world: ObservedState, plan: Plan, runtime: Runtime, withheld: Mapping[str, Health] | None = None
) -> Outcome:
    """Carry out `plan`.

    `withheld` maps addresses that must not be changed now (an approval is missing, drift is only reported), or that may
    not be looked at, to the health to report for them.
    """
    run = _Run(graph, plan, runtime, dict(withheld or {}), Outcome(world=dict(world)))
    run.converge()
    Pruning(graph, run.outcome, plan, runtime, run.withheld).run()
    return run.outcome


class _Run:
    """The creations and changes of one execution. All bookkeeping happens on the calling thread."""

    def __init__(
        self, graph: Graph, plan: Plan, runtime: Runtime, withheld: Mapping[str, Health], outcome: Outcome
    ) -> None:
        self.graph, self.runtime, self.withheld, self.outcome = graph, runtime, withheld, outcome
        self.changes = {c.address: c for c in plan.of(Action.CREATE, Action.UPDATE, Action.REPLACE)}
        self.known: dict[Ref, Any] = {}
        self.open = dict(graph.dependencies())
        self.running: dict[Future[Result], Resource] = {}

    def converge(self) -> None:
        """Work through the graph until every resource has a result."""
        while self.open or self.running:
            self._start_what_can_start()
            if not self.running:
                continue
            for future in self.runtime.pool.first(self.running):
                self._settle(self.running.pop(future), future.result())

    def _start_what_can_start(self) -> None:
        for address in [a for a, needs in self.open.items() if needs <= self.outcome.results.keys()]:
            del self.open[address]
            resource = self.graph[address]
            verdict = self._verdict(resource)
            if isinstance(verdict, Health):
                found = self.outcome.world.get(address, ())
                self._settle(resource, self._result(resource, verdict, found[0] if found else None))
            else:
                self.running[self.runtime.pool.submit(self._act, *verdict)] = resource

    def _verdict(self, resource: Resource) -> Health | tuple[Resource, Observed | None, Change]:
        """Decide what happens to one resource now: nothing, for a reason, or an action."""
        found = self.outcome.world.get(resource.address, ())
        observed = found[0] if found else None
        if resource.EXTERNAL:
            return resource.health(observed) if observed else self.withheld.get(resource.address, resource.missing())
        if observed is not None and not observed.owned:
            return Health("failed", "OwnedElsewhere", _owned_elsewhere(resource, observed), 300.0, stalled=True)
        if observed is not None and observed.state == "deleting":
            return pending("Deleting", f"{resource.address} ({observed.id}) is being deleted first")
        wanted = resource.resolved(self.known)
        change = plan_one(wanted, observed)
        if change is None:
            return resource.health(observed) if observed else READY
        if resource.address in self.withheld:
            return self.withheld[resource.address]
        return self._obstacle(resource, wanted, observed, change) or (wanted, observed, change)

    def _obstacle(
        self, resource: Resource, wanted: Resource, observed: Observed | None, change: Change
    ) -> Health | None:
        """Say why a change that is due cannot be made now."""
        for ref in resource.refs():
            target = self.outcome.results[ref.address]
            if self.known.get(ref, UNKNOWN) is UNKNOWN or (ref.ready and target.health.status != "ready"):
                return _waiting(resource, target)
        planned = self.changes.get(resource.address)
        if planned is None or planned.action != change.action or (change.destroys and not planned.destroys):
            return pending("Planning", f"{resource.address} needs a new plan: something changed meanwhile", 1.0)
        if self.runtime.stopped():
            return pending("Interrupted", "the pass was asked to stop before this change", 1.0)
        return wanted.busy(observed) if observed else None

    def _act(self, resource: Resource, observed: Observed | None, change: Change) -> Result:
        cloud = self.runtime.cloud
        try:
            if observed is None:
                after = resource.create(cloud)
            elif change.action is Action.REPLACE:
                gone = type(resource).delete(cloud, observed)
                health = pending(
                    "Replacing", f"{resource.address} is being replaced: {gone.message}", gone.typical_seconds
                )
                return self._result(resource, health, replace(observed, state="deleting"), change)
            else:
                after = resource.update(cloud, observed, frozenset(item.field for item in change.fields))
            return self._result(resource, resource.health(after), after, change)
        except Exception as error:  # every failure becomes the report of one resource, and never stops the others
            return self._result(resource, self.runtime.classify(error), observed)

    def _result(
        self, resource: Resource, health: Health, observed: Observed | None, change: Change | None = None
    ) -> Result:
        shown, aside = not resource.EXTERNAL, resource.RETAINED
        return Result(resource.address, resource.component, health, observed, change, shown=shown, aside=aside)

    def _settle(self, resource: Resource, result: Result) -> None:
        self.outcome.results[resource.address] = result
        if result.observed is None:
            return
        surplus = self.outcome.world.get(resource.address, ())[1:]
        self.outcome.world[resource.address] = (result.observed, *surplus)
        if result.observed.owned and result.observed.state != "deleting":
            stale = self.changes.get(resource.address) if result.change is None else None
            due = stale if stale is not None and result.health.status != "ready" else None
            self.known |= references(self.graph, resource, result.observed, due)


def _waiting(resource: Resource, target: Result) -> Health:
    reason = f"WaitingFor{target.component}" if target.component != resource.component else "Creating"
    why = f": {target.health.message}" if target.health.message else ""
    message = f"{resource.name} waits for {target.address}{why}"
    return Health("pending", reason, message, target.health.typical_seconds, waits_for=target.address)


def _owned_elsewhere(resource: Resource, observed: Observed) -> str:
    owner = observed.owner or "nobody known: it lacks our tags"
    return (
        f"{resource.address} ({observed.id}) exists and belongs to {owner}; it is left alone. "
        "Choose another spec.stackName, or delete or rename what is there"
    )
