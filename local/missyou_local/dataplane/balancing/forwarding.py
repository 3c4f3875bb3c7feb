"""Sends a request on to a target and its response back, both as streams.

Source of statuses: user guide of Application Load Balancers, "Troubleshoot your Application Load Balancers". WebSockets
and other upgrades are not supported: a target gets such a request as a plain one.
"""

from __future__ import annotations

import logging
import secrets
import time

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from missyou_local.dataplane.balancing.values import Listener, Target

_CONNECT_TIMEOUT = 10.0  # seconds, as of an ALB: its troubleshooting guide, HTTP 504
#: RFC 9110, section 7.6.1: these concern one connection only.
_HOP_BY_HOP = ("Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Expect")
_TRACE_ID = "X-Amzn-Trace-Id"
_log = logging.getLogger(__name__)


class Forwarder:
    """Forwards requests over connections that it keeps. `idle_timeout` in seconds. Use it on one event loop."""

    def __init__(self, idle_timeout: float) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=idle_timeout),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT, sock_read=idle_timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def forward(self, request: web.BaseRequest, target: Target, listener: Listener) -> web.StreamResponse:
        """Return a target's response to a request, or a 502 or 504.

        Raises ConnectionError if the target breaks off amid its response: the client's connection breaks too.
        """
        if target.port is None:
            return web.Response(status=504)
        url = URL(f"http://{target.host}:{target.port}{request.rel_url.raw_path_qs}", encoded=True)
        response: web.StreamResponse | None = None
        try:
            async with self._session.request(
                request.method,
                url,
                headers=_to_target(request, listener),
                data=request.content if request.can_read_body else None,
                allow_redirects=False,
            ) as received:
                response = web.StreamResponse(
                    status=received.status, reason=received.reason, headers=_end_to_end(received.headers)
                )
                await response.prepare(request)
                async for chunk in received.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
                return response
        except (TimeoutError, aiohttp.ClientError) as error:
            if response is not None and response.prepared:
                raise ConnectionResetError(f"target {target.id} broke off amid its response") from error
            _log.info("target %s did not respond: %s", target.id, error or type(error).__name__)
            return web.Response(status=504 if isinstance(error, TimeoutError) else 502)


def _end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    kept = headers.copy()
    for name in _HOP_BY_HOP:
        kept.popall(name, None)
    return kept


def _to_target(request: web.BaseRequest, listener: Listener) -> CIMultiDict[str]:
    """Add what an ALB adds (user guide, "HTTP headers and Application Load Balancers", the mode "append")."""
    sent = _end_to_end(request.headers)
    sent["X-Forwarded-For"] = ", ".join((*sent.popall("X-Forwarded-For", ()), request.remote or ""))
    sent["X-Forwarded-Proto"] = listener.protocol.lower()
    sent["X-Forwarded-Port"] = str(listener.port)
    sent.setdefault(_TRACE_ID, f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}")
    return sent
