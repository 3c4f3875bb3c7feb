"""Deadlines for connections whose server accepts and then never answers.

The server's timeouts do not help there, and neither do TCP's: the peer's kernel keeps acknowledging. psycopg has no
read timeout, so a watching thread shuts the socket down, and the waiting call fails as if the network had.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

_SOCKET = "missyou socket"


class Deadlines:
    """Cuts an engine's connections that have been checked out for more than `seconds`."""

    def __init__(self, engine: Engine, seconds: float) -> None:
        self._seconds = seconds
        self._out: dict[int, tuple[float, socket.socket]] = {}
        self._change = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._dialect = engine.dialect
        # Insert first: SQLAlchemy's own queries on a new connection need a deadline too.
        event.listen(engine, "connect", self._connected, insert=True)
        event.listen(engine, "checkout", self._checked_out)
        for end in ("checkin", "invalidate"):
            event.listen(engine, end, self._returned)

    def _connected(self, connection: Any, record: Any) -> None:
        # A duplicate: the original number may meanwhile belong to another file, which must not be shut down.
        record.info[_SOCKET] = socket.socket(fileno=os.dup(connection.fileno()))
        self._start(record)

    def _checked_out(self, connection: Any, record: Any, _proxy: Any) -> None:
        """Start the deadline, then ping: `pool_pre_ping` would ping before this event, without a deadline."""
        self._start(record)
        try:
            self._dialect.do_ping(connection)
        except psycopg.Error as error:
            raise DisconnectionError from error

    def _start(self, record: Any) -> None:
        with self._change:
            self._out[id(record)] = (time.monotonic() + self._seconds, record.info[_SOCKET])
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()

    def _returned(self, _connection: Any, record: Any, *_: Any) -> None:
        with self._change:
            self._out.pop(id(record), None)

    def _watch(self) -> None:
        with self._change:
            while not self._closed:
                now = time.monotonic()
                for key, (deadline, peer) in list(self._out.items()):
                    if deadline <= now:
                        del self._out[key]
                        with suppress(OSError):
                            peer.shutdown(socket.SHUT_RDWR)
                self._change.wait(1.0)

    def close(self) -> None:
        """End the watching thread."""
        with self._change:
            self._closed = True
            self._change.notify_all()
