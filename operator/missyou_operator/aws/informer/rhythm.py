"""How often what is read is read again, and which earlier read is still good enough. Pure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

from missyou_operator.aws.clock import seconds
from missyou_operator.aws.informer.turns import AT_ONCE, Turn

#: The part of the time between two looks after which a list counts as old: each look of a stack that is alone reads it.
_OF_A_LOOK = 0.8
#: The part of a long rhythm by which two reads of different resources may be apart: they must not come all at once.
_SPREAD = 0.25
#: Seconds in which AWS may still show what was before a write (EC2 lags by up to 10 s).
_LAG = 20.0
#: By how much older a list may be while it is read again.
_MEANWHILE = 3.0
#: Seconds that a read may be old that is watched closely: stacks that wait at the same time share it.
_JUST_NOW = 0.9


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between two reads: `per_stack` for each stack of the account, but at least `least`, at most `most`.

    None is more frequent than the looks, nor than AWS allows: `apart` are the seconds between two calls of all stacks.
    `closely`: it is read anew in each pass of a stack that waits for something. `told`: events of the region tell of
    changes.
    """

    per_stack: float = 0.0
    least: float = 0.0
    most: float = float("inf")
    closely: bool = False
    told: bool = True
    apart: float = 0.0

    def period(self, look: float, stacks: int) -> float:
        """Return the seconds between two reads, where looks are `look` seconds apart."""
        own = max(self.least, min(self.per_stack * stacks, self.most))
        return max(_OF_A_LOOK * look, own, self.apart * stacks)


#: Lists of a whole account: a call, or some pages, for all stacks.
LISTED = Rhythm(closely=True)
#: Lists of global services: EventBridge has their calls in us-east-1 only. Source: EventBridge User Guide, "AWS service
#: events delivered via AWS CloudTrail".
GLOBAL = Rhythm(closely=True, told=False)
#: What a person waits for, and nothing tells beforehand: the tasks of a service, and whether they are healthy.
FRESH = Rhythm(per_stack=3.0, most=60.0, closely=True)
#: What AWS describes for many resources in a call, and what a list of the account's would show of others, too: in each
#: look up to 350 stacks, and every two minutes from a thousand on.
DESCRIBED = Rhythm(per_stack=0.12, most=120.0, closely=True)
#: What takes a call for each resource and is changed by hand only: in every other look of a stack that is alone, and
#: each half hour from a hundred stacks on.
SLOW = Rhythm(per_stack=18.0, least=60.0, most=1800.0)
#: Tags that no list shows: they tell the owner, which hardly ever changes.
TAGS = Rhythm(per_stack=36.0, least=600.0, most=3600.0)
#: What AWS offers (engine versions, zones).
HOURLY = Rhythm(least=3600.0)
#: What never changes.
ONCE = Rhythm(least=float("inf"))


@dataclass(frozen=True, slots=True)
class Freshness:
    """Which reads are good enough for an observation that is made now. All times are monotonic seconds.

    `seen`: since when the stack is this process's: an earlier read may not show what another has written before.
    `tags`: since when reads of tags count, where something is to be changed by them. `written`: when the stack was last
    changed. `look`: seconds between two looks, `stacks` how many share the reads, `slower` a factor for all rhythms
    (where events tell of changes). `closely`: the stack waits for something. `anew`: no earlier read is good enough,
    but for what never changes. `turn`: until then, what takes calls of its own is left to the stacks before this one.
    """

    now: float
    written: float = float("-inf")
    look: float = 0.0
    stacks: int = 1
    slower: float = 1.0
    closely: bool = False
    anew: bool = False
    seen: float = float("-inf")
    tags: float = float("-inf")
    turn: Turn = AT_ONCE

    def postpones(self, rhythm: Rhythm) -> bool:
        """Return whether a read is left for later, unless somebody has made it."""
        turn = self.turn.soon if rhythm.closely else self.turn.whole
        return self.now < turn and bool(rhythm.per_stack)

    def since(self, rhythm: Rhythm, key: str = "") -> float:
        """Return the moment at which a read has to have begun, or later. `key` spreads reads of a long rhythm."""
        if rhythm is ONCE:
            return float("-inf")
        if rhythm is HOURLY:
            return self.now - rhythm.least
        if self.anew:
            return self.now
        if self.closely and rhythm.closely:
            return max(self.written, self.seen, self.now - _JUST_NOW)
        period = self._period(rhythm)
        if rhythm.per_stack:
            period *= 1 - _SPREAD * (zlib.crc32(key.encode()) % 1000) / 1000
        tags = self.tags if rhythm is TAGS else float("-inf")
        return max(self._settled, self.seen, self.now - period, tags)

    def meanwhile(self, rhythm: Rhythm) -> float:
        """Return the moment at which a read has to have begun that serves while somebody makes it again for long.

        Whoever waited for the lists of a thousand stacks would keep a thread from others.
        """
        if self.anew or (self.closely and rhythm.closely):
            return self.since(rhythm)
        return max(self._settled, self.seen, self.now - _MEANWHILE * self._period(rhythm))

    def is_demanding(self, rhythm: Rhythm) -> bool:
        """Return whether this stack needs a later read than the rhythm of all: it was changed, or is new here."""
        return self.since(rhythm) > self.now - self._period(rhythm)

    def lagging(self, lag: float) -> Freshness | None:
        """Return what is good enough of a list that shows changes only after so many seconds; None if nothing is.

        Nothing is where something is to be changed by what is read.
        """
        late = replace(self, written=self.written + lag)
        changing = self.anew or self.tags > float("-inf")
        return None if changing or self.now < late.written else late

    def soon(self, rhythm: Rhythm) -> float:
        """Return the moment before which a read began that may as well be made again now, if that costs nothing."""
        return self.now - self._period(rhythm) / 2

    def _period(self, rhythm: Rhythm) -> float:
        return rhythm.period(self.look, self.stacks) * (self.slower if rhythm.told else 1.0)

    @property
    def _settled(self) -> float:
        """Since when a read shows what was written. One from within the lag is good for the moment only."""
        return self.written + _LAG if self.now >= self.written + _LAG else self.written


def anew(_: str) -> Freshness:
    """Return, for any type of resource, that no read from before now is good enough."""
    return Freshness(seconds(), anew=True)
