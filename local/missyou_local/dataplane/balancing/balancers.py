"""The load balancers of a data plane, on an event loop and a thread of their own."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterable
from pathlib import Path

from aiohttp import web

from missyou_local.dataplane.balancing import answers
from missyou_local.dataplane.balancing.checking import Checker
from missyou_local.dataplane.balancing.forwarding import Forwarder
from missyou_local.dataplane.balancing.health import DRAINING, UNUSED
from missyou_local.dataplane.balancing.listening import Ports
from missyou_local.dataplane.balancing.redirecting import Asked, location
from missyou_local.dataplane.balancing.routing import RoundRobin, action_for, candidates, hostname
from missyou_local.dataplane.balancing.values import Fixed, Group, Listener, Redirect, Target, TargetHealth
from missyou_local.dataplane.balancing.wanted import Checked, Wanted


class LoadBalancers:
    """Listens, checks and forwards as ALBs do, on 127.0.0.1. All methods may be called from any thread.

    `certificate`: the chain and key files of all HTTPS listeners. `idle_timeout`: seconds that a target may take to
    answer, or a connection be idle. What an ALB has and this has not: HTTP/2, WebSockets, stickiness, weights.
    """

    def __init__(self, certificate: tuple[Path, Path], *, idle_timeout: float = 60.0) -> None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*certificate)
        self._lock = threading.Lock()
        self._closed = False
        self._wanted = Wanted()
        self._turns = RoundRobin()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="load-balancers", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(tls, idle_timeout), self._loop).result()

    def apply(self, listeners: Iterable[Listener], groups: Iterable[Group]) -> None:
        """Take on the whole state that is wanted; ports open and close soon after. Does nothing once closed."""
        wanted = Wanted(tuple(listeners), tuple(groups))
        with self._lock:
            if self._closed or wanted == self._wanted:
                return
            self._wanted = wanted
            self._loop.call_soon_threadsafe(self._follow)

    def health(self, group: str, target: str) -> TargetHealth | None:
        """Return the health of a target, None if it is not registered."""
        wanted = self._wanted
        registered = wanted.target(group, target)
        if registered is None:
            return None
        if registered.draining:
            return DRAINING
        if group not in wanted.used:
            return UNUSED
        return self._checker.vitals(Checked(group, registered)).told()

    def problems(self) -> dict[str, str]:
        """Return why listeners do not listen, by their names; each is tried again until it does."""
        return dict(self._ports.problems)

    def close(self) -> None:
        """Free all ports, break off what runs, and end the thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    async def _start(self, tls: ssl.SSLContext, idle_timeout: float) -> None:
        self._checker = Checker()
        self._forwarder = Forwarder(idle_timeout)
        self._ports = Ports(self._answer, tls, keepalive=idle_timeout)

    async def _end(self) -> None:
        await self._ports.close()
        await self._checker.close()
        await self._forwarder.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_asyncgens()

    def _follow(self) -> None:
        wanted = self._wanted
        self._turns.keep(frozenset(wanted.by_name))
        self._checker.follow(wanted.checks())
        self._ports.follow(wanted.listeners)

    async def _answer(self, listener: Listener, request: web.BaseRequest) -> web.StreamResponse:
        path = request.rel_url.raw_path
        if request.method == "TRACE":
            return answers.page(405)
        if request.method == "CONNECT" or not path.startswith("/"):
            return answers.page(400)
        host = hostname(request.headers.get("Host", "")) or "127.0.0.1"
        action = action_for(listener, host, path)
        if isinstance(action, Redirect):
            asked = Asked(listener.protocol, host, listener.port, path, request.rel_url.raw_query_string)
            wanted = self._wanted
            leads_to = location(action, asked, lambda port: wanted.local_port(listener.balancer, port))
            return answers.page(action.status, leads_to)
        if isinstance(action, Fixed):
            return answers.fixed(action)
        target = self._choose(action.group)
        return await self._forwarder.forward(request, target, listener) if target else answers.page(503)

    def _choose(self, name: str) -> Target | None:
        group = self._wanted.by_name.get(name)
        able = candidates(group, lambda target: self._checker.vitals(Checked(name, target))) if group else ()
        return self._turns.choose(name, able) if able else None
