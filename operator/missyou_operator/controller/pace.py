"""How soon the next pass is due. Pure."""

from __future__ import annotations

from missyou_operator.engine.resource import Health

#: Seconds. Between two observations lies a quarter of the time that something has been unsettled: quick things are
#: seen to be done at once, and a database that takes ten minutes costs fewer than forty observations.
_SOONEST, _PART = 1.0, 0.25
_LONGEST_PENDING = 30.0


def requeue_after(health: Health, age: float) -> float:
    """Return the seconds until something is worth another observation that has been unsettled for `age` seconds.

    Pending: at most a tenth of what such a thing usually takes, and 30 s. Failed: at most `typical_seconds`, which is
    minutes for what only a person can mend.
    """
    longest = health.typical_seconds
    if health.status == "pending":
        longest = max(2.0, min(health.typical_seconds / 10, _LONGEST_PENDING))
    return max(_SOONEST, min(age * _PART, longest))
