"""How soon the next pass is due, and how soon a refused call is made again. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from missyou_operator.engine.resource import Health

#: Seconds. Between two observations lies a quarter of the time that something has been unsettled: quick things are
#: seen to be done at once, and a database that takes ten minutes costs fewer than forty observations.
_SOONEST, _PART = 1.0, 0.25
_LONGEST_PENDING = 30.0
#: Seconds after which a wait is no longer a matter of course.
_LASTING = 300.0
#: Seconds between two tries of what fails, at most: what a person has to mend, and what may end by itself.
_LONGEST_STALLED, _LONGEST_FAILED = 300.0, 60.0


def requeue_after(health: Health, age: float) -> float:
    """Return the seconds until something is worth another observation that has been unsettled for `age` seconds.

    Pending: at most a tenth of what such a thing usually takes (once it has lasted for minutes, of what it has taken),
    and 30 s. Failed: at most `typical_seconds`, which is minutes for what only a person can mend.
    """
    longest = health.typical_seconds
    if health.status == "pending":
        expected = max(longest, age if age > _LASTING else 0.0)
        longest = max(2.0, min(expected / 10, _LONGEST_PENDING))
    elif health.refused:
        longest = max(longest, _LONGEST_STALLED if health.stalled else _LONGEST_FAILED)
    return max(_SOONEST, min(age * _PART, longest))


def lasting(health: Health, age: float) -> Health:
    """Return what a refusal is that has lasted for `age` seconds: after minutes it is a failure, not a wait."""
    if not health.refused or health.status != "pending" or age < max(_LASTING, health.typical_seconds):
        return health
    return replace(health, status="failed", message=f"{health.message}. AWS has refused it for more than five minutes")


@dataclass(slots=True)
class Bucket:
    """A token bucket: some at once, and then one at a time. Times are monotonic seconds.

    `most` tokens at first and at most, and another one every `every` seconds.
    """

    most: float
    every: float
    _left: float = field(init=False)
    _at: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._left = self.most

    def take(self, now: float) -> bool:
        """Take a token if there is one; return whether there was."""
        self._left = self._now(now)
        self._at = now
        # Who has waited as long as `wait` said may come a rounding error too early.
        if self._left < 0.999:
            return False
        self._left = max(0.0, self._left - 1.0)
        return True

    def wait(self, now: float) -> float:
        """Return the seconds until there is a token."""
        return max(0.0, (1.0 - self._now(now)) * self.every)

    def _now(self, now: float) -> float:
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        return min(self.most, self._left + passed / self.every)
