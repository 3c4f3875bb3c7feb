"""Delete what is there and no longer desired, in an order that the cloud accepts.

The same code takes one superfluous gateway away and tears a whole stack down: an empty graph desires nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from missyou_operator.engine import schedule
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.outcome import Outcome, Result, Runtime
from missyou_operator.engine.plan import Action, Plan
from missyou_operator.engine.resource import Health, Observed, pending
from missyou_operator.engine.values import strings_in

#: What is deleted, by its address and its ID: of one address there may be several.
_Key = tuple[str, str]


def prune(graph: Graph, outcome: Outcome, plan: Plan, runtime: Runtime, held: Mapping[str, Health]) -> None:
    """Carry out the deletions of a plan that can be carried out now. Each that succeeds may free others."""
    run = _Pruning(graph, outcome, plan, runtime, held)
    needs = {key: [other for other in run.left if run.holds(other, key)] for key in run.left}
    schedule.run(needs, runtime.pool, run.start, run.settle)
    for key in [key for key in run.left if key not in run.tried]:
        run.report(key, run.obstacle(key) or pending("Deleting", "is deleted next"))


class _Pruning:
    """The deletions of one execution: `left` are those that are not complete, `tried` those of this pass."""

    def __init__(
        self, graph: Graph, outcome: Outcome, plan: Plan, runtime: Runtime, held: Mapping[str, Health]
    ) -> None:
        self.graph, self.outcome, self.runtime, self.held = graph, outcome, runtime, held
        self.changes = {(c.address, c.id): c for c in plan.of(Action.DELETE)}
        self.left = {
            (address, observed.id): observed
            for address, found in outcome.world.items()
            for observed in found
            if (address, observed.id) in self.changes
        }
        self.tried: set[_Key] = set()
        self._mentioned: dict[_Key, set[str]] = {}

    def holds(self, other: _Key, key: _Key) -> bool:
        """Return whether one deletion has to be complete before another can be tried."""
        last_of_its_type = self.left[other].kind.TYPE in self.left[key].kind.DELETE_AFTER
        return last_of_its_type or (other != key and self._uses(self.left[other], self.left[key]))

    def start(self, key: _Key) -> Callable[[], Health] | bool:
        """Return the deletion, or False where something holds it up."""
        if self.obstacle(key) is not None:
            return False
        self.tried.add(key)
        self.outcome.delete_attempted.add(key[0])
        return partial(self._delete, self.left[key])

    def settle(self, key: _Key, health: Health) -> bool:
        """Report on a deletion, and return whether it is complete."""
        self.report(key, health)
        if health.status != "ready":
            return False
        observed = self.left.pop(key)
        if remaining := tuple(o for o in self.outcome.world[key[0]] if o.id != observed.id):
            self.outcome.world[key[0]] = remaining
        else:
            del self.outcome.world[key[0]]
        return True

    def obstacle(self, key: _Key) -> Health | None:
        """Return why one deletion cannot be tried now."""
        observed = self.left[key]
        if observed.address in self.held:
            return self.held[observed.address]
        if self.runtime.stopped():
            return pending("Interrupted", "the pass was asked to stop before this deletion", 1.0)
        for other_key, other in self.left.items():
            if self.holds(other_key, key):
                return _after(other, f"{observed.name} waits until {other.address} ({other.id}) is gone")
        for other in self._staying():
            if self._uses(other, observed):
                return _after(other, f"{observed.name} waits until {other.address} no longer uses it")
        if self.changes[key].destroys and any(r.health.status != "ready" for r in self.outcome.results.values()):
            return pending("Deleting", f"{observed.name} holds data: it waits until all else is ready")
        return None

    def report(self, key: _Key, health: Health) -> None:
        """Keep the result of one deletion."""
        gone = health.status == "ready"
        observed, change = self.left[key], self.changes[key] if gone else None
        # A surplus twin is reported beside the resource that stays.
        address = key[0] if key[0] not in self.graph else f"{key[0]} ({observed.id})"
        self.outcome.results[address] = Result(
            address, observed.component, health, None if gone else observed, change, shown=not gone, surplus=True
        )

    def _staying(self) -> Iterator[Observed]:
        for address, found in self.outcome.world.items():
            if address in self.graph:
                yield from (observed for observed in found if (address, observed.id) not in self.left)

    def _uses(self, user: Observed, used: Observed) -> bool:
        """Return whether one resource refers to another: whether its ID or ARN stands among the user's attributes."""
        key = (user.address, user.id)
        if key not in self._mentioned:
            others = {name: value for name, value in user.attrs.items() if name not in {"id", "arn"}}
            self._mentioned[key] = set(strings_in(others))
        return not self._mentioned[key].isdisjoint({used.id, used.attrs.get("arn", used.id)})

    def _delete(self, observed: Observed) -> Health:
        try:
            return observed.kind.delete(self.runtime.cloud, observed)
        except Exception as error:  # one deletion that fails never stops the others
            return self.runtime.refusal(observed.address, error)


def _after(other: Observed, message: str) -> Health:
    return Health("pending", "Deleting", message, waits_for=other.address)
