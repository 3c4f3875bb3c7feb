"""gunicorn's threaded worker, with problem details as the answer even to requests that are not HTTP."""

from __future__ import annotations

import logging
import socket
import uuid
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http import errors  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from missyou_backend.problems import CONTENT_TYPE, INTERNAL, Problem, plain

_log = logging.getLogger(__name__)
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (errors.LimitRequestLine, 414),
    (errors.LimitRequestHeaders, 431),
    (errors.ExpectationFailed, 417),
    (errors.UnsupportedTransferCoding, 501),
    (errors.ParseException, 400),
)


class Worker(ThreadWorker):  # type: ignore[misc]
    """A `ThreadWorker` that answers malformed requests with problem details."""

    def handle_error(self, _request: Any, client: socket.socket, _address: Any, error: Exception) -> None:
        """Answer a request that never reached the application. gunicorn's own answer and log line quote the request."""
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
        request_id = uuid.uuid4().hex
        fields = {"requestId": request_id, "status": status, "error": type(error).__name__}
        if status == INTERNAL.status:
            _log.error("a request failed", exc_info=error, extra=fields)
        else:
            _log.info("a request could not be read", extra=fields)
        kind = INTERNAL if status == INTERNAL.status else plain(status)
        body = Problem(kind, "The request is not HTTP/1.1 within our limits.").body("/", request_id)
        head = (
            f"HTTP/1.1 {status} {kind.title}\r\nConnection: close\r\nContent-Type: {CONTENT_TYPE}\r\n"
            f"X-Request-Id: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            util.write_nonblock(client, head.encode() + body)
        except OSError:
            _log.debug("the peer is gone")
