"""Which call meets which fault.

This is drawn from the seed, the fault's place, the caller, the operation and how often that caller has made that call:
the same calls meet the same faults again, in whatever order different calls arrive.
"""

from __future__ import annotations

import collections
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from missyou_local.aws.errors import AwsError
from missyou_local.aws.faults import errors
from missyou_local.aws.faults.fault import Fault, Kill, When


@dataclass(slots=True)
class Effect:
    """What is to happen to one call.

    latency: in real seconds. error: the answer, instead of carrying the call out. cut: the connection ends `before` or
    `after` the call takes effect, without an answer. hang: the call takes effect, and the answer never comes.
    ignored: it is answered as if it took effect. names: the faults that the call has met, for the ledger.
    """

    latency: float = 0.0
    error: AwsError | None = None
    cut: When | None = None
    hang: bool = False
    ignored: bool = False
    kill: Kill | None = None
    names: list[str] = field(default_factory=list)

    @property
    def free(self) -> bool:
        """Return whether nothing ends the call so far."""
        return not (self.error or self.cut or self.hang or self.ignored or self.kill)


class Faults:
    """The faults in force, in order. The first that ends a call wins; latencies add up. Safe to use from threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seed = 0
        self._faults: Sequence[Fault] = ()
        self._since = 0.0
        self._counts: collections.Counter[Any] = collections.Counter()

    @property
    def seed(self) -> int:
        """What all draws come from."""
        return self._seed

    def replace(self, faults: Sequence[Fault], seed: int | None = None) -> None:
        """Replace all faults; counts start over."""
        with self._lock:
            self._faults, self._since = tuple(faults), self._clock()
            self._seed = self._seed if seed is None else seed
            self._counts.clear()

    @property
    def in_force(self) -> Sequence[Fault]:
        """The faults, in order."""
        return self._faults

    def as_json(self) -> list[dict[str, Any]]:
        """Return the faults as the control endpoint shows them."""
        return [fault.as_json() for fault in self._faults]

    def draw(self, name: str, caller: str, what: object, nth: int) -> random.Random:
        """Return the generator that decides about a caller's n-th such call."""
        return random.Random(f"{self._seed}/{what}/{caller}/{name}/{nth}")  # noqa: S311  (a repeatable run, no secret)

    def count(self, name: str, caller: str) -> int:
        """Count a caller's call, and return which one of its kind it is."""
        with self._lock:
            self._counts[name, caller] += 1
            return self._counts[name, caller]

    def apply(self, name: str, caller: str, nth: int) -> Effect:
        """Return what happens to a caller's n-th call of a name."""
        effect = Effect()
        for index, fault in enumerate(self._faults):
            if self._in_force(fault) and fault.concerns(name, caller) and self._takes_turn(index, fault):
                draw = self.draw(name, caller, index, nth)
                effect.latency += draw.uniform(*fault.latency)
                if effect.free:
                    _meet(effect, fault, name, draw.random())
        return effect

    def _in_force(self, fault: Fault) -> bool:
        return fault.seconds is None or self._clock() < self._since + fault.seconds

    def _takes_turn(self, index: int, fault: Fault) -> bool:
        if fault.times is None and not fault.skip:
            return True
        with self._lock:
            self._counts[index] += 1
            return fault.skip < self._counts[index] and (
                fault.times is None or self._counts[index] <= fault.skip + fault.times
            )


_CUTS: dict[str, When] = {"reset": "before", "lost": "after"}


def _meet(effect: Effect, fault: Fault, name: str, chance: float) -> None:
    kind = fault.always or _drawn(fault, chance)
    if kind in errors.MESSAGES:
        effect.error = errors.error(kind, name.partition(":")[0])
    elif kind:
        effect.cut, effect.hang, effect.ignored = _CUTS.get(kind), kind == "hang", kind == "ignored"
    elif fault.kill:
        kind, effect.kill = f"killed {fault.kill.when}", fault.kill
    elif fault.fail:
        kind, effect.error = "fail", fault.fail
    if kind:
        effect.names.append(kind)


def _drawn(fault: Fault, chance: float) -> str:
    """Return the kind that a draw from 0 to 1 hits, "" for none."""
    for kind, probability in fault.chances.items():
        if chance < probability:
            return kind
        chance -= probability
    return ""
