"""A request sent on to a target, and its answer sent back, both as streams.

Source of statuses: user guide of Application Load Balancers, "Troubleshoot your Application Load Balancers". WebSockets
and other upgrades are not carried: targets get such a request as a plain one. Header bytes that are not UTF-8 are lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web
from yarl import URL

from missyou_local.dataplane.balancing import answers, headers
from missyou_local.dataplane.balancing.values import Listener, Target

_CONNECT_TIMEOUT = 10.0  # seconds, as of an ALB: its troubleshooting guide, HTTP 504
_log = logging.getLogger(__name__)


class _ClientError(Exception):
    """A client did not send the body that it began: `status` is for it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Forwarder:
    """Forwards requests over connections that it keeps. `idle_timeout` in seconds. To be used on one event loop."""

    def __init__(self, idle_timeout: float) -> None:
        self._idle_timeout = idle_timeout
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=idle_timeout),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT, sock_read=idle_timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            max_line_size=32 * 1024,
            max_field_size=32 * 1024,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def forward(self, request: web.BaseRequest, target: Target, listener: Listener) -> web.StreamResponse:
        """Return a target's answer to a request, or the page that says why there is none.

        Raises ConnectionError if the target breaks off amid its answer, so that the client's connection is broken too.
        """
        url = URL(f"http://{target.host}:{target.port}{request.rel_url.raw_path_qs}", encoded=True)
        sent = headers.to_target(request.headers, request.remote or "", listener)
        answer: web.StreamResponse | None = None
        _invite_body(request)
        try:
            async with self._session.request(
                request.method,
                url,
                headers=sent,
                data=_upload(request, self._idle_timeout) if request.can_read_body else None,
                allow_redirects=False,
            ) as received:
                answer = _Relayed(status=received.status, reason=received.reason)
                answer.headers.extend(headers.end_to_end(received.headers))
                await _relay(request, received, answer)
                return answer
        except (TimeoutError, aiohttp.ClientError) as error:
            if answer is not None and answer.prepared:
                raise ConnectionResetError(f"target {target.id} broke off amid its answer") from error
            return _failure(error, target)


class _Relayed(web.StreamResponse):
    """A target's answer, with no header that the target did not send but those of the connection, and Date."""

    async def _prepare_headers(self) -> None:
        absent = [name for name in ("Server", "Content-Type") if name not in self.headers]
        await super()._prepare_headers()
        for name in absent:
            self.headers.popall(name, None)


def _invite_body(request: web.BaseRequest) -> None:
    """Tell a client that waits for it to send its body, at once as an ALB does."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _upload(request: web.BaseRequest, idle_timeout: float) -> AsyncIterator[bytes]:
    try:
        while not request.content.at_eof():
            async with asyncio.timeout(idle_timeout):
                chunk = await request.content.readany()
            yield chunk
    except TimeoutError:
        raise _ClientError(408) from None
    except web.RequestPayloadError:
        raise _ClientError(400) from None


async def _relay(request: web.BaseRequest, received: aiohttp.ClientResponse, answer: web.StreamResponse) -> None:
    await answer.prepare(request)
    async for chunk in received.content.iter_any():
        await answer.write(chunk)
    await answer.write_eof()


def _failure(error: Exception, target: Target) -> web.Response:
    if isinstance(error.__cause__, _ClientError):
        return answers.page(error.__cause__.status)
    _log.info("target %s gave no answer: %s", target.id, error or type(error).__name__)
    return answers.page(504 if isinstance(error, TimeoutError) else 502)
