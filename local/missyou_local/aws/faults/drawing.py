"""Which rule strikes which call.

Whether one does is drawn from the seed, the rule's place, the caller, the operation and how often that caller has made
that call: the same calls meet the same fate again, in whatever order different calls arrive.
"""

from __future__ import annotations

import collections
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from missyou_local.aws.errors import AwsError
from missyou_local.aws.faults import errors as faults
from missyou_local.aws.faults.fault import Kill, Rule, When


@dataclass(slots=True)
class Fate:
    """What is to happen to one call.

    latency in real seconds. error: answered instead of carrying the call out. cut: the connection ends `before` the
    call takes effect or `after`, without an answer. hang: it takes effect, and the answer never comes. `told` names,
    for the ledger, what has happened.
    """

    latency: float = 0.0
    error: AwsError | None = None
    cut: When | None = None
    hang: bool = False
    kill: Kill | None = None
    told: list[str] = field(default_factory=list)

    @property
    def free(self) -> bool:
        """Tell whether nothing has been decided yet that ends the call."""
        return not (self.error or self.cut or self.hang or self.kill)


class Rules:
    """The rules in force, in order; the first that ends a call wins, latencies add up. Safe to use from threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seed = 0
        self._rules: Sequence[Rule] = ()
        self._since = 0.0
        self._counts: collections.Counter[Any] = collections.Counter()

    @property
    def seed(self) -> int:
        """What all draws come from."""
        return self._seed

    def replace(self, rules: Sequence[Rule], seed: int | None = None) -> None:
        """Put these in place of all former ones; all counts start over."""
        with self._lock:
            self._rules, self._since = tuple(rules), self._clock()
            self._seed = self._seed if seed is None else seed
            self._counts.clear()

    @property
    def in_force(self) -> Sequence[Rule]:
        """The rules, in order."""
        return self._rules

    def as_json(self) -> list[dict[str, Any]]:
        """Return the rules as the control endpoint shows them."""
        return [rule.as_json() for rule in self._rules]

    def draw(self, name: str, caller: str, what: object, nth: int) -> random.Random:
        """Return the generator from which the fate of a caller's n-th such call is drawn."""
        return random.Random(f"{self._seed}/{what}/{caller}/{name}/{nth}")  # noqa: S311  (a repeatable run, no secret)

    def count(self, name: str, caller: str) -> int:
        """Count a caller's call, and return which one of its kind it is."""
        with self._lock:
            self._counts[name, caller] += 1
            return self._counts[name, caller]

    def apply(self, name: str, caller: str, nth: int) -> Fate:
        """Return what shall happen to a caller's n-th call of a name."""
        fate = Fate()
        for index, rule in enumerate(self._rules):
            if self._in_force(rule) and rule.concerns(name, caller) and self._takes_turn(index, rule):
                draw = self.draw(name, caller, index, nth)
                fate.latency += draw.uniform(*rule.latency)
                if fate.free:
                    _strike(fate, rule, name, draw.random())
        return fate

    def denies(self, name: str) -> bool:
        """Tell whether a rule denies the operation."""
        return any(rule.outright == "deny" and rule.concerns(name, "*") for rule in self._rules)

    def _in_force(self, rule: Rule) -> bool:
        return rule.seconds is None or self._clock() < self._since + rule.seconds

    def _takes_turn(self, index: int, rule: Rule) -> bool:
        if rule.times is None and not rule.skip:
            return True
        with self._lock:
            self._counts[index] += 1
            return rule.skip < self._counts[index] and (
                rule.times is None or self._counts[index] <= rule.skip + rule.times
            )


_ANSWERS = {
    "throttle": faults.throttled,
    "broken": faults.broken,
    "down": faults.down,
    "expired": faults.expired,
    "deny": faults.denied,
}
"""Faults that are answers -> the error, by service."""
_CUTS: dict[str, When] = {"reset": "before", "lost": "after"}


def _strike(fate: Fate, rule: Rule, name: str, chance: float) -> None:
    struck = rule.outright or _drawn(rule, chance)
    if struck in _ANSWERS:
        fate.error = _ANSWERS[struck](name.partition(":")[0])
    elif struck:
        fate.cut, fate.hang = _CUTS.get(struck), struck == "hang"
    elif rule.kill:
        struck, fate.kill = f"killed {rule.kill.when}", rule.kill
    elif rule.fail:
        struck, fate.error = "fail", rule.fail
    if struck:
        fate.told.append(struck)


def _drawn(rule: Rule, chance: float) -> str:
    """Return the fault that a draw from 0 to 1 hits, "" for none."""
    for fault, probability in rule.chances.items():
        if chance < probability:
            return fault
        chance -= probability
    return ""
