"""Delete what is there and no longer desired, in an order that the cloud accepts.

The same code takes one superfluous gateway away and tears a whole stack down: an empty graph desires nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any

from missyou_operator.engine.graph import Graph
from missyou_operator.engine.outcome import Outcome, Result, Runtime
from missyou_operator.engine.plan import Action, Change, Plan
from missyou_operator.engine.resource import Health, Observed, pending


class Pruning:
    """The deletions of one execution."""

    def __init__(
        self, graph: Graph, outcome: Outcome, plan: Plan, runtime: Runtime, withheld: Mapping[str, Health]
    ) -> None:
        self.graph, self.outcome, self.runtime, self.withheld = graph, outcome, runtime, withheld
        self.changes = {(c.address, c.id): c for c in plan.of(Action.DELETE)}
        self.left = {
            (address, observed.id): observed
            for address, found in outcome.world.items()
            for observed in found
            if (address, observed.id) in self.changes
        }
        self.tried: set[tuple[str, str]] = set()
        self._mentioned: dict[tuple[str, str], set[str]] = {}

    def run(self) -> None:
        """Delete everything that can be deleted now; each deletion that succeeds may free others."""
        running: dict[Future[Health], tuple[str, str]] = {}
        while True:
            for key in [k for k in self.left if k not in self.tried and self._obstacle(k) is None]:
                self.tried.add(key)
                self.outcome.delete_attempted.add(key[0])
                running[self.runtime.pool.submit(self._delete, self.left[key])] = key
            if not running:
                break
            for future in self.runtime.pool.first(running):
                self._settle(running.pop(future), future.result())
        for key in self.left.keys() - self.tried:
            self._report(key, self._obstacle(key) or pending("Deleting", "is deleted next"))

    def _obstacle(self, key: tuple[str, str]) -> Health | None:
        """Say why one deletion cannot be tried now."""
        observed = self.left[key]
        if observed.address in self.withheld:
            return self.withheld[observed.address]
        if self.runtime.stopped():
            return pending("Interrupted", "the pass was asked to stop before this deletion", 1.0)
        for other_key, other in self.left.items():
            if other.kind.TYPE in observed.kind.DELETE_AFTER or (other_key != key and self._uses(other, observed)):
                return _after(other, f"{observed.name} waits until {other.address} ({other.id}) is gone")
        for other in self._staying():
            if self._uses(other, observed):
                return _after(other, f"{observed.name} waits until {other.address} no longer uses it")
        if self.changes[key].destroys and any(r.health.status != "ready" for r in self.outcome.results.values()):
            return pending("Deleting", f"{observed.name} holds data: it waits until all else is ready")
        return None

    def _staying(self) -> Iterator[Observed]:
        for address, found in self.outcome.world.items():
            if address in self.graph:
                yield from (observed for observed in found if (address, observed.id) not in self.left)

    def _uses(self, user: Observed, used: Observed) -> bool:
        """Tell whether one resource refers to another: whether the other's ID or ARN stands among its attributes."""
        key = (user.address, user.id)
        if key not in self._mentioned:
            attrs = user.attrs.items()
            self._mentioned[key] = _all(value for name, value in attrs if name not in {"id", "arn"})
        return not self._mentioned[key].isdisjoint({used.id, used.attrs.get("arn", used.id)})

    def _delete(self, observed: Observed) -> Health:
        try:
            return observed.kind.delete(self.runtime.cloud, observed)
        except Exception as error:  # one deletion that fails never stops the others
            return self.runtime.classify(error)

    def _settle(self, key: tuple[str, str], health: Health) -> None:
        observed = self.left[key]
        self._report(key, health)
        if health.status == "ready":
            del self.left[key]
            remaining = tuple(o for o in self.outcome.world[key[0]] if o.id != observed.id)
            self.outcome.world[key[0]] = remaining
            if not remaining:
                del self.outcome.world[key[0]]

    def _report(self, key: tuple[str, str], health: Health) -> None:
        observed = self.left[key]
        change: Change | None = self.changes[key] if health.status == "ready" else None
        # A surplus twin is reported beside the resource that stays.
        address = key[0] if key[0] not in self.graph else f"{key[0]} ({observed.id})"
        gone = health.status == "ready"
        self.outcome.results[address] = Result(
            address, observed.component, health, None if gone else observed, change, shown=not gone, surplus=True
        )


def _after(other: Observed, message: str) -> Health:
    return Health("pending", "Deleting", message, waits_for=other.address)


def _strings(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, Mapping):
        return _all(value.values())
    if isinstance(value, (tuple, list, set, frozenset)):
        return _all(value)
    return set()


def _all(values: Iterable[Any]) -> set[str]:
    return set().union(*map(_strings, values))
