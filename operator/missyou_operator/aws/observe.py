"""One observation of AWS: all requested types, independent ones read concurrently."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

from missyou_operator.aws.cloud import Cloud, Known
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.informer import Freshness, Uses
from missyou_operator.aws.reader import PostponedError, Reader
from missyou_operator.aws.registry import KINDS
from missyou_operator.engine import schedule
from missyou_operator.engine.outcome import Runtime
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.resource import Health, Observed, Resource

Rows = Sequence[Observed]


@dataclass(frozen=True, slots=True)
class Observations:
    """The resources that exist, and the types that could not be read, each with the reason.

    `read`: the types that this observation, and the one that it goes on from, have read; `uses`: by which reads. Of an
    unreadable type, `world` shows what was last read; of one that is `postponed` until it is the stack's turn, what was
    there before the start.
    """

    world: ObservedState
    unreadable: Mapping[str, Health] = field(default_factory=dict)
    read: frozenset[str] = frozenset()
    uses: Mapping[str, Uses] = field(default_factory=dict)
    postponed: frozenset[str] = frozenset()


def observe(  # noqa: PLR0913 - an observation has that many inputs
    cloud: Cloud,
    runtime: Runtime,
    *,
    desired_names: Mapping[str, Sequence[str]],
    freshness: Callable[[str], Freshness],
    previous: ObservedState | None = None,
    only: frozenset[str] | None = None,
    begun: bool = False,
    known: Known | None = None,
) -> Observations:
    """Read the types in `only` (all of them if None). For the others, and for what cannot be read, `previous` counts.

    `freshness` returns which reads are good enough for a type. `desired_names` lists the desired resources of each type
    that is read by name. `begun`: parts of the stack may exist, so that it has to be read even while it has no VPC.
    `known` are the stack's resources by their IDs: what of them has lost its tags is found all the same.
    """
    kinds = {kind.TYPE: kind for kind in KINDS if only is None or kind.TYPE in only}
    last: dict[str, Rows] = {}
    for observed in chain.from_iterable((previous or {}).values()):
        last[observed.kind.TYPE] = (*last.get(observed.kind.TYPE, ()), observed)
    found = {type_: rows for type_, rows in last.items() if type_ not in kinds}
    reader = Reader(cloud, found, Freshness(0.0), desired_names, begun=begun, known=known)
    run = _Observation(reader, found, last, runtime, kinds, freshness)
    needs = {type_: [need for need in kind.READ_AFTER if need in kinds] for type_, kind in kinds.items()}
    schedule.run(needs, runtime.pool, run.start, run.settle)
    world: dict[str, tuple[Observed, ...]] = {}
    for observed in _with_their_parents(cloud.stack, list(chain.from_iterable(found.values()))):
        world[observed.address] = (*world.get(observed.address, ()), observed)
    read = frozenset(kinds.keys() - run.unreadable.keys() - run.postponed)
    ordered = {address: _ours_first(rows) for address, rows in world.items()}
    return Observations(ordered, run.unreadable, read, run.uses, frozenset(run.postponed))


class _Observation:
    """One observation under way."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that it works with
        self,
        reader: Reader,
        found: dict[str, Rows],
        last: Mapping[str, Rows],
        runtime: Runtime,
        kinds: Mapping[str, type[Resource]],
        freshness: Callable[[str], Freshness],
    ) -> None:
        self.reader, self.found, self.last, self.runtime, self.kinds = reader, found, last, runtime, kinds
        self.freshness = freshness
        self.unreadable: dict[str, Health] = {}
        self.uses: dict[str, Uses] = {}
        self.postponed: set[str] = set()

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
            self.found[type_] = self.last.get(type_, ())
        else:
            self.found[type_] = tuple(answer)
        return True

    def _read(self, kind: type[Resource]) -> Rows | Health:
        reader = self.reader.noting(self.freshness(kind.TYPE))
        try:
            rows = kind.read(reader)
        except PostponedError:
            self.postponed.add(kind.TYPE)
            self.uses[kind.TYPE] = reader.uses
            # What it has read before tells whether anything is different, all the same.
            rows = reader.as_known(kind)
        except Exception as error:  # reported for this type alone
            return self.runtime.classify(error)
        self.uses[kind.TYPE] = reader.uses
        return rows


def _with_their_parents(stack: StackIdentity, rows: list[Observed]) -> list[Observed]:
    """Dispute the parts (rules, versions, settings) of what was this stack's and bears another owner's tags.

    Parts without tags of their own have the owner of what they are part of.
    """
    parents = {key: row for row in rows if row.lost and row.owner for key in (row.id, row.attrs.get("arn", row.id))}
    if not parents:
        return rows

    def judged(row: Observed) -> Observed:
        if row.lost or not row.owned or stack.owns(row.tags):
            return row
        named = [parents[value] for value in row.attrs.values() if isinstance(value, str) and value in parents]
        return replace(row, lost=named[0].lost, owner=named[0].owner) if named else row

    return [judged(row) for row in rows]


def _ours_first(rows: tuple[Observed, ...]) -> tuple[Observed, ...]:
    """Order duplicates so that every pass keeps the same one: ours before foreign, live before deleting, then by ID."""
    return tuple(sorted(rows, key=lambda observed: (not observed.owned, observed.state == "deleting", observed.id)))
