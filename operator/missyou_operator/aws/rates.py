"""How often AWS is asked: never more often than it allows, a person's change first, and no app at another's expense.

AWS limits requests per account, region and API by token buckets, whoever makes them. botocore's adaptive mode has one
bucket per client: it learns of a limit only by hitting it, mixes up all APIs of a service, and our clients are shared
by all accounts of a region. So the operator keeps AWS's own buckets (`published_rates`) and waits before it asks. Where
AWS throttles all the same, since others use the account too or nothing is published, the refill is halved at once and
comes back within a minute, as TCP and the SDKs' adaptive modes do.

Pure but for `Rates.wait`, which holds a request back: it is called before each is sent (`session`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from missyou_operator.api.conditions import Reason
from missyou_operator.aws import clock
from missyou_operator.aws.published_rates import Family, Limit, family_of
from missyou_operator.engine.errors import NotYetError

#: Returns whether a request is made, by now, for a change of a person's (spec, deletion, `missyou.app/reconcile`): it
#: goes before background reading. Set by whoever starts a pass; the threads that work for it take it along.
urgent: ContextVar[Callable[[], bool]] = ContextVar("urgent", default=lambda: False)
#: The app that a request is made for, as `namespace/name`: no app may keep the others from their turn.
app: ContextVar[str] = ContextVar("app", default="")

#: The part of AWS's limits that the operator uses: ECS, load balancers and people make calls in the account, too.
_PART = 0.9
#: By how much a throttled bucket refills less, the least that is left of its refill, and the seconds until all is back.
_CUT, _LEAST, _RECOVERY = 0.5, 1 / 32, 60.0
#: Seconds within which requests that are throttled tell of the same excess.
_SAME = 1.0
#: Seconds that a request waits at most: a thread waits with it. What would wait longer is put off.
_LONGEST = 20.0
#: Requests that may wait at a time, other than urgent ones: the threads that are left are for those.
_MOST_WAITING = 24
#: Buckets that are kept. One that is full again is as good as a new one.
_MOST_BUCKETS = 4096


@dataclass(slots=True)
class Bucket:
    """A token bucket whose refill adapts. Times are monotonic seconds."""

    limit: Limit
    at: float
    left: float = field(init=False)
    _part: float = field(init=False, default=1.0)
    _throttled_at: float = field(init=False, default=float("-inf"))

    def __post_init__(self) -> None:
        self.left = self.limit.burst

    def take(self, now: float) -> bool:
        """Take a token if there is one; return whether there was."""
        self._fill(now)
        # Who has waited as long as `wait` said may come a rounding error too early.
        if self.left < 0.999:
            return False
        self.left = max(0.0, self.left - 1.0)
        return True

    def wait(self, now: float, ahead: int = 0) -> float:
        """Return the seconds until there is a token after `ahead` others have taken theirs."""
        self._fill(now)
        return max(0.0, (1.0 + ahead - self.left) / self.rate(now))

    def rate(self, now: float) -> float:
        """Return the tokens that it gains in a second."""
        return self.limit.per_second * self._share(now)

    def throttled(self, now: float) -> None:
        """Learn that AWS has throttled a request: there was no token, and the refill is less than was thought."""
        self._fill(now)
        self.left = 0.0
        if now - self._throttled_at >= _SAME:
            self._part, self._throttled_at = max(_LEAST, self._share(now) * _CUT), now

    def is_full(self, now: float) -> bool:
        """Return whether nothing is remembered of it that a new one would not know."""
        self._fill(now)
        return self.left >= self.limit.burst and self._share(now) >= 1.0

    def _share(self, now: float) -> float:
        return min(1.0, self._part + max(0.0, now - self._throttled_at) / _RECOVERY)

    def _fill(self, now: float) -> None:
        passed = max(0.0, now - self.at)
        rate = (self.rate(self.at) + self.rate(now)) / 2
        self.left, self.at = min(self.limit.burst, self.left + passed * rate), max(self.at, now)


@dataclass(slots=True, eq=False)
class Ticket:
    """A request that waits. `turn` is set when it may have become the first."""

    app: str
    urgent: bool
    number: int
    turn: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class Room:
    """The requests that wait for a bucket: urgent ones first, then the apps in turn."""

    waiting: list[Ticket] = field(default_factory=list)
    _served: dict[str, int] = field(default_factory=dict)
    _number: int = 0

    def enter(self, app: str, *, urgent: bool) -> Ticket:
        """Let a request wait."""
        self._number += 1
        ticket = Ticket(app, urgent, self._number)
        self.waiting.append(ticket)
        return ticket

    def first(self) -> Ticket | None:
        """Return whose turn it is: of the apps, the one that was served longest ago."""
        return min(self.waiting, key=lambda t: (not t.urgent, self._served.get(t.app, 0), t.number), default=None)

    def leave(self, ticket: Ticket) -> None:
        """Let a request go."""
        self.waiting.remove(ticket)
        self._number += 1
        self._served[ticket.app] = self._number
        if not self.waiting:
            self._served.clear()

    def ahead(self, app: str, *, urgent: bool) -> int:
        """Return how many of those that wait would go before another request of an app."""
        mine = sum(t.app == app and t.urgent == urgent for t in self.waiting)
        if urgent:
            return sum(t.urgent for t in self.waiting)
        others: dict[str, int] = {}
        for ticket in self.waiting:
            if not ticket.urgent and ticket.app != app:
                others[ticket.app] = others.get(ticket.app, 0) + 1
        # In turns: no other app has more than this one before it.
        return sum(t.urgent for t in self.waiting) + mine + sum(min(count, mine + 1) for count in others.values())


#: What a bucket is for: account, region ("" for all) and family.
_Key = tuple[str, str, str]


class Rates:
    """The buckets of all accounts and regions. Thread-safe.

    `waited` is told of each request that had to wait: its family, and the seconds. `put_off` of each that would have
    waited too long.
    """

    def __init__(
        self,
        waited: Callable[[str, float], None] = lambda _family, _seconds: None,
        put_off: Callable[[str], None] = lambda _family: None,
    ) -> None:
        self._waited, self._put_off = waited, put_off
        #: The part of AWS's limits that is this process's: operators that share the apps share the limits.
        self.part = 1.0
        self._lock = threading.Lock()
        self._buckets: dict[_Key, tuple[Bucket, Room]] = {}
        self._waiting = 0

    def wait(self, account: str, region: str, service: str, operation: str) -> None:
        """Wait until a request may be sent. `service` is AWS's service ID with hyphens, as in botocore's events.

        Errors: NotYetError if that would take longer than a thread should wait; nothing is sent.
        """
        family = family_of(service, operation)
        key = (account, region if family.regional else "", family.name)
        mine = app.get()
        with self._lock:
            # Within the lock: what becomes urgent after this, `hasten` tells the ticket of.
            began, is_urgent = clock.seconds(), urgent.get()()
            bucket, room = self._buckets.get(key) or self._made(key, family, began)
            if not room.waiting and bucket.take(began):
                return
            wait = bucket.wait(began, room.ahead(mine, urgent=is_urgent))
            if wait > _LONGEST or (self._waiting >= _MOST_WAITING and not is_urgent):
                self._put_off(family.name)
                raise NotYetError(Reason.RATE_LIMITED, _PUT_OFF.format(operation), max(wait, _SAME))
            ticket = room.enter(mine, urgent=is_urgent)
            self._waiting += not is_urgent
        try:
            while (pause := self._pause(bucket, room, ticket)) is not None:
                clock.pause(ticket.turn, pause)
        finally:
            with self._lock:
                self._waiting -= not is_urgent
        self._waited(family.name, clock.seconds() - began)

    def share(self, part: float) -> None:
        """Use a part of AWS's limits from now on, more than 0 and at most 1."""
        with self._lock:
            for bucket, _ in self._buckets.values():
                bucket.limit = bucket.limit.times(part / self.part)
            self.part = part

    def hasten(self) -> None:
        """Let the requests that wait see which of them a person waits for by now."""
        with self._lock:
            for _, room in self._buckets.values():
                for ticket in room.waiting:
                    ticket.turn.set()

    def throttled(self, account: str, region: str, service: str, operation: str) -> None:
        """Learn that AWS has throttled a request."""
        family = family_of(service, operation)
        key = (account, region if family.regional else "", family.name)
        with self._lock:
            now = clock.seconds()
            bucket, _ = self._buckets.get(key) or self._made(key, family, now)
            bucket.throttled(now)

    def _pause(self, bucket: Bucket, room: Room, ticket: Ticket) -> float | None:
        """Return the seconds until a request that waits should try again; None where its turn has come."""
        with self._lock:
            ticket.turn.clear()
            ticket.urgent = urgent.get()()
            if room.first() is not ticket:
                # Whoever goes calls the next.
                return _LONGEST
            now = clock.seconds()
            if not bucket.take(now):
                return bucket.wait(now)
            room.leave(ticket)
            if (following := room.first()) is not None:
                following.turn.set()
            return None

    def _made(self, key: _Key, family: Family, now: float) -> tuple[Bucket, Room]:
        if len(self._buckets) >= _MOST_BUCKETS:
            kept = {k: (b, r) for k, (b, r) in self._buckets.items() if r.waiting or not b.is_full(now)}
            self._buckets = kept
        made = Bucket(family.limit.times(_PART * self.part), now), Room()
        self._buckets[key] = made
        return made


_PUT_OFF = "{0} waits for its turn: AWS allows only so many of these calls a second in an account"
