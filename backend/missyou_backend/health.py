"""Check cheaply, and within a bound, whether requests can be served."""

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

#: Seconds: how long a success counts, and how long a caller waits for a probe.
FRESH, BOUND = 5.0, 2.0


class Health:
    """The health of a process: the health of its database.

    A probe has its own connection, so it waits for no request and shows whether new connections can be made. Concurrent
    callers share one probe. It ends after `BOUND` seconds even if the server accepts and then never answers: the first
    caller to give up shuts its socket down.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._probe: _Probe | None = None

    def check(self) -> None:
        """Return if the database answers. Raises Problem (503) after at most `BOUND` seconds otherwise."""
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
    """One probe."""

    def __init__(self, database: Database) -> None:
        self.result: Future[bool] = Future()
        self._database = database
        self._deadline = time.monotonic() + BOUND
        self._peer: socket.socket | None = None
        threading.Thread(target=self._run, name="health", daemon=True).start()

    def wait(self) -> bool:
        """Return whether the probe succeeded: False once its time is up."""
        try:
            return self.result.result(max(0.0, self._deadline - time.monotonic()))
        except FutureTimeoutError:
            if self._peer is not None:
                with suppress(OSError):
                    self._peer.shutdown(socket.SHUT_RDWR)
            return False

    def _run(self) -> None:
        try:
            with (
                self._database.connect(connect_timeout=str(int(BOUND))) as connection,
                # A duplicate: the original number may by then belong to another file, which must not be shut down.
                socket.socket(fileno=dup(connection.fileno())) as self._peer,
            ):
                connection.execute("SELECT 1")
        except (psycopg.Error, OSError):
            self.result.set_result(False)
        else:
            self._database.last_success = time.monotonic()
            self.result.set_result(True)
