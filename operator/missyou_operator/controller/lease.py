"""The arithmetic of a lease: who may hold it, and until when its holder may act. Pure; the rules are client-go's.

Source: client-go, `tools/leaderelection`: nobody compares the times that others write. A candidate measures, by its own
clock, how long the record has stood unchanged; a holder measures from the moment that it began its last renewal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds. A lease that stands unchanged for `duration` is free; its holder acts for `deadline` after a renewal.

    Since `deadline` is the shorter, the holder has stopped before anybody else may begin.
    """

    duration: float = 10.0
    deadline: float = 6.0
    retry: float = 2.0


@dataclass(frozen=True, slots=True)
class Record:
    """What stands in the Lease: its holder ("" for none) and the version of the object ("" where there is none).

    `shards` is into how many shards the holder divides all apps.
    """

    holder: str = ""
    version: str = ""
    shards: int = 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one process knows. Times are its own monotonic seconds.

    `seen` is the record as last read, and `since` when it was first read so; `renewed` is when the last renewal that
    succeeded was begun.
    """

    identity: str
    terms: Terms = Terms()
    seen: Record | None = None
    since: float = 0.0
    renewed: float = float("-inf")

    @property
    def holder(self) -> str:
        """The holder as last read, "" for none."""
        return self.seen.holder if self.seen else ""

    @property
    def is_ours(self) -> bool:
        """Whether the record bears our name. That alone does not allow to act."""
        return self.holder == self.identity

    def lapsed(self, now: float) -> bool:
        """Return whether the record has stood unchanged for so long that its holder acts no more."""
        return now >= self.since + self.terms.duration

    def observe(self, record: Record, now: float) -> Candidate:
        """Remember the record as it was read."""
        return self if record == self.seen else replace(self, seen=record, since=now)

    def may_write(self, now: float) -> bool:
        """Return whether to write our name into the record that was seen: it is free, ours, or stands for too long."""
        return self.seen is not None and (self.holder in {"", self.identity} or self.lapsed(now))

    def wrote(self, record: Record, began: float) -> Candidate:
        """Remember a write that succeeded. `began` is when it was begun."""
        return replace(self, seen=record, since=began, renewed=began)

    def may_act(self, now: float) -> bool:
        """Return whether the process may act as the leader."""
        return now < self.renewed + self.terms.deadline

    def resigned(self) -> Candidate:
        """Return the candidate that acts no more, whoever the lease belongs to."""
        return replace(self, renewed=float("-inf"))
