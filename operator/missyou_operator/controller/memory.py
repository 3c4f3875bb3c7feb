"""What the operator remembers of an app between passes. All of it may be lost: AWS's tags are the state."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from missyou_operator.controller.pace import requeue_after
from missyou_operator.engine.outcome import Outcome, Result
from missyou_operator.engine.plan import Action, ObservedState, Plan
from missyou_operator.engine.resource import Health, Observed, pending

#: Seconds in which AWS may not yet show what it has just made (EC2 lags by up to 10 s).
LAG = 20.0
#: Seconds in which a full look is good enough to delete upon. What it could not read is read again in the passes that
#: follow, so that AWS is seen whole in the end even where each look fails in part.
_WHOLE_FOR = 10.0


@dataclass(slots=True)
class Memory:
    """One app. Times are monotonic seconds.

    `inputs` stands for all that the last pass was asked to make (spec and secrets); `synced` for the inputs that AWS
    once matched entirely, so that a later difference is drift. `since` says when each resource became unsettled for the
    reason that it is. `full_at` and `full_for`: when all was looked at last, and for which inputs (what is wanted no
    more is looked into more closely). `doubts`: creations that got no answer, and when.
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

    def with_lag(self, world: ObservedState, now: float) -> dict[str, tuple[Observed, ...]]:
        """Add to a fresh look what was created so recently that AWS may not show it yet."""
        self.created = {a: made for a, made in self.created.items() if now - made[0] < LAG}
        missing = {address: (made[1],) for address, made in self.created.items() if address not in world}
        return {**world, **missing}

    def seen_whole(self, now: float) -> bool:
        """Tell whether AWS was looked at as a whole a moment ago, for what is asked for now."""
        return now - self.full_at <= _WHOLE_FOR and self.full_for == self.inputs

    def doubtful(self, plan: Plan, now: float) -> dict[str, Health]:
        """Hold back, until AWS must show it, what may have been created by a call that got no answer."""
        self.doubts = {address: at for address, at in self.doubts.items() if now - at < LAG}
        wait = pending("Settling", "no answer came to its creation: AWS may show it in some seconds", 10.0)
        return {change.address: wait for change in plan.of(Action.CREATE) if change.address in self.doubts}

    def remember(self, outcome: Outcome, unread: Iterable[str], now: float) -> None:
        """Take over what a pass knows and did; the types `unread` could not be read, and are tried next."""
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
        self.since = {_matter(result): self.since.get(_matter(result), now) for result in open_.values()}
        self.unsettled = frozenset(unread).union(
            result.address.partition("/")[0]
            for result in open_.values()
            if not result.health.waits_for and not result.health.needs_no_read
        )

    def requeue_after(self, results: Iterable[Result], now: float, resync: float) -> float:
        """Seconds until the next pass: the soonest that any resource asks for, and the next resync at the latest."""
        pauses = [
            requeue_after(result.health, now - self.since.get(_matter(result), now))
            for result in results
            if result.health.status != "ready" and not result.health.waits_for
        ]
        due = self.full_at + resync * random.uniform(0.9, 1.0) - now  # noqa: S311 - spreads load
        return max(0.5, min([due, *pauses]))


def _matter(result: Result) -> tuple[str, str]:
    """Name what is unsettled: a service that waits for its image, and then for its tasks, are two matters."""
    return result.address, result.health.reason
