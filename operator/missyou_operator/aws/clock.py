"""The time, in one place, so that tests can turn it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """`wall` gives the seconds since the epoch, as AWS's timestamps count; `steady` seconds that never jump."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic


#: The one that the operator goes by.
CLOCK = Clock()


def utc_now() -> datetime:
    """Return the present time with its zone."""
    return datetime.fromtimestamp(CLOCK.wall(), UTC)


def seconds() -> float:
    """Return seconds by which to measure how long something takes."""
    return CLOCK.steady()
