"""What the operator remembers of an app between passes. All of it may be lost: AWS's tags are the state."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from missyou_operator.api import AppSpec
from missyou_operator.controller.pace import requeue_after
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.outcome import Outcome, Result
from missyou_operator.engine.plan import Action, ObservedState
from missyou_operator.engine.resource import Observed

T = TypeVar("T")

#: Seconds in which AWS may not yet show what it has just made (EC2 lags by up to 10 s).
LAG = 20.0
#: Seconds in which a full observation is good enough to delete upon. What it could not read is read again in the passes
#: that follow, so that AWS is seen whole in the end even where each observation fails in part.
_WHOLE_FOR = 10.0


class Last(Generic[T]):
    """The last value that was made of some input: it is made again only when the input has changed."""

    def __init__(self) -> None:
        self._last: tuple[Any, T] | None = None

    def get(self, given: Any, make: Callable[[], T]) -> T:
        """Return what `make` returns, or has returned when the same was given."""
        if self._last is None or self._last[0] != given:
            # A copy: what is given may be changed in place.
            self._last = copy.deepcopy(given), make()
        return self._last[1]


@dataclass(slots=True)
class Memory:
    """One app. Times are monotonic seconds.

    `inputs` stands for all that the last pass was asked to make (spec and secrets); `synced` for the inputs that AWS
    once matched entirely, so that a later difference is drift. `since` says when each resource became unsettled for its
    present reason. `full_at` and `full_for`: when everything was observed last, and for which inputs (what is no longer
    desired is read more closely). `doubts`: creations that got no answer, and when. `app` and `graph` are made of the
    spec, and again only when that has changed.
    """

    world: dict[str, tuple[Observed, ...]] | None = None
    inputs: str = ""
    synced: str = ""
    token: str = ""
    full_at: float = float("-inf")
    full_for: str = ""
    wrote_at: float = float("-inf")
    unsettled: frozenset[str] = frozenset()
    deleting: bool = False
    since: dict[tuple[str, str], float] = field(default_factory=dict)
    created: dict[str, tuple[float, Observed]] = field(default_factory=dict)
    doubts: dict[str, float] = field(default_factory=dict)
    app: Last[AppSpec] = field(default_factory=Last)
    graph: Last[Graph] = field(default_factory=Last)

    def with_lag(self, world: ObservedState, now: float) -> dict[str, tuple[Observed, ...]]:
        """Add to a fresh observation what was created so recently that AWS may not show it yet."""
        self.created = {a: made for a, made in self.created.items() if now - made[0] < LAG}
        missing = {address: (made[1],) for address, made in self.created.items() if address not in world}
        return {**world, **missing}

    def trusted(self, now: float) -> bool:
        """Return whether what is remembered is good enough to delete upon.

        It is when AWS was observed as a whole a moment ago, for what is asked for now; and in a deletion, which began
        with that.
        """
        return self.deleting or (now - self.full_at <= _WHOLE_FOR and self.full_for == self.inputs)

    def unanswered(self, now: float) -> frozenset[str]:
        """Return the creations that got no answer, and that AWS may not show yet."""
        self.doubts = {address: at for address, at in self.doubts.items() if now - at < LAG}
        return frozenset(self.doubts)

    def remember(self, outcome: Outcome, unread: Iterable[str], now: float) -> None:
        """Take over what a pass found and did. The types `unread` could not be read, and are read in the next pass."""
        self.world = outcome.world
        for result in outcome.results.values():
            if result.health.unanswered:
                self.doubts[result.address] = self.wrote_at = now
            if result.change is None:
                continue
            self.wrote_at = now
            if result.change.action is Action.CREATE and result.observed is not None:
                self.created[result.address] = (now, result.observed)
            elif result.change.action is Action.REPLACE:
                self.created.pop(result.address, None)
        for address in outcome.delete_attempted:
            self.wrote_at = now
            self.created.pop(address, None)
        open_ = {r.address: r for r in outcome.results.values() if r.health.status != "ready"}
        self.since = {_key(result): self.since.get(_key(result), now) for result in open_.values()}
        self.unsettled = frozenset(unread).union(
            result.type for result in open_.values() if not result.health.waits_for and not result.health.needs_no_read
        )

    def requeue_after(self, results: Iterable[Result], now: float, resync: float) -> float:
        """Return the seconds until the next pass: as soon as a resource asks for it, at the latest the next resync."""
        pauses = [
            requeue_after(result.health, now - self.since.get(_key(result), now))
            for result in results
            if result.health.status != "ready" and not result.health.waits_for
        ]
        due = self.full_at + resync * random.uniform(0.9, 1.0) - now  # noqa: S311 - spreads load
        return max(0.5, min([due, *pauses]))


def _key(result: Result) -> tuple[str, str]:
    """Identify what is unsettled: a service that waits for its image, and then for its tasks, is two things."""
    return result.address, result.health.reason
