"""What the operator remembers of an app between passes. All of it may be lost: AWS's tags are the state."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from sys import intern
from typing import Any, Generic, TypeVar

from missyou_operator.api import AppSpec
from missyou_operator.aws.clock import seconds
from missyou_operator.aws.cloud import Known
from missyou_operator.aws.informer import Turn, Uses
from missyou_operator.aws.observe import Observations
from missyou_operator.controller.baseline import LAG, Baseline
from missyou_operator.controller.pace import Bucket, lasting, requeue_after
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.leave import Ignored
from missyou_operator.engine.outcome import Outcome, Result
from missyou_operator.engine.packing import Packed, pack
from missyou_operator.engine.plan import Action, Change, ObservedState
from missyou_operator.engine.resource import Health, Observed
from missyou_operator.events.deeds import Deeds
from missyou_operator.preflight import Finding

T = TypeVar("T")

#: Seconds in which a full observation is good enough to delete upon. What it could not read is read again in the passes
#: that follow, so that AWS is seen whole in the end even where each observation fails in part.
_WHOLE_FOR = 10.0
#: Seconds by which an observation may come early, so that several share a pass.
_TOGETHER = 0.5
#: Seconds between two full observations of a stack that is being made, and how long after its last creation it is one.
#: What it waits for is read at its own pace; what was made minutes ago is not likely to be changed by others.
_BUILDING_RESYNC, _BUILDING = 900.0, 1800.0
#: Full observations that somebody may ask for at once, and the seconds until another one: no read of them is shared.
_REQUESTS, _REQUEST_EVERY = 10, 30.0


class Last(Generic[T]):
    """The last value that was made of some input: it is made again only when the input has changed."""

    def __init__(self) -> None:
        self._last: tuple[Any, T] | None = None

    def get(self, given: Any, make: Callable[[], T]) -> T:
        """Return what `make` returns, or has returned when the same was given."""
        if self._last is None or self._last[0] != given:
            self._last = given, make()
        return self._last[1]


@dataclass(frozen=True, slots=True)
class Preflown:
    """The last preflight: for which generation of the spec, when (monotonic seconds), and what it found.

    `news`: what an Event is to tell; `told`: what the last one told.
    """

    generation: int
    at: float
    problems: Sequence[Finding] = ()
    news: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True)
class Rest:
    """A stack of which nothing is to be done, and what that was found by: while it stays the same, so does the result.

    `asked`: what a pass was asked to make. `uses`: the reads. `until`: monotonic seconds; what depends on the time of
    day is judged anew by then.
    """

    asked: object
    uses: Uses
    until: float


@dataclass(slots=True)
class Memory:
    """One app. Times are monotonic seconds.

    `inputs` stands for all that the last pass was asked to make (spec and secrets). `since` says when each resource
    became unsettled for its present reason. `unsettled`: the types of what is unsettled, and when each is to be
    read again, at its own pace. `unreadable`: the types that could not be read, when that was tried, and why.
    `going`: the deletions under way, by address: when each is to be tried again, and why it is not complete.
    `built_at`: when this process last created something. `arrived`: whether everything was ready once. `full_at`:
    when everything was observed last. `whole_at` and `whole_for`: when that was done by new reads alone, and for
    which inputs (what is no longer desired is read more closely). `read_at`: when each type was last read, and
    `began` when this process first saw the app. `ours_since`: since when no other process can have changed the
    stack. `doubts`: creations that got no answer, and when. `refusals`: changes that AWS refused, why, and when
    they may be tried again. `read_back`: types to read at a time, since a correction has to be seen to last.
    `touched`: types that an event is about, and since when they are to be read. `deeds`: who did what, by such
    events. `uses`: by which reads each type was observed last. `turn`: when a stack that was ready, and is new
    to this process, may be read beyond lists. `rest`: set while nothing is to be done; `asleep` then holds what only a
    pass needs. `stir` has the next pass come at once: what others have read shows a change. `app` and `graph` are
    made of the spec, and again only when that has changed. `known`: the stack's resources by ID, as they were last
    read. `requests` bounds the full observations that somebody asks for, and `owed` says that one of them is still
    to be made. `preflown`: the preflight of a stack that does not exist yet. `left_alone`: the entries of
    `existing.ignoreDifferences` in the last pass, and what they kept from being done.
    """

    world: dict[str, tuple[Observed, ...]] | None = None
    known: Known | None = None
    baseline: Baseline = field(default_factory=Baseline)
    inputs: str = ""
    token: str | None = None
    requests: Bucket = field(default_factory=lambda: Bucket(_REQUESTS, _REQUEST_EVERY))
    owed: bool = False
    full_at: float = float("-inf")
    whole_at: float = float("-inf")
    whole_for: str = ""
    wrote_at: float = float("-inf")
    unsettled: dict[str, float] = field(default_factory=dict)
    unreadable: dict[str, tuple[float, Health]] = field(default_factory=dict)
    going: dict[str, tuple[float, Health]] = field(default_factory=dict)
    built_at: float = float("-inf")
    arrived: bool = False
    touched: dict[str, float] = field(default_factory=dict)
    uses: dict[str, Uses] = field(default_factory=dict)
    turn: Turn | None = None
    rest: Rest | None = None
    asleep: tuple[Packed, ...] | None = None
    deleting: bool = False
    since: dict[tuple[str, str], float] = field(default_factory=dict)
    created: dict[str, tuple[float, Observed]] = field(default_factory=dict)
    read_at: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=seconds)
    ours_since: float = field(default_factory=seconds)
    doubts: dict[str, float] = field(default_factory=dict)
    refusals: dict[str, tuple[float, Health]] = field(default_factory=dict)
    read_back: dict[str, float] = field(default_factory=dict)
    app: Last[AppSpec] = field(default_factory=Last)
    graph: Last[Graph] = field(default_factory=Last)
    preflown: Preflown | None = None
    left_alone: tuple[Ignored, Sequence[Change]] | None = None
    deeds: Deeds = field(default_factory=Deeds)
    stir: Callable[[], None] = lambda: None

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
        return self.deleting or (now - self.whole_at <= _WHOLE_FOR and self.whole_for == self.inputs)

    def unanswered(self, now: float) -> frozenset[str]:
        """Return the creations that got no answer, and that AWS may not show yet."""
        self.doubts = {address: at for address, at in self.doubts.items() if now - at < LAG}
        return frozenset(self.doubts)

    def is_asked(self, token: str, now: float) -> bool:
        """Return whether a full observation is asked for and may be made now; `token` changes with each request.

        Who asks all the time gets one every half minute, so that AWS's limits are left to others, too.
        """
        # The first pass of a process is a full one anyway, and so answers what was asked before.
        asked = self.token not in {None, token} or self.owed
        self.token, self.owed = token, asked and not self.requests.take(now)
        return asked and not self.owed

    def ask_again(self) -> None:
        """Try at once what was refused or ignored: somebody has changed the spec, or asks for a pass."""
        self.refusals.clear()
        self.baseline.retry()

    def backing_off(self, now: float) -> dict[str, Health]:
        """Return the changes that AWS has refused and that are not to be tried again yet, each with the refusal."""
        return {address: health for address, (again_at, health) in self.refusals.items() if now < again_at}

    def sleep(self, rest: Rest) -> None:
        """Rest. What only a pass needs is packed, or made anew by the next one."""
        self.rest = rest
        parts = {"world": self.world, "matched": self.baseline.matched, "uses": self.uses}
        self.asleep = tuple(pack(part, name) for name, part in parts.items()) if self.world is not None else None
        self.world, self.baseline.matched, self.uses, self.graph = None, {}, {}, Last()

    def wake(self) -> None:
        """End the rest, if there is one: a pass is about to be run."""
        self.rest = None
        if self.asleep is not None:
            self.world, self.baseline.matched, self.uses = (part.unpack() for part in self.asleep)
            self.asleep = None

    @property
    def blank(self) -> bool:
        """Whether nothing of the stack has been observed yet."""
        return self.world is None and self.asleep is None

    def forget(self) -> None:
        """Forget what was observed: the stack is to be somewhere else."""
        self.wake()
        self.world, self.known, self.uses = None, {}, {}

    def touch(self, types: Mapping[str, float]) -> None:
        """Have types read afresh by the next pass: by reads that begin at a moment or later. Any thread may call it."""
        # A new dictionary: a pass may be looking at the old one.
        self.touched = {**self.touched, **types}

    def to_read_anew(self, now: float) -> frozenset[str]:
        """Return the types of which no earlier read is good enough."""
        return frozenset(self.touched).union(type_ for type_, at in self.read_back.items() if at <= now)

    def due(self, now: float) -> frozenset[str]:
        """Return the types to read although not everything is due."""
        return self.to_read_anew(now).union(type_ for type_, at in self.unsettled.items() if at <= now + _TOGETHER)

    def look_now(self, types: Iterable[str], now: float) -> None:
        """Have the next pass read some types, and all that is unsettled: somebody waits for it."""
        self.unsettled = dict.fromkeys([*self.unsettled, *types], now)

    def waiting(self, read: Collection[str], now: float) -> dict[str, Health]:
        """Return the deletions under way that are not to be tried again yet: nothing new is known of them.

        What AWS refuses while something else is in the way is not refused less by trying. `read`: the types that this
        pass has read.
        """
        return {
            address: health
            for address, (again_at, health) in self.going.items()
            if again_at > now + _TOGETHER and address.partition("/")[0] not in read
        }

    def resync(self, every: float, now: float) -> float:
        """Return the seconds between two full observations, where a settled stack has one `every` so many."""
        building = not self.arrived and now - self.built_at < _BUILDING
        return max(every, _BUILDING_RESYNC) if building else every

    def has_read(self, types: Iterable[str], now: float) -> None:
        """Remember when types were read."""
        read = frozenset(types)
        for type_ in read:
            self.read_at[type_] = now
            if self.read_back.get(type_, now) <= now:
                self.read_back.pop(type_, None)
        self.touched = {type_: at for type_, at in self.touched.items() if type_ not in read or at > now}

    def still_unreadable(self, observed: Observations, now: float) -> dict[str, Health]:
        """Return the types that could not be read, in this pass or when it was last tried, each with the reason."""
        tried = {type_: (now, health) for type_, health in observed.unreadable.items()}
        before = {type_: was for type_, was in self.unreadable.items() if type_ not in observed.read}
        self.unreadable = before | tried
        return {type_: health for type_, (_, health) in self.unreadable.items()}

    def read_corrections_back(self, corrections: Iterable[Change], now: float) -> None:
        """Have corrections of drift read once AWS must show them: who changed it may have changed it back."""
        self.read_back |= dict.fromkeys((change.type for change in corrections), now + LAG)

    def remember(self, outcome: Outcome, unreadable: Mapping[str, Health], now: float) -> None:
        """Take over what a pass found and did, and what it could not read."""
        self.world = outcome.world
        # What could not be read is still known.
        kept = {type_: ids for type_, ids in (self.known or {}).items() if type_ in unreadable}
        self.known = {**kept, **known_resources(outcome.world)}
        for result in outcome.results.values():
            if result.health.unanswered:
                self.doubts[result.address] = self.wrote_at = now
            if result.change is None:
                continue
            self.wrote_at = now
            if result.change.action is Action.CREATE and result.observed is not None:
                self.created[result.address] = (now, result.observed)
                self.built_at = now
            elif result.change.action is Action.REPLACE:
                self.created.pop(result.address, None)
        for address in outcome.delete_attempted:
            self.wrote_at = now
            self.created.pop(address, None)
        open_ = {r.address: r for r in outcome.results.values() if r.health.status != "ready"}
        keys = [_key(result) for result in open_.values()]
        keys += [(type_, health.reason) for type_, health in unreadable.items()]
        self.since = {key: self.since.get(key, now) for key in keys}
        self._schedule(open_, outcome.delete_attempted, unreadable, now)
        self.arrived = self.arrived or not open_
        self._back_off(open_, now)
        self.baseline.made(outcome.done, now)

    def lasting(self, address: str, health: Health) -> Health:
        """Return what to report of a refusal: one that lasts is called by its name."""
        return lasting(health, seconds() - self.since.get((address, health.reason), seconds()))

    def _schedule(
        self, open_: Mapping[str, Result], tried: Collection[str], unreadable: Mapping[str, Health], now: float
    ) -> None:
        """Set when each unsettled type is read again, and when each deletion that was `tried` is tried again."""
        self.going = {address: going for address, going in self.going.items() if address in open_}
        for address, result in open_.items():
            if result.surplus and address in tried and not result.health.refused:
                pause = requeue_after(result.health, now - self.since[_key(result)])
                self.going[address] = (now + pause, result.health)
        self.unsettled = {type_: self._again_at(type_, health, now) for type_, health in unreadable.items()}
        for result in open_.values():
            if not result.health.waits_for and not result.health.needs_no_read:
                at = self._due_at(result, now)
                self.unsettled[result.type] = min(at, self.unsettled.get(result.type, at))

    def _due_at(self, result: Result, now: float) -> float:
        """Return when something unsettled is worth another look: at its own pace, from the last look at it on.

        What AWS has refused was tried in this pass; what time alone ends is judged in each.
        """
        if result.address in self.going:
            return self.going[result.address][0]
        since = self.since.get(_key(result), now)
        unread = result.health.refused or result.health.needs_no_read
        looked = now if unread else max(since, self.read_at.get(result.type, now))
        return looked + requeue_after(result.health, looked - since)

    def _again_at(self, type_: str, health: Health, now: float) -> float:
        """Return when a type is to be read again that could not be read."""
        tried_at, _ = self.unreadable.get(type_, (now, health))
        return tried_at + requeue_after(health, max(0.0, tried_at - self.since.get((type_, health.reason), tried_at)))

    def _back_off(self, open_: Mapping[str, Result], now: float) -> None:
        """Remember what was refused in this pass."""
        held = self.backing_off(now)
        self.refusals = {address: self.refusals[address] for address in held if address in open_}
        for address, result in open_.items():
            if not result.health.refused or address in held:
                continue
            if result.health.status == "failed":
                pause = requeue_after(result.health, now - self.since[_key(result)])
                self.refusals[address] = (now + pause, result.health)

    def requeue_after(
        self, results: Iterable[Result], unreadable: Mapping[str, Health], now: float, resync: float
    ) -> float:
        """Return the seconds until the next pass: as soon as a resource asks for it, at the latest the next resync."""
        open_ = [r for r in results if r.health.status != "ready" and not r.health.waits_for]
        pauses = [self._due_at(result, now) - now for result in open_]
        pauses += [self._again_at(type_, health, now) - now for type_, health in unreadable.items()]
        pauses += [max(0.0, at - now) for at in self.read_back.values()]
        pauses += [self.requests.wait(now)] if self.owed else []
        due = self.full_at + self.resync(resync, now) * random.uniform(0.9, 1.0) - now  # noqa: S311 - spreads load
        return max(0.5, min([due, *pauses]))


def known_resources(world: ObservedState) -> Known:
    """Return the names of the stack's resources by ID, by type."""
    known: dict[str, dict[str, str]] = {}
    for observed in chain.from_iterable(world.values()):
        if observed.owned and not observed.kind.EXTERNAL:
            known.setdefault(observed.kind.TYPE, {})[intern(observed.id)] = intern(observed.name)
    return known


def _key(result: Result) -> tuple[str, str]:
    """Identify what is unsettled: a service that waits for its image, and then for its tasks, is two things."""
    return result.address, result.health.reason
