"""When Python looks for garbage in cycles: everything stands still meanwhile.

All objects of a thousand stacks take it 0.3 to 0.5 s, over and over while a process begins. Next to none of them are
garbage. So what has survived one search is left out of the next ones (`gc.freeze`), but for a thorough one at times:
each takes milliseconds, since there is little that is new.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from typing import Any

from missyou_operator.aws.clock import seconds

#: New objects after which Python looks among them, such searches until it looks among older ones, and so on. Its own
#: default begins at 700: that takes another tenth of the CPU of a start.
_THRESHOLDS = (5_000, 10, 10)
#: Seconds between two thorough searches.
_THOROUGH = 900.0
_OLDEST = 2


class Searches:
    """What Python calls when a search for garbage begins and ends (`gc.callbacks`). `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = seconds) -> None:
        self._clock, self._last = clock, clock()

    def __call__(self, phase: str, search: Mapping[str, Any]) -> None:
        """Leave what has survived out of the next searches, and take it in again for a thorough one."""
        if search["generation"] != _OLDEST:
            return
        if phase == "stop":
            gc.freeze()
        elif (now := self._clock()) - self._last >= _THOROUGH:
            self._last = now
            gc.unfreeze()


def search_seldom() -> None:
    """Have this process stand still as little as possible, from now on."""
    gc.set_threshold(*_THRESHOLDS)
    gc.callbacks.append(Searches())
    gc.collect()
