"""The reads of one account and region, shared by all stacks there."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from missyou_operator.aws.clock import seconds
from missyou_operator.aws.informer.following import Followers, Uses
from missyou_operator.aws.informer.gathering import Gathering
from missyou_operator.aws.informer.rhythm import ONCE, Freshness, Rhythm
from missyou_operator.aws.informer.shares import Row, Shares, Source, packed
from missyou_operator.aws.informer.turns import Turns
from missyou_operator.aws.informer.volatile import steady
from missyou_operator.aws.pages import Page
from missyou_operator.engine.packing import Packed

T = TypeVar("T")
#: Makes a read again unless it is good enough by then.
Again = Callable[[Freshness], object]

#: Large pages of a batch that are remembered: those of some thousand stacks.
_PAGES = 64
#: Seconds from which on nobody waits for a list that is read again: those of a thousand stacks have hundreds of pages.
_LONG = 1.0
#: Seconds after which a read that nobody uses is forgotten, and a stack that nobody looks at; and between two searches.
_UNUSED, _GONE, _SWEEP = 1800.0, 900.0, 300.0


@dataclass(slots=True)
class Read:
    """What a read has returned. `group`: the batch that it is part of, or "".

    `began` and `used`: monotonic seconds. `took`: how many it took.
    """

    key: str
    began: float
    content: Any
    version: int
    rhythm: Rhythm
    again: Again
    used: float
    group: str = ""
    took: float = 0.0

    @property
    def is_long(self) -> bool:
        """Whether nobody should wait for it to be made again who need not."""
        return self.took >= _LONG

    @property
    def value(self) -> Any:
        """What it has returned: a copy, of what is kept packed."""
        return self.content.unpack() if isinstance(self.content, Packed) else self.content


@dataclass(frozen=True, slots=True)
class Making:
    """How reads are made: `fetch` returns what is kept of some keys, at least, and `again` makes one again later."""

    fetch: Callable[[Sequence[str]], Mapping[str, Any]]
    again: Callable[[str], Again]
    rhythm: Rhythm
    group: str = ""


class Inventory:
    """See the package. A read that began at the moment which a caller names, or later, serves it: also one under way.

    Thread-safe. Reads that fail are not remembered.
    """

    def __init__(self, clock: Callable[[], float] = seconds) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reads: dict[str, Read] = {}
        #: The keys of each batch, in the order in which they were read last.
        self._groups: dict[str, dict[str, None]] = {}
        self._running: dict[str, tuple[float, Future[Read]]] = {}
        self._versions = itertools.count(1)
        #: The large pages of each batch, by their content, the latest last.
        self.pages: dict[str, Mapping[bytes, Page]] = {}
        self._stacks: dict[str, float] = {}
        self.followers = Followers()
        #: The keys of each batch that stacks have asked for before their turn.
        self._awaited: dict[str, dict[str, None]] = {}
        self.turns = Turns()
        self._gatherings: dict[str, Gathering] = {}
        self._swept = clock()

    def get(self, key: str, fetch: Callable[[], T], since: float) -> T:
        """Return the result of `fetch`, called now or in a call that began at `since` (monotonic seconds) or later."""
        value: T = self.reads({key: since}, Making(lambda _: {key: fetch()}, lambda _: _never, ONCE))[key].value
        return value

    def read(self, key: str, fetch: Callable[[], Any], since: float, rhythm: Rhythm) -> Read:
        """Return such a read itself. It can be made again, so `fetch` is kept."""
        return self._read(key, lambda: packed(key, steady(fetch())), since, rhythm)

    def _read(
        self, key: str, fetch: Callable[[], Any], since: float, rhythm: Rhythm, meanwhile: float = float("inf")
    ) -> Read:
        def again(freshness: Freshness) -> object:
            return self._read(key, fetch, freshness.since(rhythm, key), rhythm, freshness.meanwhile(rhythm))

        making = Making(lambda _: {key: fetch()}, lambda _: again, rhythm)
        return self.reads({key: since}, making, meanwhile)[key]

    def listed(
        self, source: Source, fetch: Callable[[], Sequence[Row]], since: float, meanwhile: float = float("inf")
    ) -> Read:
        """Return the read of a source. Its value are `Shares`. `meanwhile`: see `reads`."""

        def split() -> Shares:
            before = self._reads.get(source.key)
            return Shares(source, fetch, before.content if before else None)

        return self._read(source.key, split, since, source.rhythm, meanwhile)

    def reads(self, since: Mapping[str, float], making: Making, meanwhile: float = float("inf")) -> dict[str, Read]:
        """Return several reads by their keys, each of which began at its moment or later.

        Those that nobody has made, or is making, since then are made together. While somebody makes one that takes
        long, the last one serves, too, if it began at `meanwhile` or later.
        """
        found: dict[str, Read] = {}
        theirs: dict[str, Future[Read]] = {}
        mine: dict[str, Future[Read]] = {}
        now = self._clock()
        with self._lock:
            for key, moment in since.items():
                read, running = self._reads.get(key), self._running.get(key)
                waits = read is not None and running is not None and read.is_long
                if read is not None and read.began >= (min(moment, meanwhile) if waits else moment):
                    read.used, found[key] = now, read
                elif running is not None and running[0] >= moment:
                    theirs[key] = running[1]
                else:
                    mine[key] = Future()
                    self._running[key] = (now, mine[key])
        if mine:
            # What was taken along is not what was asked for.
            made = self._make(mine, making, now)
            found |= {key: made[key] for key in mine}
        return found | {key: future.result() for key, future in theirs.items()}

    def _make(self, mine: Mapping[str, Future[Read]], making: Making, began: float) -> dict[str, Read]:
        try:
            values = making.fetch([*mine])
        except BaseException as error:
            with self._lock:
                self._end(mine)
            for future in mine.values():
                future.set_exception(error)
            raise
        made, moved, took = {}, set(), self._clock() - began
        with self._lock:
            for key, value in values.items():
                before = self._reads.get(key)
                # What was only taken along counts as used when it was.
                used = began if key in mine or before is None else before.used
                version, again = next(self._versions), making.again(key)
                read = Read(key, began, value, version, making.rhythm, again, used, making.group, took)
                made[key] = self._kept(read)
                # What is a stack's own, only that stack reads, and what was not there before, nobody has used.
                shared = before is not None and (making.group or isinstance(value, Shares))
                if shared and made[key].version == version:
                    moved.add(key)
            self._end(mine)
        for key, future in mine.items():
            future.set_result(made[key])
        self.followers.tell(moved, self.stamp)
        return made

    def _end(self, mine: Mapping[str, Future[Read]]) -> None:
        for key, future in mine.items():
            if self._running.get(key, (0.0, None))[1] is future:
                del self._running[key]

    def _kept(self, read: Read) -> Read:
        """Remember a read. If it says what the one before said, it has its version.

        The new one is kept all the same: it has the pages that the next is compared with.
        """
        before = self._reads.get(read.key)
        if isinstance(read.content, Shares):
            read.content.stamp_all(before.content if before is not None else None, read.version)
        if before is not None:
            if before.began > read.began:
                # A later one was quicker.
                return read
            if _same(before.content, read.content):
                read.version = before.version
        self._reads[read.key] = read
        if read.group:
            group = self._groups.setdefault(read.group, {})
            group.pop(read.key, None)
            group[read.key] = None
            self._awaited.get(read.group, {}).pop(read.key, None)
        return read

    def put(self, key: str, value: Any) -> None:
        """Remember what was read elsewhere just now in place of what the read of a key returned."""
        with self._lock:
            if (read := self._reads.get(key)) is not None and read.value != value:
                read.content, read.version, read.began = packed(key, value), next(self._versions), self._clock()

    def wait_for(self, group: str, keys: Iterable[str]) -> None:
        """Have reads of a batch made along with the next one of it: it is not yet the turn of who wants them."""
        with self._lock:
            self._awaited.setdefault(group, {}).update(dict.fromkeys(keys))

    def forget(self, group: str, keys: Sequence[str]) -> None:
        """Forget reads of a batch: whoever needs one makes it anew."""
        with self._lock:
            for key in keys:
                self._awaited.get(group, {}).pop(key, None)
                self._drop(key)

    def stamp(self, key: str, owner: str) -> Hashable:
        """Return what differs as soon as a read has another value; None if it is not remembered.

        Of a source: as soon as an owner's share is another one.
        """
        read = self._reads.get(key)
        if read is None:
            return None
        return read.content.stamp(owner) if owner and isinstance(read.content, Shares) else read.version

    def due(self, keys: Sequence[str], freshness: Freshness) -> list[Again]:
        """Return what makes those reads again that are no longer good enough."""
        found: list[Again] = []
        for key in keys:
            if (read := self._reads.get(key)) is not None:
                read.used = freshness.now
                if read.began < freshness.since(read.rhythm, key):
                    found.append(read.again)
        return found

    def outdated(self, uses: Uses, moment: Callable[[Rhythm], float]) -> bool:
        """Return whether one of the reads that were used is another one by now, or began before its rhythm's moment."""
        reads = ((self._reads.get(key), self.stamp(key, owner) == known) for (key, owner), known in uses.items())
        return any(read is None or not same or read.began < moment(read.rhythm) for read, same in reads)

    def oldest(self, group: str, before: float, most: int) -> list[str]:
        """Return the keys of up to `most` reads of a batch that are waited for, or that began before a moment."""
        with self._lock:
            awaited = [key for key in self._awaited.get(group, ()) if key not in self._running]
            return list(itertools.islice(itertools.chain(awaited, self._before(group, before)), most))

    def fellows(self, group: str, key: str) -> list[str]:
        """Return the keys of a batch that were read in one call with a key, if it was read."""
        with self._lock:
            read = self._reads.get(key)
            return [each for each in self._groups.get(group, ()) if read and self._reads[each].began == read.began]

    def remember_pages(self, group: str, pages: Mapping[bytes, Page]) -> None:
        """Remember the pages of a call of a batch, and of calls before: those that came last."""
        with self._lock:
            before = [each for each in self.pages.get(group, {}).items() if each[0] not in pages]
            self.pages[group] = dict([*before, *pages.items()][-_PAGES:])

    def _before(self, group: str, moment: float) -> Iterator[str]:
        for key in self._groups.get(group, ()):
            if self._reads[key].began >= moment:
                return
            yield key

    def stacks(self, uid: str, look: float = 0.0) -> int:
        """Return how many stacks share these reads, that of `uid` among them. `look`: seconds between two looks."""
        now = self._clock()
        with self._lock:
            self._stacks[uid] = now
            if now - self._swept >= _SWEEP:
                self._sweep(now, 2 * look)
            return len(self._stacks)

    def kept(self, key: str) -> Read | None:
        """Return the read that is remembered of a key, which is then in use."""
        if (read := self._reads.get(key)) is not None:
            read.used = self._clock()
        return read

    def has(self, since: Mapping[str, float]) -> bool:
        """Return whether all reads are there by their keys, each begun at its moment or later."""
        return all((read := self._reads.get(key)) is not None and read.began >= since[key] for key in since)

    def gathering(self, key: str, most: int) -> Gathering:
        """Return what gathers the calls that ask for some rows of a list alone, by the key of its read."""
        return self._gatherings.setdefault(key, Gathering(most))

    def _sweep(self, now: float, least: float) -> None:
        """Forget what nobody has used for long. `least`: seconds, however little is long."""
        self._swept = now
        self._stacks = {uid: at for uid, at in self._stacks.items() if now - at < max(_GONE, least)}
        self.followers.keep(self._stacks)
        for key in [key for key, read in self._reads.items() if now - read.used >= max(_UNUSED, least)]:
            self._drop(key)

    def _drop(self, key: str) -> None:
        read = self._reads.pop(key, None)
        if read is not None and read.group:
            self._groups[read.group].pop(key, None)


def _never(_: Freshness) -> None:
    """Do not read again what nobody looks at."""


def _same(before: Any, now: Any) -> bool:
    if isinstance(before, Shares) and isinstance(now, Shares):
        return now.same_as(before)
    return bool(before == now)
