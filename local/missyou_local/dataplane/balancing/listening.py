"""The ports of listeners: opened, tried again while they are taken, closed."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from missyou_local.dataplane.balancing.values import Listener

#: Answers a request that reached a listener.
Answer = Callable[[Listener, web.BaseRequest], Awaitable[web.StreamResponse]]
#: Name of the listener, protocol, port of this machine: what cannot change while it is open.
_Socket = tuple[str, str, int]

_HOST = "127.0.0.1"
_RETRY = 0.5  # seconds until a taken port is tried again
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Open:
    """A listener as it is now, and what serves it."""

    listener: Listener
    http: web.Server
    opening: asyncio.Task[None] | None = None
    server: asyncio.Server | None = None


class Ports:
    """The listening sockets of listeners, on 127.0.0.1 only. Use it on one event loop.

    `keepalive`: seconds that a client's connection may be idle.
    """

    def __init__(self, answer: Answer, tls: ssl.SSLContext, keepalive: float) -> None:
        self._answer = answer
        self._tls = tls
        self._keepalive = keepalive
        self._open: dict[_Socket, _Open] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def follow(self, listeners: Iterable[Listener]) -> None:
        """Open the ports of these listeners and close all others. Requests under way are still answered."""
        desired = {(one.name, one.protocol, one.local_port): one for one in listeners}
        for gone in self._open.keys() - desired.keys():
            self._close(self._open.pop(gone), grace=self._keepalive)
        for socket, listener in desired.items():
            if socket in self._open:
                self._open[socket].listener = listener
            else:
                self._open[socket] = self._begin(listener)

    def _begin(self, listener: Listener) -> _Open:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return await self._answer(opened.listener, request)

        http = web.Server(
            answer,
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=self._keepalive,
        )
        opened = _Open(listener, http)
        opened.opening = asyncio.create_task(self._listen(opened))
        return opened

    async def _listen(self, opened: _Open) -> None:
        listener = opened.listener
        tls = self._tls if listener.protocol == "HTTPS" else None
        listen = partial(asyncio.get_running_loop().create_server, opened.http, _HOST, listener.local_port)
        while True:
            try:
                # In two steps, so that a cancellation in between leaves no open socket behind.
                opened.server = await listen(ssl=tls, start_serving=False)
                await opened.server.start_serving()
            except OSError as error:
                if opened.server is not None:
                    opened.server.close()
                _log.warning("listener %s cannot listen: %s", listener.name, error)
                await asyncio.sleep(_RETRY)
            else:
                return

    def _close(self, opened: _Open, grace: float) -> None:
        """Free the port at once; let requests under way end within `grace` seconds."""
        if opened.opening is not None:
            opened.opening.cancel()
        if opened.server is not None:
            opened.server.close()
        opened.http.pre_shutdown()
        leaving = asyncio.create_task(opened.http.shutdown(grace))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Free all ports, and break off the requests under way."""
        for leaving in self._leaving:
            leaving.cancel()
        for opened in self._open.values():
            self._close(opened, grace=0.01)
        self._open.clear()
        await asyncio.gather(*self._leaving, return_exceptions=True)
