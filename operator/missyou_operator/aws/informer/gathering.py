"""Calls about some names each, which AWS answers for many at once: while one is made, the next ones become one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from missyou_operator.aws.informer.shares import Row


@dataclass(slots=True, eq=False)
class _Request:
    """What somebody waits for. `rows` is None until a call has been answered."""

    names: Sequence[str]
    rows: Sequence[Row] | None = None


class Gathering:
    """One call at a time, with the names of all who have come meanwhile, up to `most`. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most, self._turn, self._lock = most, threading.Lock(), threading.Lock()
        self._waiting: list[_Request] = []

    def __len__(self) -> int:
        """Return how many wait for the call that is under way."""
        return len(self._waiting)

    def rows(self, names: Sequence[str], call: Callable[[Sequence[str]], Sequence[Row]]) -> Sequence[Row]:
        """Return what `call` returns for some names, and perhaps for others. Errors: those of the call.

        Where a call for several fails, each makes its own: names of one may be what AWS refuses.
        """
        mine = _Request(names)
        with self._lock:
            self._waiting.append(mine)
        with self._turn:
            if together := self._gather(mine):
                try:
                    rows = call(sorted({name for each in together for name in each.names}))
                except Exception:
                    if len(together) == 1:
                        raise
                else:
                    for each in together:
                        each.rows = rows
        return call(names) if mine.rows is None else mine.rows

    def _gather(self, mine: _Request) -> list[_Request]:
        """Take a request, and others that wait, out of those that wait; none if it was answered meanwhile."""
        with self._lock:
            if mine not in self._waiting:
                return []
            found, room = [mine], self._most - len(mine.names)
            for each in self._waiting:
                if each is not mine and len(each.names) <= room:
                    found.append(each)
                    room -= len(each.names)
            self._waiting = [each for each in self._waiting if each not in found]
            return found
