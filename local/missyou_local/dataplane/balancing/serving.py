"""The HTTP server of a listener, made to answer as an ALB rather than as aiohttp where it answers by itself."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from missyou_local.dataplane.balancing import answers

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_LONGEST_LINE = 16 * 1024  # bytes of a request line or header: user guide, "Quotas for your Application Load Balancers"
_log = logging.getLogger(__name__)


class _Connection(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  the page has no room for it
    ) -> web.StreamResponse:
        """Answer what is no HTTP, and end the connection; break it off where an answer has begun."""
        if isinstance(exc, ConnectionError) or request.writer.output_size > 0:
            raise ConnectionResetError("an answer was broken off") from exc
        if status >= 500:
            _log.error("a load balancer failed to answer", exc_info=exc)
        answer = answers.page(status)
        answer.force_close()
        return answer


class HttpServer(web.Server):
    """Makes the protocol of each connection; `answer` gets their requests, and is cancelled when its client is gone.

    `keepalive`: seconds that a connection may be idle.
    """

    def __init__(self, answer: Answer, keepalive: float) -> None:
        super().__init__(
            answer,
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=keepalive,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )

    def __call__(self) -> web.RequestHandler:
        """Return a protocol for one connection."""
        return _Connection(self, loop=self._loop, **self._kwargs)
