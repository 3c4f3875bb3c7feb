"""When stacks that are new to a process are read beyond lists: one after the other, since AWS allows no more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: Stacks that are read with all that belongs to them at once: a second of work.
_AT_ONCE = 5
#: Seconds between the turns of two others: nine calls a second of a kind are what AWS allows of the slowest of what is
#: read closely, and of what takes twenty calls a stack, one stack comes after the other in the rhythm of later on.
_SOON, _WHOLE = 0.12, 1.8
#: Seconds after which whoever waits for another's observation sees that it hurries by now.
_STEP = 0.2


@dataclass(frozen=True, slots=True)
class Turn:
    """When a stack that was ready, and is new to this process, may be read beyond lists (monotonic seconds).

    `soon`: what is read closely while a stack waits for something. `whole`: what takes a call for each resource, too.
    """

    soon: float = float("-inf")
    whole: float = float("-inf")

    def next(self, now: float) -> float:
        """Return when more may be read than now."""
        return self.soon if now < self.soon else self.whole

    def advanced(self, now: float) -> Turn:
        """Return the turn of a stack that has what is next now."""
        return Turn(now, self.whole) if now < self.soon else AT_ONCE


#: The turn of what is read without waiting.
AT_ONCE = Turn()


class Turns:
    """The turns of an account and region. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given, self._last = 0, AT_ONCE
        #: When the last observation began that others have waited for, and what they wait at.
        self._began, self._opening = float("-inf"), threading.Lock()

    def opened(self, since: float) -> bool:
        """Return whether a stack was observed by reads from a moment on: whoever comes next finds their lists."""
        return self._began >= since

    @contextmanager
    def opening(self, since: float, now: float, hurries: Callable[[], bool]) -> Iterator[None]:
        """Have one stack be observed by such reads, and whoever needs them, too, wait until it is.

        Others that begin at the same time need the same lists, and would wait for them with the threads that the one
        needs to read them. Nobody waits who `hurries`, or begins to.
        """
        while not self.opened(since) and not hurries():
            if self._opening.acquire(timeout=_STEP):
                try:
                    if not self.opened(since):
                        try:
                            yield
                        finally:
                            self._began = now
                        return
                finally:
                    self._opening.release()
        yield

    def give(self, now: float, part: float = 1.0) -> Turn:
        """Return when the next stack may be read beyond lists. `part`: that of AWS's limits which is this process's."""
        with self._lock:
            self._given += 1
            last = self._last
            later = Turn(max(now, last.soon) + _SOON / part, max(now, last.whole) + _WHOLE / part)
            self._last = Turn(now, now) if self._given <= _AT_ONCE else later
            return self._last
