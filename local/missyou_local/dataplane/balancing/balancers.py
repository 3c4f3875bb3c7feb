"""The load balancers of a data plane, on an event loop and a thread of their own."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from aiohttp import web

from missyou_local.dataplane.balancing.checking import Checker, Member
from missyou_local.dataplane.balancing.forwarding import Forwarder
from missyou_local.dataplane.balancing.listening import Ports
from missyou_local.dataplane.balancing.routing import candidates, in_turn, location
from missyou_local.dataplane.balancing.values import (
    Check,
    Forward,
    Group,
    Listener,
    Redirect,
    Target,
    TargetHealth,
)


class LoadBalancers:
    """Listens, checks and forwards as ALBs do, on 127.0.0.1. All methods may be called from any thread.

    `certificate`: the chain and key files of all HTTPS listeners. `idle_timeout`: seconds that a target may take to
    respond, or a connection be idle. Missing: HTTP/2, WebSockets,
    listener rules, fixed responses, stickiness, and an ALB's error pages.
    """

    def __init__(self, certificate: tuple[Path, Path], *, idle_timeout: float = 60.0) -> None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*certificate)
        self._lock = threading.Lock()
        self._closed = False
        self._listeners: tuple[Listener, ...] = ()
        self._groups: dict[str, Group] = {}
        self._turns: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="load-balancers", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(tls, idle_timeout), self._loop).result()

    def apply(self, listeners: Iterable[Listener], groups: Iterable[Group]) -> None:
        """Adopt the whole desired state; ports open and close soon after. Do nothing once closed."""
        desired = tuple(listeners), {group.name: group for group in groups}
        with self._lock:
            if self._closed or desired == (self._listeners, self._groups):
                return
            self._listeners, self._groups = desired
            self._loop.call_soon_threadsafe(self._follow)

    def health(self, group: str, target: str) -> TargetHealth | None:
        """Return the health of a target as checks find it, None if it is not checked (unused, draining, unknown)."""
        targets = self._groups[group].targets if group in self._groups else ()
        return next((self._checker.health((group, one)) for one in targets if one.id == target), None)

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
        # A transport closes its socket in the turn of the loop after the one that closed it.
        await asyncio.sleep(0)

    def _follow(self) -> None:
        listeners, groups = self._listeners, self._groups
        self._checker.follow(_checks(listeners, groups.values()))
        self._ports.follow(one for one in listeners if one.admits)

    async def _answer(self, listener: Listener, request: web.BaseRequest) -> web.StreamResponse:
        action = listener.action
        if isinstance(action, Redirect):
            ports = {one.port: one.local_port for one in self._listeners if one.balancer == listener.balancer}
            return web.Response(status=action.status, headers={"Location": location(action, request.url, ports.get)})
        self._turns[listener.name] += 1
        group = in_turn(action.weights, self._turns[listener.name])
        target = self._choose(group) if group else None
        return await self._forwarder.forward(request, target, listener) if target else web.Response(status=503)

    def _choose(self, name: str) -> Target | None:
        """Return the target of a group whose turn it is."""
        group = self._groups.get(name)
        able = candidates(group.targets, lambda target: self._checker.health((name, target))) if group else ()
        if not able:
            return None
        self._turns[name] += 1
        return able[self._turns[name] % len(able)]


def _checks(listeners: Iterable[Listener], groups: Iterable[Group]) -> dict[Member, Check]:
    """Return what is to be checked, and how: the targets that can get traffic, from whomever.

    Source: user guide of Application Load Balancers, "Health checks for Application Load Balancer target groups": a
    group is checked once a listener's rule names it. Who may connect to the listener is not asked.
    """
    used = {group for one in listeners if isinstance(one.action, Forward) for group in one.action.weights}
    return {
        (group.name, target): group.check
        for group in groups
        if group.name in used
        for target in group.targets
        if not target.draining
    }
