"""Log one line for each request, and give it the id that its other lines carry."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

_log = logging.getLogger("missyou_backend.requests")
#: The id of the request that this thread serves; "" outside of requests.
request_id: ContextVar[str] = ContextVar("request_id", default="")
#: The environ key of the route's pattern, which is logged instead of the path: a path may hold private data.
ROUTE = "missyou.route"
_TRACE = re.compile(r"Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)")
_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: Polled all the time, so logged only when they fail.
_PROBES = {"/health", "/live"}

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def id_of(environ: Environ) -> str:
    """Return the request's id: the load balancer's, else the client's if well-formed, else a new one."""
    if found := _TRACE.search(environ.get("HTTP_X_AMZN_TRACE_ID", "")):
        return found[1]
    given = environ.get("HTTP_X_REQUEST_ID", "")
    return given if _GIVEN.fullmatch(given) else uuid.uuid4().hex


class RequestLog:
    """WSGI middleware that logs requests."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterator[bytes]:
        """Serve a request, set X-Request-Id in the response, and log it after its last byte."""
        began = time.perf_counter()
        request_id.set(id_of(environ))
        status, sent = 500, 0

        def start(line: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            nonlocal status
            status = int(line.split(" ", 1)[0])
            return start_response(line, [*headers, ("X-Request-Id", request_id.get())], *rest)

        try:
            answer = self._application(environ, start)
            try:
                for part in answer:
                    sent += len(part)
                    yield part
            finally:
                if hasattr(answer, "close"):
                    answer.close()
        finally:
            _write(environ, status, sent, time.perf_counter() - began)
            request_id.set("")


def _write(environ: Environ, status: int, sent: int, seconds: float) -> None:
    if status < 400 and environ["PATH_INFO"] in _PROBES:
        return
    fields = {
        "method": environ["REQUEST_METHOD"],
        "route": environ.get(ROUTE),
        "status": status,
        "durationMs": round(seconds * 1000, 1),
        "client": environ.get("REMOTE_ADDR"),
        "bytes": sent,
    }
    _log.info("request", extra=fields)
