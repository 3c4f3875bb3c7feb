"""Whether requests can be served, found out cheaply and within a bound."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from os import dup

import psycopg

from missyou_backend.database import Database
from missyou_backend.problems import unavailable

#: Seconds: how long a success counts, and how long one who asks waits for a probe.
FRESH, BOUND = 5.0, 2.0


class Health:
    """The health of a process, which is that of its database.

    A probe is a connection of its own, so that it waits for no request and sees whether new connections can be made.
    There is one at a time; all who ask meanwhile share it. It ends after `BOUND` seconds even if the server accepts and
    then never answers: whoever gives up waiting first shuts its socket down.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._probe: _Probe | None = None

    def check(self) -> None:
        """Return when all is well. Raises Problem (503) after `BOUND` seconds at most."""
        if self._is_fresh():
            return
        with self._lock:
            if self._probe is None or self._probe.result.done():
                self._probe = _Probe(self._database)
            probe = self._probe
        if not probe.wait():
            raise unavailable("The database does not answer.")

    def _is_fresh(self) -> bool:
        last = self._database.last_success
        return last is not None and time.monotonic() - last < FRESH


class _Probe:
    """One attempt."""

    def __init__(self, database: Database) -> None:
        self.result: Future[bool] = Future()
        self._database = database
        self._deadline = time.monotonic() + BOUND
        self._peer: socket.socket | None = None
        threading.Thread(target=self._run, name="health", daemon=True).start()

    def wait(self) -> bool:
        """Return whether it succeeded, False as soon as its time is up."""
        try:
            return self.result.result(max(0.0, self._deadline - time.monotonic()))
        except FutureTimeoutError:
            if self._peer is not None:
                with suppress(OSError):
                    self._peer.shutdown(socket.SHUT_RDWR)
            return False

    def _run(self) -> None:
        parameters = {**self._database.parameters, "connect_timeout": str(int(BOUND))}
        try:
            with (
                psycopg.connect(**parameters, autocommit=True) as connection,  # type: ignore[arg-type]
                # A duplicate, so that nobody shuts down a number which the system has given to another file by then.
                socket.socket(fileno=dup(connection.fileno())) as self._peer,
            ):
                connection.execute("SELECT 1")
        except (psycopg.Error, OSError):
            self.result.set_result(False)
        else:
            self._database.last_success = time.monotonic()
            self.result.set_result(True)
