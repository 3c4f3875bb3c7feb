"""Ports: opened, taken, changed under load, freed."""

from __future__ import annotations

import asyncio
import gc
import http.client
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

from missyou_local.dataplane.balancing import Forward, Listener, LoadBalancers, Redirect
from missyou_local.dataplane.balancing.listening import Ports
from tests.local.dataplane.balancing.support import BALANCER, GROUP, App, Site, after, ask, free_port, listens, until

Start = Callable[..., App]


def https(local_port: int) -> Listener:
    return Listener("https", BALANCER, "HTTPS", 443, local_port, Forward({GROUP: 1}))


def trusting(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate[0])


def test_https(site: Site, app: App, certificate: tuple[Path, Path]) -> None:
    port = free_port()
    site.serve(app)
    site.apply(https(port))
    until(lambda: listens(port), "it listens")
    connection = http.client.HTTPSConnection("localhost", port, timeout=5, context=trusting(certificate))
    assert ask(connection, "GET", "/").body == b"app"
    assert app.asked[0].headers["X-Forwarded-Proto"] == "https"
    assert app.asked[0].headers["X-Forwarded-Port"] == "443"


def test_a_redirect_to_https_can_be_followed_here(site: Site, app: App, certificate: tuple[Path, Path]) -> None:
    port = free_port()
    site.serve(app)
    site.listener = replace(site.listener, action=Redirect("HTTPS", 443))
    site.apply(https(port))
    until(lambda: listens(port), "it listens")
    got = site.get("/a?b=c", Host=f"localhost:{site.listener.local_port}")
    assert (got.status, got.headers["Location"]) == (301, f"https://localhost:{port}/a?b=c")
    connection = http.client.HTTPSConnection("localhost", port, timeout=5, context=trusting(certificate))
    assert ask(connection, "GET", "/a?b=c").body == b"app"


def test_another_balancers_port_is_not_written_into_a_redirect(site: Site) -> None:
    site.listener = replace(site.listener, action=Redirect("HTTPS", 443, 302))
    site.apply(replace(https(free_port()), balancer="another"))
    site.await_listening()
    got = site.get("/", Host="app.test")
    assert (got.status, got.headers["Location"]) == (302, "https://app.test:443/")


def test_only_this_machine_is_listened_to(site: Site) -> None:
    site.serve()
    port = f"{site.listener.local_port:04X}"
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = "0A"
    assert [s[1] for s in sockets if s[1].endswith(":" + port) and s[3] == listening] == [f"0100007F:{port}"]


def test_fifty_requests_over_ten_connections_at_a_time(site: Site, start: Start) -> None:
    site.serve(start("one"), start("two"))
    together = threading.Barrier(10)

    def ask_five(number: int) -> list[tuple[int, bytes]]:
        connection = site.connect()
        together.wait(5)
        got = [ask(connection, "POST", f"/{number}", b"x" * 1000 * number, keep=True) for _ in range(5)]
        connection.close()
        return [(one.status, one.body) for one in got]

    with ThreadPoolExecutor(10) as pool:
        answers = [answer for five in pool.map(ask_five, range(10)) for answer in five]
    assert sorted(answers) == [(200, b"one")] * 25 + [(200, b"two")] * 25


def test_a_taken_port_is_tried_again_while_others_go_on(site: Site, app: App) -> None:
    other = replace(site.listener, name="other", port=8080, local_port=free_port())
    with socket.create_server(("127.0.0.1", site.listener.local_port)):
        site.group = replace(site.group, targets=(app.target(),))
        site.apply(other)
        until(lambda: listens(other.local_port), "the other listens")
    site.await_listening()
    site.await_state(app, "healthy")
    assert site.get().status == 200


def test_a_listener_that_goes_frees_its_port_at_once_and_answers_what_it_has(site: Site, app: App) -> None:
    finish = threading.Event()
    app.on_request = after(finish, 200, b"finished")
    site.serve(app)
    idle, busy = site.connect(), site.connect()
    idle.connect()
    busy.request("GET", "/")
    until(lambda: app.asked, "a request is in flight")
    site.balancers.apply((), ())
    until(lambda: not listens(site.listener.local_port), "the port is free")
    assert idle.sock.recv(1) == b"", "an idle connection is closed"
    busy.sock.settimeout(0.1)
    with pytest.raises(TimeoutError):
        busy.sock.recv(1)
    busy.sock.settimeout(5)
    finish.set()
    assert busy.getresponse().read() == b"finished"
    busy.close()
    idle.close()


def test_a_port_can_pass_from_one_listener_to_another(site: Site, app: App) -> None:
    site.serve(app)
    site.listener = replace(site.listener, name="successor", action=Redirect("HTTPS", 443))
    site.apply()

    def answers() -> bool:
        try:
            return site.get().status == 301
        except OSError:  # between the two
            return False

    until(answers, "the successor answers")


@pytest.mark.parametrize("steps", range(6))
def test_a_listener_withdrawn_while_it_opens_leaves_nothing_open(steps: int) -> None:
    port = free_port()

    async def open_and_withdraw() -> None:
        ports = Ports(never_asked, ssl.create_default_context(), keepalive=1.0)
        ports.follow([Listener("l", BALANCER, "HTTP", 80, port, Forward({GROUP: 1}))])
        for _ in range(steps):  # of the event loop
            await asyncio.sleep(0)
        ports.follow([])
        await asyncio.sleep(0)
        socket.create_server(("127.0.0.1", port)).close()
        await ports.close()

    asyncio.run(open_and_withdraw())


async def never_asked(_: Listener, __: web.BaseRequest) -> web.StreamResponse:
    raise NotImplementedError


def answered_since(seen: int, *apps: App) -> bool:
    return sum(len(app.asked) for app in apps) > seen + 8


def test_changes_under_load_lose_no_request(site: Site, start: Start) -> None:
    one, two = start("one"), start("two")
    site.serve(one, two)
    stop = threading.Event()

    def keep_asking(_: int) -> list[int]:
        connection, statuses = site.connect(), []
        while not stop.is_set():
            statuses.append(ask(connection, "GET", "/", keep=True).status)
        connection.close()
        return statuses

    with ThreadPoolExecutor(4) as pool:
        asking = pool.map(keep_asking, range(4))
        for turn in range(60):
            seen = len(one.asked) + len(two.asked)
            targets = one.target(draining=turn % 4 == 1), two.target(draining=turn % 4 == 3)
            site.listener = replace(site.listener, port=80 + turn % 2)
            site.register(*targets)
            for each, target in ((one, targets[0]), (two, targets[1])):
                if not target.draining:
                    site.await_state(each, "healthy")
            until(partial(answered_since, seen, one, two), "requests go on")
        stop.set()
    statuses = [status for some in asking for status in some]
    assert len(statuses) > 480
    assert set(statuses) == {200}


def test_what_has_not_changed_costs_nothing(site: Site, app: App) -> None:
    site.serve(app)
    connection = site.connect()
    ask(connection, "GET", "/", keep=True)
    for _ in range(1000):
        site.apply()
    assert ask(connection, "GET", "/").status == 200
    assert site.health(app).state == "healthy"  # type: ignore[union-attr]


@pytest.mark.parametrize("busy", [False, True])
def test_close_frees_ports_and_ends_the_thread(
    certificate: tuple[Path, Path], app: App, recwarn: pytest.WarningsRecorder, busy: bool
) -> None:
    # What earlier tests have left to the garbage collector is not ours.
    gc.collect()
    recwarn.clear()
    before = set(threading.enumerate())
    site = Site(LoadBalancers(certificate))
    site.serve(app)
    ours = {thread for thread in set(threading.enumerate()) - before if thread.name == "load-balancers"}
    assert len(ours) == 1
    never = threading.Event()
    if busy:
        app.on_request = after(never)
    connection = site.connect()
    connection.request("GET", "/")
    until(lambda: app.asked, "a request came")
    site.balancers.close()
    assert not any(thread.is_alive() for thread in ours)
    socket.create_server(("127.0.0.1", site.listener.local_port)).close()
    site.balancers.close()
    site.apply()
    never.set()
    connection.close()
    assert [str(warning.message) for warning in recwarn] == []
