"""What clients get when a target, or their own request, is no good."""

from __future__ import annotations

import http.client
import re
import socket
import threading
from collections.abc import Callable

import pytest

from missyou_local.dataplane.balancing import Target
from tests.local.dataplane.balancing.support import App, Handler, Site, after, free_port, until

Start = Callable[..., App]


def assert_own_page(status: int, title: str, got_status: int, server: str | None, body: bytes) -> None:
    assert (got_status, server) == (status, "awselb/2.0")
    assert f"<h1>{status} {title}</h1>".encode() in body


def test_without_targets_503(site: Site) -> None:
    site.serve()
    got = site.get()
    assert_own_page(503, "Service Temporarily Unavailable", got.status, got.headers["Server"], got.body)
    assert got.headers["Content-Type"] == "text/html"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_target_that_refuses_502(site: Site, method: str) -> None:
    gone = Target("10.0.0.9:80", "127.0.0.1", free_port())
    site.register(gone)
    site.await_state(gone.id, "unhealthy")
    site.await_listening()
    got = site.get(method=method)
    assert_own_page(502, "Bad Gateway", got.status, got.headers["Server"], got.body)


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_target_that_breaks_off_or_babbles_502(site: Site, app: App, method: str, said: bytes) -> None:
    def break_off(handler: Handler) -> None:
        handler.wfile.write(said)
        handler.hang_up()

    app.on_request = break_off
    site.serve(app)
    got = site.get(method=method)
    assert_own_page(502, "Bad Gateway", got.status, got.headers["Server"], got.body)


def test_a_target_that_dies_amid_its_answer_breaks_the_answer(site: Site, app: App) -> None:
    def die(handler: Handler) -> None:
        handler.send_response_only(200)
        handler.send_header("Content-Length" if "sized" in handler.path else "X", "10")
        if "chunked" in handler.path:
            handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"3\r\nabc\r\n" if "chunked" in handler.path else b"abc")
        handler.hang_up()

    app.on_request = die
    site.serve(app)
    for path in "/sized", "/chunked":
        with pytest.raises(http.client.IncompleteRead):
            site.get(path)
    app.on_request = lambda handler: handler.say(200, b"alive")
    assert site.get().body == b"alive"


def test_a_target_that_does_not_answer_504(impatient: Site, app: App) -> None:
    forever = threading.Event()
    app.on_request = after(forever)
    impatient.serve(app)
    got = impatient.get()
    forever.set()
    assert_own_page(504, "Gateway Time-out", got.status, got.headers["Server"], got.body)


def test_the_idle_timeout_is_none_for_the_whole_answer(impatient: Site, app: App) -> None:
    pause = threading.Event()

    def slowly(handler: Handler) -> None:
        handler.send_response_only(200)
        handler.send_header("Content-Length", "4")
        handler.end_headers()
        for _ in range(4):
            handler.wfile.write(b"x")
            pause.wait(0.1)

    app.on_request = slowly
    impatient.serve(app)
    assert impatient.get().body == b"xxxx"


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nNo colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET /" + b"a" * 17000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
    ],
)
def test_bad_requests_400(site: Site, app: App, sent: bytes) -> None:
    site.serve(app)
    got = site.raw(sent)
    assert re.match(rb"HTTP/1\.[01] 400 Bad Request\r\nServer: awselb/2\.0\r\n", got), got
    assert b"<h1>400 Bad Request</h1>" in got
    assert b"aiohttp" not in got
    assert app.asked == []


def test_a_body_that_stops_coming_408(impatient: Site, app: App) -> None:
    impatient.serve(app)
    with socket.create_connection(("127.0.0.1", impatient.listener.local_port), timeout=5) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 Request Time-out\r\nServer: awselb/2.0\r\n")


def test_trace_405(site: Site, app: App) -> None:
    site.serve(app)
    assert site.get(method="TRACE").status == 405


def test_a_client_that_leaves_frees_its_target(site: Site, app: App) -> None:
    left = threading.Event()

    def until_left(handler: Handler) -> None:
        if handler.connection.recv(1) == b"":
            left.set()
        handler.close_connection = True

    app.on_request = until_left
    site.serve(app)
    connection = site.connect()
    connection.request("GET", "/")
    until(lambda: app.asked, "the target was asked")
    connection.close()
    assert left.wait(5)
