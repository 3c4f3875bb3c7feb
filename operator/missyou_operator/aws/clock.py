"""The clock, in one place, so that tests can control it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """`wall` returns seconds since the epoch, like AWS's timestamps; `steady` returns seconds that never jump.

    `wait` waits for an event, at most for some seconds.
    """

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    wait: Callable[[threading.Event, float], object] = threading.Event.wait


#: The operator's clock.
CLOCK = Clock()


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.fromtimestamp(CLOCK.wall(), UTC)


def seconds() -> float:
    """Return monotonic seconds, for measuring durations."""
    return CLOCK.steady()


def pause(until: threading.Event, longest: float) -> None:
    """Wait until something happens, at most for some seconds."""
    CLOCK.wait(until, longest)
