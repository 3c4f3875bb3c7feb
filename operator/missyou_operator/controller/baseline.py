"""What AWS matched, so that a difference can be told to be drift, a change of the spec, or a change that AWS ignores.

A difference is drift where the spec asks for the same as when AWS last matched it. What follows from a change of the
spec or from a correction (a new revision, a replacement) asks for something else, so it is not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from missyou_operator.engine.graph import Graph
from missyou_operator.engine.plan import Action, Change, ObservedState, Plan
from missyou_operator.engine.resource import FieldChange, Resource

#: Seconds in which AWS may not yet show what it has just made or changed (EC2 lags by up to 10 s).
LAG = 20.0
#: How often the same change is made before it counts as one that AWS does not take, and the pauses after that.
_TRIES = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 1800.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """A change of ours that no read has shown yet: how often it was made in a row, and when it may be made again."""

    change: Change
    count: int
    at: float
    again_at: float

    @property
    def ignored(self) -> bool:
        """Return whether AWS has accepted it so often without showing it that somebody should know."""
        return self.count >= _TRIES

    def repeats(self, change: Change) -> bool:
        """Return whether a planned change is this one once more, wholly or in part."""
        ours = self.change
        if (change.action, change.id) != (ours.action, ours.id):
            return False
        return not change.fields or bool(set(change.fields) & set(ours.fields))


@dataclass(slots=True)
class Baseline:
    """One stack, as this process knows it.

    `matched`: the desired resources that AWS last matched, by address. `attempts`: changes of ours that no read has
    confirmed yet, by address. `complete`: whether AWS once matched everything.
    """

    matched: dict[str, Resource] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    complete: bool = False

    def assume(self, graph: Graph) -> None:
        """Take it that AWS matched everything that is desired, as the status of another process says."""
        self.matched = {address: compared[2] for address, compared in graph.compared.items()}
        self.complete = True

    def confirm(self, graph: Graph, plan: Plan, world: ObservedState, read: Collection[str]) -> None:
        """Learn from the types that were just `read` what matches now, and which changes have taken effect."""
        differing = {change.address: change for change in plan.changes}
        for resource in graph:
            address, found = resource.address, world.get(resource.address, ())
            if resource.TYPE in read and found and found[0].owned and found[0].state != "deleting":
                desired: Resource = graph.compared[address][2]
                if address not in differing:
                    # What AWS still works on may not show all its fields.
                    if desired.health(found[0]).status != "pending":
                        self.matched[address] = desired
                        self.attempts.pop(address, None)
                elif (attempt := self.attempts.get(address)) and _superseded(attempt, differing[address]):
                    del self.attempts[address]
                    if _aims_elsewhere(attempt.change, differing[address]):
                        # Two steps of ours since AWS last matched: what it matched then says nothing about this one.
                        self.matched.pop(address, None)
        gone = {address for address in (*self.matched, *self.attempts) if address not in graph and address not in world}
        for address in gone:
            if address.partition("/")[0] in read:
                self.matched.pop(address, None)
                self.attempts.pop(address, None)

    def made(self, changes: Iterable[Change], now: float) -> None:
        """Remember the changes that a pass has made."""
        for change in changes:
            last, count = self.attempts.get(change.address), 1
            if last is not None and last.repeats(change):
                # Within the lag, AWS may simply not show it yet.
                count = last.count + (now - last.at >= LAG)
            pause = min(_FIRST_PAUSE * 2.0 ** (count - _TRIES), _LONGEST_PAUSE) if count >= _TRIES else 0.0
            self.attempts[change.address] = Attempt(change, count, now, now + pause)

    def ignored(self) -> tuple[Attempt, ...]:
        """Return the changes that AWS accepts and does not show."""
        return tuple(attempt for _, attempt in sorted(self.attempts.items()) if attempt.ignored)

    def retry(self) -> None:
        """Let everything be made again at once: somebody has changed the spec, or asked for it."""
        self.attempts = {address: replace(attempt, again_at=0.0) for address, attempt in self.attempts.items()}


def same_fields(old: Resource, new: Resource, names: Iterable[str]) -> frozenset[str]:
    """Return the fields, of those named, that a resource asks for as it did before.

    A name that the resource does not have (`DATABASE_URL`) stands for all fields.
    """
    same = {name for name in names if hasattr(new, name) and getattr(old, name, None) == getattr(new, name)}
    if _fields(old) == _fields(new):
        same |= {name for name in names if not hasattr(new, name)}
    return frozenset(same)


def _fields(resource: Resource) -> Mapping[str, Any]:
    return {name: getattr(resource, name) for name in resource.__dataclass_fields__}


def _superseded(attempt: Attempt, change: Change) -> bool:
    """Return whether another difference shows that an attempt has taken effect. What was taken away is not back yet."""
    return attempt.change.action is not Action.REPLACE and not attempt.repeats(change)


def _aims_elsewhere(before: Change, now: Change) -> bool:
    """Return whether a field that was changed is to be changed to something else."""
    aims = {item.field: _aim(item) for item in before.fields}
    return any(_aim(item) != aims.get(item.field, _aim(item)) for item in now.fields)


def _aim(item: FieldChange) -> object:
    return item.hidden[1] if item.hidden else item.after
