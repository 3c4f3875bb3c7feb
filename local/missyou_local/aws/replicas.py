"""The test AWS as it was some seconds ago: copies of the process, forked just before a change.

AWS reads from replicas that may lag behind. A fork is such a replica, of everything at once and whatever the operation:
it shares the memory of the moment, costs milliseconds, and what it answers changes nothing here.
"""

from __future__ import annotations

import gc
import io
import os
import pickle
import signal
import socket
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

from missyou_local.aws.wire import Request, Response

_APART = 0.2
"""Seconds on the clock between two copies at least; many changes happen at the same time."""
_LENGTH = struct.Struct("!I")

Answer = Callable[[Request, float], Response]
"""Answers a request as of a time."""


@dataclass(frozen=True, slots=True)
class _Replica:
    """A copy, made just before the first change at `taken` (seconds on the clock)."""

    taken: float
    pid: int
    wire: socket.socket

    def answer(self, request: Request, at: float) -> Response:
        """Return its answer as of a time."""
        _send(self.wire, pickle.dumps((_portable(request), at)))
        response: Response = pickle.loads(_receive(self.wire))  # noqa: S301 - our own process's
        return response

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.wire.close()


class Replicas:
    """The copies of the last seconds. Use it with `backends.LOCK` held."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._copies: list[_Replica] = []

    def before_change(self, now: float, keep: float) -> None:
        """Make a copy of the present state; forget those that no read looks back to, older than `keep` seconds."""
        while self._copies and self._copies[0].taken <= now - keep:
            self._copies.pop(0).end()
        if not self._copies or now - self._copies[-1].taken >= _APART:
            self._copies.append(self._fork(now))

    def read(self, request: Request, at: float) -> Response | None:
        """Return the answer as of a time; None where nothing has changed since."""
        for copy in self._copies:
            if copy.taken > at:
                return copy.answer(request, at)
        return None

    def once(self, request: Request, now: float) -> Response:
        """Return the answer of a copy that ends with it: whatever the request changes, it changes there."""
        copy = self._fork(now)
        try:
            return copy.answer(request, now)
        finally:
            copy.end()

    def clear(self) -> None:
        """End all copies."""
        while self._copies:
            self._copies.pop().end()

    def _fork(self, now: float) -> _Replica:
        ours, theirs = socket.socketpair()
        with warnings.catch_warnings():
            # Python warns of threads: whoever holds the lock is the only one that matters to the copy.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            self._serve(theirs)
        theirs.close()
        return _Replica(now, pid, ours)

    def _serve(self, theirs: socket.socket) -> None:
        """Answer requests in the copy until the other end is closed."""
        status = 1
        try:
            gc.disable()
            # The connections of clients are not ours: held open here, they would never seem to end.
            os.closerange(3, theirs.fileno())
            os.closerange(theirs.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
            while message := _receive(theirs):
                request, at = pickle.loads(message)  # noqa: S301 - our own process's
                request.environ["wsgi.input"] = io.BytesIO(request.body)
                _send(theirs, pickle.dumps(self._answer(request, at)))
            status = 0
        finally:
            os._exit(status)


def _portable(request: Request) -> Request:
    """Return the request without what belongs to its connection."""
    return replace(request, environ={key: value for key, value in request.environ.items() if isinstance(value, str)})


def _send(wire: socket.socket, message: bytes) -> None:
    wire.sendall(_LENGTH.pack(len(message)) + message)


def _receive(wire: socket.socket) -> bytes:
    """Return the next message, nothing when the other end is closed."""
    header = _exactly(wire, _LENGTH.size)
    return _exactly(wire, _LENGTH.unpack(header)[0]) if header else b""


def _exactly(wire: socket.socket, length: int) -> bytes:
    parts = b""
    while len(parts) < length:
        part = wire.recv(length - len(parts))
        if not part:
            return b""
        parts += part
    return parts
