"""The shards that this process works on: it acts for an app only under the lease of the app's shard.

Every replica announces itself by a Lease of its own, reads all Leases with one list every two seconds, takes the shards
that are its share (`sharding.share`) and renews them. Losing one stops the work on that shard's apps, and on no others.

A request knows for which term of which shard it is made by the context variable `acting`, which a pass takes along
into all its threads. `Shards.check` is asked before every request to AWS and every write to Kubernetes.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from missyou_operator.aws.calls import reads
from missyou_operator.aws.clock import seconds, utc_now
from missyou_operator.controller.lease import Candidate, Record
from missyou_operator.controller.sharding import (
    MOST_MEMBERS,
    MOST_SHARDS,
    member_lease,
    shard_lease,
    share,
)

logger = logging.getLogger(__name__)


class NotLeaderError(Exception):
    """The lease is lost: nothing may be sent any more."""


@dataclass(slots=True, eq=False)
class Term:
    """A time during which this process works on a shard without a break, and when it began. Each is only itself.

    `began`: the same in monotonic seconds. `refused`: how many requests were refused, since the lease was not renewed
    in time or is another's.
    """

    shard: int = 0
    since: datetime = field(default_factory=utc_now)
    began: float = field(default_factory=seconds)
    refused: int = 0


#: The term that a task acts in, and the threads that work for it; None for what belongs to no app.
acting: ContextVar[Term | None] = ContextVar("acting", default=None)


class Leases(Protocol):
    """Where the Leases are kept. Errors: ApiException (409: somebody was quicker), HTTPError."""

    def list_leases(self) -> Mapping[str, Record]:
        """Return the records of the operator's Leases by name, not older than the call."""

    def write_lease(self, name: str, holder: str, seen: Record, shards: int, duration: int) -> Record:
        """Put a holder in place of the record that was seen, in a new Lease if that is an empty one."""


class Alone:
    """An operator that works without leases: everything is its own."""

    shards = 1

    def __init__(self) -> None:
        self._term = Term()

    @property
    def terms(self) -> Mapping[int, Term]:
        """The terms of the shards to work on."""
        return {0: self._term}

    def leads(self, _shard: int | None = None) -> bool:
        """Return whether this process works on a shard, or on any."""
        return True

    def check(self, **_: Any) -> None:
        """Let every request pass."""

    def follow(self, changed: Callable[[], None], busy: Callable[[int], bool]) -> None:
        """Tell nobody: nothing ever changes."""

    def begin(self) -> None:
        """Begin: there is nothing to wait for."""

    def nudge(self) -> None:
        """Look at once: there is nothing to see."""

    def resign(self) -> None:
        """End: nobody waits for that."""

    def release(self) -> None:
        """Give nothing back."""


class Shards:
    """A candidate for the leases of all shards, and the holder of some. `shards`: how many there are.

    The thread that keeps the leases alone changes what this object knows; any thread may ask it.
    """

    def __init__(
        self,
        leases: Leases,
        candidate: Candidate,
        shards: int = 1,
        *,
        clock: Callable[[], float] = time.monotonic,
        end: Callable[[int], Any] = os._exit,
    ) -> None:
        self.shards, self.identity = shards, candidate.identity
        self._leases, self._clock, self._end, self._retry = leases, clock, end, candidate.terms.retry
        #: What is known of every shard's Lease, also of those that only other replicas' settings have; and of members'.
        self._candidates = [candidate] * MOST_SHARDS
        self._members = [candidate] * MOST_MEMBERS
        self._terms: dict[int, Term] = {}
        self._leaving: frozenset[int] = frozenset()
        self._changed: Callable[[], None] = lambda: None
        self._busy: Callable[[int], bool] = lambda _: False
        self._nudged, self._resigned = threading.Event(), threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="leases", daemon=True)

    def follow(self, changed: Callable[[], None], busy: Callable[[int], bool]) -> None:
        """Call `changed` whenever `terms` has changed, and ask `busy` whether a pass of a shard is under way.

        A shard that is another's share is given up when none is.
        """
        self._changed, self._busy = changed, busy

    def begin(self) -> None:
        """Take shards and keep them, from a thread."""
        logger.info("%s waits for the lease of a shard", self.identity)
        self._keeper.start()

    @property
    def terms(self) -> Mapping[int, Term]:
        """The terms of the shards to work on. One that is about to be given up is missing."""
        return {shard: term for shard, term in list(self._terms.items()) if shard not in self._leaving}

    def leads(self, shard: int | None = None) -> bool:
        """Return whether this process works on a shard, or on any."""
        return any(self._acts(term) for term in list(self._terms.values()) if shard in {None, term.shard})

    def check(self, event_name: str = "", **_: Any) -> None:
        """Refuse to go on without the lease: for each request that is about to be sent. Raises NotLeaderError.

        `event_name`: botocore's, with the operation. What an app's pass only reads may be for all apps: any shard will
        do for that, as for what belongs to no app.
        """
        term = acting.get()
        shared = term is None or (event_name and reads(event_name.rpartition(".")[2]))
        if not (self.leads() if shared else term and self._acts(term)):
            if term:
                term.refused += 1
            raise NotLeaderError("the lease is lost: another operator may be at work")

    def nudge(self) -> None:
        """Have the leases looked at at once: a shard that is to be given up is no longer busy."""
        self._nudged.set()

    def resign(self) -> None:
        """Refuse all further requests. The leases are kept from others for those that are under way."""
        self._resigned.set()
        self._nudged.set()
        # Or a renewal that is under way would make us act again.
        self._keeper.join()
        self._terms = {}

    def release(self) -> None:
        """Give the leases back once nothing is under way any more, so that nobody need wait for their end."""
        for shard, candidate in enumerate(self._candidates):
            if candidate.is_ours:
                self._give_back(shard)
        for slot, member in enumerate(self._members):
            if member.is_ours:
                self._members[slot] = self._write(member_lease(slot), member, "")

    def round(self) -> None:
        """Look at all Leases once, and do what follows. Errors: ApiException, HTTPError, OSError of the look."""
        before = self.terms
        try:
            self._observe()
            self._renew()
            self._announce()
            self._divide()
        finally:
            if self.terms != before:
                self._changed()

    def _keep(self) -> None:
        try:
            while not self._resigned.is_set():
                try:
                    self.round()
                except (ApiException, HTTPError, OSError) as error:
                    logger.warning("the leases could not be read: %s", _words(error))
                self._nudged.wait(self._retry)
                self._nudged.clear()
        except Exception:
            logger.exception("the leases cannot be kept")
            # A crash costs nothing, which the crash tests show: no call that is under way is waited for.
            self._end(1)

    def _acts(self, term: Term) -> bool:
        return self._terms.get(term.shard) is term and self._candidates[term.shard].may_act(self._clock())

    def _observe(self) -> None:
        """Read all Leases. A shard that somebody else has taken is lost; one that was taken before may be begun."""
        listed = self._leases.list_leases()
        now = self._clock()
        for known, name in ((self._candidates, shard_lease), (self._members, member_lease)):
            for number, candidate in enumerate(known):
                known[number] = candidate.observe(listed.get(name(number), Record()), now)
        for shard in [shard for shard in self._terms if not self._candidates[shard].is_ours]:
            del self._terms[shard]
            logger.warning("%s has lost shard %d of %d", self.identity, shard, self.shards)
        if not self._others():
            for shard in range(self.shards):
                candidate = self._candidates[shard]
                if candidate.is_ours and candidate.may_act(now) and shard not in self._terms:
                    self._terms[shard] = Term(shard)
                    logger.info("%s leads: shard %d of %d", self.identity, shard, self.shards)

    def _others(self) -> list[int]:
        """Return the Leases of those who divide the apps into another number of shards.

        An app belongs to a shard of theirs, too. Who begins has written its own name first and looked at the others'
        then: of two who do so at the same time, one sees the other.
        """
        return [
            shard
            for shard, candidate in enumerate(self._candidates)
            if candidate.seen and candidate.holder and candidate.seen.shards != self.shards
        ]

    def _announce(self) -> None:
        """Keep a Lease that says that this replica is there: the one it has, or else one that nobody has any more."""
        now = self._clock()
        mine = [slot for slot, member in enumerate(self._members) if member.is_ours]
        free = [slot for slot, member in enumerate(self._members) if member.may_write(now)]
        for slot in (mine or free)[:1]:
            member = self._members[slot]
            # Half as often as a shard's: nobody's right to act depends on it.
            if not mine or now >= member.renewed + 1.5 * self._retry:
                self._members[slot] = self._write(member_lease(slot), member, self.identity)

    def _renew(self) -> None:
        for shard, candidate in enumerate(self._candidates):
            if candidate.is_ours:
                self._candidates[shard] = self._write(shard_lease(shard), candidate, self.identity)

    def _divide(self) -> None:
        """Take what is ours to have, and give up what is not."""
        now = self._clock()
        holders = {
            shard: candidate.holder
            for shard, candidate in enumerate(self._candidates)
            if candidate.holder and (candidate.is_ours or not candidate.lapsed(now))
        }
        wanted = share(holders, self._living(now), self.shards)
        mine = frozenset(shard for shard, member in wanted.items() if member == self.identity)
        others = self._others()
        self._leaving = frozenset(shard for shard in self._terms if shard not in mine)
        for shard in self._leaving:
            if not self._busy(shard):
                self._give_back(shard)
        for shard in [shard for shard in range(self.shards) if shard not in self._terms]:
            candidate = self._candidates[shard]
            if candidate.is_ours and (shard not in mine or self._gives_way(others)):
                self._give_back(shard)
            elif shard in mine and not others and not candidate.is_ours and candidate.may_write(now):
                self._candidates[shard] = self._write(shard_lease(shard), candidate, self.identity)
                # It begins once another look has shown that nobody divides the apps otherwise.
                self._nudged.set()
        for shard in others:
            if self._candidates[shard].lapsed(now):
                # Its holder acts no more. Now it cannot act again, either: its next renewal is refused.
                self._give_back(shard)

    def _living(self, now: float) -> frozenset[str]:
        """Return the replicas that share the shards. One that let the lease of a shard lapse is not there any more."""
        known = [each for each in (*self._candidates, *self._members) if each.holder and not each.is_ours]
        gone = {each.holder for each in self._candidates if each.lapsed(now)}
        there = {
            each.holder for each in known if each.seen and each.seen.shards == self.shards and not each.lapsed(now)
        }
        return frozenset({self.identity, *(there - gone)})

    def _gives_way(self, others: list[int]) -> bool:
        """Return whether this replica lets those who divide otherwise begin: the greater number of shards goes first.

        It matters only where both have begun to take shards at the same time.
        """
        return any(seen.shards > self.shards for shard in others if (seen := self._candidates[shard].seen))

    def _give_back(self, shard: int) -> None:
        """Free a shard's Lease. Nothing is done for the shard from before that is written."""
        self._terms.pop(shard, None)
        candidate = self._candidates[shard].resigned()
        self._candidates[shard] = candidate
        self._candidates[shard] = self._write(shard_lease(shard), candidate, "").resigned()
        if candidate.is_ours:
            logger.info("%s gives shard %d of %d back", self.identity, shard, self.shards)

    def _write(self, name: str, candidate: Candidate, holder: str) -> Candidate:
        """Write a name into a Lease, and return what is known then: the same as before where that failed."""
        assert candidate.seen is not None, "a Lease is written only after a look"  # noqa: S101
        began, duration = self._clock(), int(candidate.terms.duration)
        try:
            record = self._leases.write_lease(name, holder, candidate.seen, self.shards, duration)
        except (ApiException, HTTPError, OSError) as error:
            # 409: somebody was quicker, which the next look shows.
            if not (isinstance(error, ApiException) and error.status == 409):
                logger.warning("the Lease %s could not be written: %s", name, _words(error))
            return candidate
        return candidate.wrote(record, began)


def _words(error: Exception) -> str:
    return f"{error.status} {error.reason}" if isinstance(error, ApiException) else type(error).__name__
