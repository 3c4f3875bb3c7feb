"""Calls about some names each, which AWS answers for many at once: while one is made, the next ones become one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from missyou_operator.aws.error_codes import ErrorKind, kind_of
from missyou_operator.aws.errors import code_of
from missyou_operator.aws.informer.shares import Row

#: Seconds after which whoever waits sees that it hurries by now.
_STEP = 0.2


@dataclass(slots=True, eq=False)
class _Request:
    """What somebody waits for: `rows` or an `error`, once a call has been answered; neither is there where none was."""

    names: Sequence[str]
    rows: Sequence[Row] | None = None
    error: Exception | None = None


class Gathering:
    """One call at a time, with the names of all who have come meanwhile, up to `most`. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most, self._turn, self._lock = most, threading.Lock(), threading.Lock()
        self._waiting: list[_Request] = []

    def __len__(self) -> int:
        """Return how many wait for the call that is under way."""
        return len(self._waiting)

    def rows(
        self, names: Sequence[str], call: Callable[[Sequence[str]], Sequence[Row]], hurries: Callable[[], bool]
    ) -> Sequence[Row]:
        """Return what `call` returns for some names, and perhaps for others. Errors: those of the call.

        Whoever `hurries`, or begins to while it waits, calls alone; and so does whose names fill a call. So does each
        of several whose names AWS refuses: only those of one may be wrong.
        """
        if len(names) >= self._most:
            return call(names)
        mine = _Request(names)
        with self._lock:
            self._waiting.append(mine)
        while not hurries():
            if self._turn.acquire(timeout=_STEP):
                try:
                    self._answer(self._gather(mine), call)
                finally:
                    self._turn.release()
                if mine.error is not None:
                    raise mine.error
                return call(names) if mine.rows is None else mine.rows
        with self._lock:
            self._waiting = [each for each in self._waiting if each is not mine]
        return call(names)

    @staticmethod
    def _answer(together: Sequence[_Request], call: Callable[[Sequence[str]], Sequence[Row]]) -> None:
        if not together:
            return
        try:
            rows = call(sorted({name for each in together for name in each.names}))
        except Exception as error:  # whose it is, is for each to say
            if len(together) == 1 or not _refuses_names(error):
                for each in together:
                    each.error = error
        else:
            for each in together:
                each.rows = rows

    def _gather(self, mine: _Request) -> list[_Request]:
        """Take a request, and others that wait, out of those that wait; none if it was taken already."""
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


def _refuses_names(error: Exception) -> bool:
    return isinstance(error, ClientError) and kind_of(code_of(error)) in {ErrorKind.ABSENT, ErrorKind.INVALID}
