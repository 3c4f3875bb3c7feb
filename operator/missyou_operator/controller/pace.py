"""How soon the next pass is due, and how soon a refused call is made again. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from missyou_operator.api.conditions import Reason
from missyou_operator.engine.resource import Health

#: Seconds between two observations of the same thing, at least.
_SOONEST = 1.0
#: The parts of its usual duration up to which a wait is too young to end in AWS, and from which it may end any moment.
_YOUNG, _EXPECTED = 0.25, 0.6
#: Seconds between two observations of what is waited for, at most: before its end is expected, and from then on.
_LONGEST_YOUNG, _LONGEST_PENDING = 60.0, 30.0
#: Seconds after which a refusal is no longer a matter of course.
_LASTING = 300.0
#: Seconds between two tries of what fails, at most: what a person has to mend, and what may end by itself.
_LONGEST_STALLED, _LONGEST_FAILED = 300.0, 60.0


def requeue_after(health: Health, age: float) -> float:
    """Return the seconds until something is worth another observation that has been unsettled for `age` seconds.

    Failed: at most `typical_seconds`, which is minutes for what only a person can mend.
    """
    if health.reason == Reason.RATE_LIMITED:
        # Who comes back earlier than there is a turn for only takes it from others.
        return max(_SOONEST, health.typical_seconds * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load
    if health.status == "pending":
        return max(_SOONEST, _until_next(health.typical_seconds, age))
    longest = health.typical_seconds
    if health.refused:
        longest = max(longest, _LONGEST_STALLED if health.stalled else _LONGEST_FAILED)
    return max(_SOONEST, min(age / 4, longest))


def _until_next(typical: float, age: float) -> float:
    """Return the pause in a wait of usually `typical` seconds that has lasted for `age` seconds.

    It grows with the age, so that what is quick is seen at once: never later than by half its duration, by a quarter
    once that is a good part of the usual. Around the usual end, and after it, it is a twentieth: the end is seen within
    5 %, and a database that takes ten minutes costs about thirty observations.
    """
    if age < _YOUNG * typical:
        return min(age / 2, _LONGEST_YOUNG)
    if age < _EXPECTED * typical:
        return min(age / 4, typical / 10, _LONGEST_YOUNG)
    return min(age / 4, max(2.0, max(typical, age) / 20), _LONGEST_PENDING)


def lasting(health: Health, age: float) -> Health:
    """Return what a refusal is that has lasted for `age` seconds: after minutes it is a failure, not a wait."""
    ours = health.reason == Reason.RATE_LIMITED
    if ours or not health.refused or health.status != "pending" or age < max(_LASTING, health.typical_seconds):
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
