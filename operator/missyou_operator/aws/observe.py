"""One observation of AWS: all requested types, independent ones read concurrently."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from missyou_operator.aws.cloud import Cloud, Reader
from missyou_operator.aws.registry import KINDS
from missyou_operator.engine import schedule
from missyou_operator.engine.outcome import Runtime
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.resource import Health, Observed, Resource

Rows = Sequence[Observed]


@dataclass(frozen=True, slots=True)
class Observations:
    """The resources that exist, and the types that could not be read, each with the reason."""

    world: ObservedState
    unreadable: Mapping[str, Health] = field(default_factory=dict)


def observe(  # noqa: PLR0913 - an observation has that many inputs
    cloud: Cloud,
    runtime: Runtime,
    *,
    desired_names: Mapping[str, Sequence[str]],
    since: float,
    slow_since: float | None = None,
    previous: ObservedState | None = None,
    only: frozenset[str] | None = None,
) -> Observations:
    """Read the types in `only` (all of them if None); for the others, `previous` still counts.

    `since` (monotonic seconds) is how old a read shared with other stacks may be, `slow_since` how old one of what
    hardly ever changes. `desired_names` lists the desired resources of each type that is read by name.
    """
    kinds = {kind.TYPE: kind for kind in KINDS if only is None or kind.TYPE in only}
    found: dict[str, Rows] = {}
    for observed in chain.from_iterable((previous or {}).values()):
        if observed.kind.TYPE not in kinds:
            found[observed.kind.TYPE] = (*found.get(observed.kind.TYPE, ()), observed)
    run = _Observation(Reader(cloud, found, since, desired_names, slow_since), found, runtime, kinds)
    needs = {type_: [need for need in kind.READ_AFTER if need in kinds] for type_, kind in kinds.items()}
    schedule.run(needs, runtime.pool, run.start, run.settle)
    world: dict[str, tuple[Observed, ...]] = {}
    for observed in chain.from_iterable(found.values()):
        world[observed.address] = (*world.get(observed.address, ()), observed)
    return Observations({address: _ours_first(rows) for address, rows in world.items()}, run.unreadable)


class _Observation:
    """One observation under way."""

    def __init__(
        self, reader: Reader, found: dict[str, Rows], runtime: Runtime, kinds: Mapping[str, type[Resource]]
    ) -> None:
        self.reader, self.found, self.runtime, self.kinds = reader, found, runtime, kinds
        self.unreadable: dict[str, Health] = {}

    def start(self, type_: str) -> Callable[[], Rows | Health] | bool:
        """Return the read of a type, unless a type that it depends on could not be read."""
        kind = self.kinds[type_]
        for need in kind.READ_AFTER:
            if need in self.unreadable:
                return self.settle(type_, self.unreadable[need])
        return partial(self._read, kind)

    def settle(self, type_: str, answer: Rows | Health) -> bool:
        """Keep the result of a type. A type that cannot be read never hides the others."""
        if isinstance(answer, Health):
            self.unreadable[type_] = answer
        else:
            self.found[type_] = tuple(answer)
        return True

    def _read(self, kind: type[Resource]) -> Rows | Health:
        try:
            return kind.read(self.reader)
        except Exception as error:  # reported for this type alone
            return self.runtime.classify(error)


def _ours_first(rows: tuple[Observed, ...]) -> tuple[Observed, ...]:
    """Order duplicates so that every pass keeps the same one: ours before foreign, live before deleting, then by ID."""
    return tuple(sorted(rows, key=lambda observed: (not observed.owned, observed.state == "deleting", observed.id)))
