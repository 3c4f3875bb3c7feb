"""The clock of a test AWS: it runs at any speed, and can be stepped."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Seconds since the epoch, `speed` of them per real second. Calling it returns the time, which never goes back.

    `real` returns real seconds. With a speed of 0 the clock stands still until it is advanced.
    """

    def __init__(self, speed: float = 1.0, real: Callable[[], float] = time.time) -> None:
        self._real = real
        self._speed = _checked(speed, "speed")
        self._base = self._since = real()

    def __call__(self) -> float:
        """Return the time."""
        return self._base + (self._real() - self._since) * self._speed

    @property
    def speed(self) -> float:
        """Seconds that pass per real second."""
        return self._speed

    def advance(self, seconds: float) -> None:
        """Move the clock forward. Error: ValueError for a negative number."""
        self._base += _checked(seconds, "advance")

    def run(self, speed: float) -> None:
        """Change the speed. Error: ValueError for a negative one."""
        speed = _checked(speed, "speed")
        self._base, self._since, self._speed = self(), self._real(), speed


def _checked(value: float, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"the clock's {name!r} must be a number >= 0, not {value!r}")
    return float(value)
