"""One look at AWS: all types that are asked for, everything independent read at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from missyou_operator.aws.cloud import Cloud, Reader
from missyou_operator.aws.registry import KINDS
from missyou_operator.engine.outcome import Runtime
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.resource import Health, Observed, Resource


@dataclass(frozen=True, slots=True)
class Observations:
    """What a look found: the world, and the types that could not be read, each with the reason."""

    world: ObservedState
    unreadable: Mapping[str, Health] = field(default_factory=dict)


def observe(  # noqa: PLR0913 - a look has that many sides
    cloud: Cloud,
    runtime: Runtime,
    *,
    wanted: Mapping[str, Sequence[str]],
    since: float,
    slow_since: float | None = None,
    previous: ObservedState | None = None,
    only: frozenset[str] | None = None,
) -> Observations:
    """Read the types in `only` (all of them if None); of the others `previous` still counts.

    `since` (monotonic seconds) is how old a read shared with other stacks may be, `slow_since` one of what hardly
    ever changes; `wanted` names the desired resources per type, for those types that are found by them.
    """
    kinds = {kind.TYPE: kind for kind in KINDS if only is None or kind.TYPE in only}
    found: dict[str, Sequence[Observed]] = {}
    run = _Observation(Reader(cloud, found, since, wanted, slow_since), found, runtime, kinds)
    run.take_over(previous or {})
    run.read()
    world: dict[str, tuple[Observed, ...]] = {}
    for rows in run.found.values():
        for observed in rows:
            world[observed.address] = (*world.get(observed.address, ()), observed)
    return Observations({address: _ours_first(rows) for address, rows in world.items()}, run.unreadable)


class _Observation:
    """One look under way. All bookkeeping happens on the calling thread."""

    def __init__(
        self,
        reader: Reader,
        found: dict[str, Sequence[Observed]],
        runtime: Runtime,
        kinds: Mapping[str, type[Resource]],
    ) -> None:
        self.reader, self.found, self.runtime, self.left = reader, found, runtime, dict(kinds)
        self.unreadable: dict[str, Health] = {}
        self.running: dict[Future[Sequence[Observed]], str] = {}

    def take_over(self, previous: ObservedState) -> None:
        for seen in previous.values():
            for observed in seen:
                if observed.kind.TYPE not in self.left:
                    self.found[observed.kind.TYPE] = (*self.found.get(observed.kind.TYPE, ()), observed)

    def read(self) -> None:
        while self.left or self.running:
            self._start()
            if self.running:
                for future in self.runtime.pool.first(self.running):
                    self._settle(self.running.pop(future), future)

    def _start(self) -> None:
        under_way = {*self.left, *self.running.values()}
        for type_, kind in list(self.left.items()):
            if under_way.intersection(kind.READ_AFTER):
                continue
            del self.left[type_]
            blind = next((self.unreadable[need] for need in kind.READ_AFTER if need in self.unreadable), None)
            if blind is not None:
                self.unreadable[type_] = blind
            else:
                self.running[self.runtime.pool.submit(kind.read, self.reader)] = type_

    def _settle(self, type_: str, future: Future[Sequence[Observed]]) -> None:
        try:
            self.found[type_] = tuple(future.result())
        except Exception as error:  # one type that cannot be read never hides the others
            self.unreadable[type_] = self.runtime.classify(error)


def _ours_first(rows: tuple[Observed, ...]) -> tuple[Observed, ...]:
    """Order twins so that every pass keeps the same one: ours before others', living before dying, then by id."""
    return tuple(sorted(rows, key=lambda observed: (not observed.owned, observed.state == "deleting", observed.id)))
