"""gunicorn's threaded worker, which no slow client can occupy.

gunicorn hands a connection to a thread as soon as it is accepted, and that thread waits for the client: for as many
slow clients as there are threads, nobody else is served, health checks included. Here the main thread collects each
request without blocking, within one deadline for all of it, and a thread gets it when it is whole. Health checks have
threads of their own. Every answer that does not come from the application is a problem document too.
"""

from __future__ import annotations

import errno
import logging
import selectors
import socket
import time
import uuid
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from gunicorn import http, util  # type: ignore[import-untyped]
from gunicorn.http import errors  # type: ignore[import-untyped]
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker  # type: ignore[import-untyped]

from missyou_backend.dispatch import MAX_BODY
from missyou_backend.framing import Incoming, Progress
from missyou_backend.problems import CONTENT_TYPE, INTERNAL, TOO_LARGE, UNAVAILABLE, Kind, Problem, plain

_log = logging.getLogger(__name__)
#: Seconds that a client may take to read an answer, and that a closing connection stays open for the client to read it.
_WRITE_SECONDS, _LINGER_SECONDS = 10.0, 2.0
#: Whole requests of a worker that may wait for a thread. A queue that is longer would only make all of them late.
_QUEUE = 128
#: Threads of their own. Calls of /health may each wait for a database that does not answer; they share one probe.
_PROBE_THREADS = {b"/live": 1, b"/health": 8}
_READ_SIZE = 64 * 1024
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (errors.LimitRequestLine, 414),
    (errors.LimitRequestHeaders, 431),
    (errors.ExpectationFailed, 417),
    (errors.UnsupportedTransferCoding, 501),
    (errors.ParseException, 400),
    (errors.NoMoreData, 400),
)


class _Connection(TConn):  # type: ignore[misc]
    """A connection, with what has arrived of its next request."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.incoming = Incoming(MAX_BODY)
        self.is_queued = False


class Worker(ThreadWorker):  # type: ignore[misc]
    """A `ThreadWorker` whose main thread reads requests, and whose other threads only answer them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._probes = {path: ThreadPoolExecutor(count, "probe") for path, count in _PROBE_THREADS.items()}
        self._lingering: deque[_Connection] = deque()
        self._queued = 0

    def accept(self, listener: Any) -> None:
        """Accept a connection and begin to read its request."""
        self._make_room()
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK}:
                raise
            return
        self.nr_conns += 1
        self._read(_Connection(self.cfg, client, address, listener.getsockname()))

    def _make_room(self) -> None:
        """Close whatever has waited longest for its client, if there are too many connections for one more."""
        if self.nr_conns < self.worker_connections - 1:
            return
        for waiting in (self._lingering, self.pending_conns, self.keepalived_conns):
            if waiting:
                self._close(waiting[0], waiting)
                return

    def _wait_for(self, conn: _Connection, waiting: deque[Any], seconds: float, then: Any) -> None:
        """Poll a connection for at most `seconds`. Each queue has one duration, which keeps it in order."""
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + seconds
        waiting.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(then, conn))

    def _forget(self, conn: _Connection, waiting: deque[Any]) -> None:
        waiting.remove(conn)
        self.poller.unregister(conn.sock)

    def _close(self, conn: _Connection, waiting: deque[Any]) -> None:
        self._forget(conn, waiting)
        self.nr_conns -= 1
        conn.close()

    def _read(self, conn: _Connection) -> None:
        """Collect a request, some of which may have come with the previous one."""
        self._wait_for(conn, self.pending_conns, self.app.request_seconds, self._on_bytes)
        if conn.incoming:
            self._advance(conn, b"")

    def _on_bytes(self, conn: _Connection, client: socket.socket) -> None:
        try:
            data = client.recv(_READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._advance(conn, data)
        else:
            self._close(conn, self.pending_conns)

    def _advance(self, conn: _Connection, data: bytes) -> None:
        progress = conn.incoming.feed(data)
        if progress is Progress.WHOLE:
            self._forget(conn, self.pending_conns)
            self._dispatch(conn)
        elif progress is Progress.HEAD_TOO_LARGE:
            self._refuse(conn, plain(431), "The headers are too large.")
        elif progress is Progress.BODY_TOO_LARGE:
            self._refuse(conn, TOO_LARGE, f"A body may have at most {MAX_BODY} bytes.")
        elif conn.incoming.wants_continue():
            _write(conn.sock, b"HTTP/1.1 100 Continue\r\n\r\n")

    def _dispatch(self, conn: _Connection) -> None:
        """Let a thread answer the whole request of a connection that is not polled."""
        pool = next((pool for path, pool in self._probes.items() if conn.incoming.is_for(path)), self.tpool)
        conn.is_queued = pool is self.tpool
        if conn.is_queued:
            if self._queued >= _QUEUE + self.cfg.threads:
                _answer(conn.sock, UNAVAILABLE, "Too many requests are waiting. Try again in a few seconds.")
                self._linger(conn)
                return
            self._queued += 1
        handled = pool.submit(self.handle, conn)
        handled.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, conn, future))

    def handle(self, conn: _Connection) -> bool:
        """Answer a request, in a thread; return whether the connection can be used again."""
        conn.sock.settimeout(_WRITE_SECONDS)
        request = None
        try:
            # The parser sees this request and then the end: it cannot wait for the client.
            parser = http.get_parser(self.cfg, iter((conn.incoming.take(),)), conn.client)
            request = next(parser)
            return bool(self.handle_request(request, conn) and parser.finish_body() and not parser.unreader.read())
        except StopIteration:
            return False
        except errors.NoMoreData as error:
            self.handle_error(request, conn.sock, conn.client, error)
        except OSError:
            _log.debug("the peer is gone, or does not read")
        except Exception as error:
            self.handle_error(request, conn.sock, conn.client, error)
        return False

    def finish_request(self, conn: _Connection, future: Future[bool]) -> None:
        """Read the next request of a connection, keep it for one, or close it. Runs on the main thread."""
        self._queued -= conn.is_queued
        if future.cancelled() or not future.result():
            self._linger(conn)
        elif conn.incoming:
            self._read(conn)
        else:
            seconds = self.cfg.keepalive if self.alive else min(self.cfg.keepalive, STOP_KEEPALIVE_LINGER)
            self._wait_for(conn, self.keepalived_conns, seconds, self.on_client_socket_readable)

    def on_client_socket_readable(self, conn: _Connection, client: socket.socket) -> None:
        """Begin to read the next request of a kept connection."""
        self._forget(conn, self.keepalived_conns)
        self._read(conn)
        self._on_bytes(conn, client)

    def murder_pending(self) -> None:
        """Answer 408 to clients whose request is not whole in time, and close connections that were closing."""
        now = time.monotonic()
        while self.pending_conns and self.pending_conns[0].timeout <= now:
            conn = self.pending_conns[0]
            if conn.incoming:
                detail = f"The whole request must arrive within {self.app.request_seconds:g} s."
                self._refuse(conn, plain(408), detail)
            else:
                self._close(conn, self.pending_conns)
        while self._lingering and self._lingering[0].timeout <= now:
            self._close(self._lingering[0], self._lingering)

    def _refuse(self, conn: _Connection, kind: Kind, detail: str) -> None:
        """Answer a connection that is being read, and close it."""
        self._forget(conn, self.pending_conns)
        _answer(conn.sock, kind, detail)
        self._linger(conn)

    def _linger(self, conn: _Connection) -> None:
        """Close a connection once the client has done so, or after a while.

        Closed at once, with bytes of the client unread, it would be reset, and the answer lost (RFC 9112, section 9.6).
        """
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            conn.close()
        else:
            self._wait_for(conn, self._lingering, _LINGER_SECONDS, self._discard)

    def _discard(self, conn: _Connection, client: socket.socket) -> None:
        try:
            if client.recv(_READ_SIZE):
                return
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            _log.debug("the peer is gone")
        self._close(conn, self._lingering)

    def handle_error(self, _request: Any, client: socket.socket, _address: Any, error: Exception) -> None:
        """Answer a request that never reached the application. gunicorn's own answer and log line quote the request."""
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
        if status == INTERNAL.status:
            _log.error("a request failed", exc_info=error)
        kind = INTERNAL if status == INTERNAL.status else plain(status)
        _answer(client, kind, "The request is not HTTP/1.1 within our limits.", type(error).__name__)


def _answer(client: socket.socket, kind: Kind, detail: str, error: str | None = None) -> None:
    """Write a problem, without waiting for the client to read it, and log it."""
    request_id = uuid.uuid4().hex
    fields = {"requestId": request_id, "status": kind.status, "error": error}
    _log.info("a request could not be read", extra=fields)
    body = Problem(kind, detail).body("/", request_id)
    head = (
        f"HTTP/1.1 {kind.status} {kind.title}\r\nConnection: close\r\nContent-Type: {CONTENT_TYPE}\r\n"
        f"X-Request-Id: {request_id}\r\nContent-Length: {len(body)}\r\n"
    )
    retry = "Retry-After: 5\r\n" if kind is UNAVAILABLE else ""
    _write(client, f"{head}{retry}\r\n".encode() + body)


def _write(client: socket.socket, data: bytes) -> None:
    try:
        util.write_nonblock(client, data)
    except OSError:
        _log.debug("the peer is gone")
