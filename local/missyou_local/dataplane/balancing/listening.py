"""The ports of listeners: opened, tried again where they are taken, closed."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from missyou_local.dataplane.balancing.serving import HttpServer
from missyou_local.dataplane.balancing.values import Listener

#: Answers a request that reached a listener.
Answer = Callable[[Listener, web.BaseRequest], Awaitable[web.StreamResponse]]

_HOST = "127.0.0.1"
_RETRY = 0.5  # seconds until a taken port is tried again
_BACKLOG = 511
_log = logging.getLogger(__name__)

_Socket = tuple[str, str, int]
"""Name of the listener, protocol, port of this machine: what cannot change while it is open."""


@dataclass(slots=True)
class _Door:
    """A listener as it is now, and what serves it."""

    listener: Listener
    http: HttpServer
    opening: asyncio.Task[None] | None = None
    server: asyncio.Server | None = None


class Ports:
    """The listening sockets of listeners, on 127.0.0.1 only. To be used on one event loop.

    `keepalive`: seconds that a client's connection may be idle. `problems`: name of a listener -> why it does not
    listen; may be read from any thread.
    """

    def __init__(self, answer: Answer, tls: ssl.SSLContext, keepalive: float) -> None:
        self._answer = answer
        self._tls = tls
        self._keepalive = keepalive
        self._doors: dict[_Socket, _Door] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self.problems: dict[str, str] = {}

    def follow(self, listeners: Iterable[Listener]) -> None:
        """Open the ports of these listeners, and close all others: requests that they have taken are still answered."""
        wanted = {(one.name, one.protocol, one.local_port): one for one in listeners}
        for gone in self._doors.keys() - wanted.keys():
            self._close(self._doors.pop(gone), grace=self._keepalive)
        for socket, listener in wanted.items():
            if socket in self._doors:
                self._doors[socket].listener = listener
            else:
                self._doors[socket] = self._door(listener)

    def _door(self, listener: Listener) -> _Door:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return await self._answer(door.listener, request)

        door = _Door(listener, HttpServer(answer, self._keepalive))
        door.opening = asyncio.create_task(self._open(door))
        return door

    async def _open(self, door: _Door) -> None:
        listener = door.listener
        tls = self._tls if listener.protocol == "HTTPS" else None
        listen = partial(asyncio.get_running_loop().create_server, door.http, _HOST, listener.local_port)
        while True:
            try:
                # In two steps, so that a cancellation amid them leaves no open socket that nobody knows.
                door.server = await listen(ssl=tls, backlog=_BACKLOG, start_serving=False)
                await door.server.start_serving()
            except OSError as error:
                if door.server is not None:
                    door.server.close()
                if listener.name not in self.problems:
                    _log.warning("listener %s cannot listen: %s", listener.name, error)
                self.problems[listener.name] = str(error)
                await asyncio.sleep(_RETRY)
            else:
                self.problems.pop(listener.name, None)
                return

    def _close(self, door: _Door, grace: float) -> None:
        """Free the port at once; let running requests end within `grace` seconds."""
        self.problems.pop(door.listener.name, None)
        if door.opening is not None:
            door.opening.cancel()
        if door.server is not None:
            door.server.close()
        door.http.pre_shutdown()
        leaving = asyncio.create_task(door.http.shutdown(grace))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Free all ports, and break off the requests that run."""
        for leaving in self._leaving:
            leaving.cancel()
        for door in self._doors.values():
            self._close(door, grace=0.01)
        self._doors.clear()
        await asyncio.gather(*self._leaving, return_exceptions=True)
