"""What a request and its answer look like on the other side of a load balancer."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from missyou_local.dataplane.balancing import Fixed, Rule
from tests.local.dataplane.balancing.support import App, Handler, Site, ask

Start = Callable[..., App]


def test_a_target_is_told_who_asked_and_how(site: Site, app: App) -> None:
    site.serve(app)
    assert site.get("/a/../b//c%2Fd?x=%20y&&z=").body == b"app"
    asked = app.asked[0]
    assert asked.path == "/a/../b//c%2Fd?x=%20y&&z="
    assert asked.headers["Host"] == f"127.0.0.1:{site.listener.local_port}"
    assert asked.headers["X-Forwarded-For"] == "127.0.0.1"
    assert asked.headers["X-Forwarded-Proto"] == "http"
    assert asked.headers["X-Forwarded-Port"] == "80"
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", asked.headers["X-Amzn-Trace-Id"])


def test_what_proxies_before_it_said_is_kept(site: Site, app: App) -> None:
    site.serve(app)
    root = "Root=1-67891233-abcdef012345678912345678"
    site.get("/", X_Forwarded_For="203.0.113.7", X_Forwarded_Proto="gopher", X_Amzn_Trace_Id=root, Host="app.test")
    headers = app.asked[0].headers
    assert headers.get_all("X-Forwarded-For") == ["203.0.113.7, 127.0.0.1"]
    assert headers.get_all("X-Forwarded-Proto") == ["http"]
    assert headers["X-Amzn-Trace-Id"].endswith(";" + root)
    assert headers["Host"] == "app.test"


def test_headers_of_one_connection_end_there_and_none_is_made_up(site: Site, app: App) -> None:
    app.on_request = lambda handler: handler.say(
        200, b"x", Keep_Alive="timeout=9", X_End="yes", Proxy_Authenticate="no"
    )
    site.serve(app)
    got = site.get(Connection="keep-alive, X-Hop", X_Hop="1", TE="trailers", Upgrade="websocket", X_End="1")
    assert set(app.asked[0].headers.keys()) == {
        *("Host", "Accept-Encoding", "X-End"),  # http.client sends the second
        *("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Amzn-Trace-Id"),
    }
    assert set(got.headers.keys()) == {"Content-Length", "X-End", "Date"}


def test_header_bytes_and_repeated_headers_come_through(site: Site, app: App) -> None:
    def two_cookies(handler: Handler) -> None:
        handler.send_response_only(200)
        handler.send_header("Set-Cookie", "a=1")
        handler.send_header("Set-Cookie", "b=2")
        handler.send_header("Server", "Python/3.11 aiohttp/3")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    app.on_request = two_cookies
    site.serve(app)
    got = site.get(X_Name="café".encode().decode("latin-1"))
    assert app.asked[0].headers["X-Name"].encode("latin-1").decode() == "café"
    assert got.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert got.headers["Server"] == "Python/3.11 aiohttp/3"


@pytest.mark.parametrize(("method", "status", "length"), [("HEAD", 200, "5"), ("GET", 204, None), ("GET", 304, None)])
def test_answers_without_bodies_leave_the_connection_in_step(
    site: Site, app: App, method: str, status: int, length: str | None
) -> None:
    def bodiless(handler: Handler) -> None:
        handler.send_response_only(status)
        if length:
            handler.send_header("Content-Length", length)
        handler.end_headers()

    site.serve(app)
    connection = site.connect()
    app.on_request = bodiless
    got = ask(connection, method, "/", keep=True)
    assert (got.status, got.body, got.headers["Content-Length"]) == (status, b"", length)
    assert got.headers["Transfer-Encoding"] is None
    app.on_request = lambda handler: handler.say(200, b"in step")
    assert ask(connection, "GET", "/").body == b"in step"


def test_a_targets_redirect_is_for_the_client(site: Site, app: App) -> None:
    app.on_request = lambda handler: handler.say(302, Location="/elsewhere")
    site.serve(app)
    got = site.get()
    assert (got.status, got.headers["Location"]) == (302, "/elsewhere")


def test_compressed_bodies_are_not_touched(site: Site, app: App) -> None:
    squeezed = b"\x1f\x8bnot really gzip"
    app.on_request = lambda handler: handler.say(200, squeezed, Content_Encoding="gzip")
    site.serve(app)
    assert ask(site.connect(), "POST", "/", squeezed, {"Content-Encoding": "gzip"}).body == squeezed
    assert app.asked[0].body == squeezed


def test_chunks_are_passed_on_as_they_come(site: Site, app: App) -> None:
    seen = threading.Event()

    def in_two(handler: Handler) -> None:
        handler.send_response_only(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"5\r\nfirst\r\n")
        assert seen.wait(5)
        handler.wfile.write(b"6\r\nsecond\r\n0\r\n\r\n")

    app.on_request = in_two
    site.serve(app)
    connection = site.connect()
    connection.request("GET", "/")
    response = connection.getresponse()
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert response.read(5) == b"first"
    seen.set()
    assert response.read() == b"second"
    connection.close()


def test_a_client_of_http_1_0_gets_no_chunks(site: Site, app: App) -> None:
    def chunked(handler: Handler) -> None:
        handler.send_response_only(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"5\r\nwhole\r\n0\r\n\r\n")

    app.on_request = chunked
    site.serve(app)
    head, _, body = site.raw(b"GET / HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")
    assert body == b"whole"
    assert b"chunked" not in head


def parts(count: int) -> Iterator[bytes]:
    return (bytes([number % 256]) * 65536 for number in range(count))


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_of_5_mb_is_streamed(site: Site, app: App, chunked: bool) -> None:
    site.serve(app)
    app.on_request = lambda handler: handler.say(200, str(len(app.asked[-1].body)).encode())

    def sent() -> Iterator[bytes]:
        stream = parts(80)
        yield next(stream)
        assert app.reached.wait(5), "the target had to wait for the whole body"
        yield from stream

    headers = {} if chunked else {"Content-Length": str(80 * 65536)}
    got = ask(site.connect(), "POST", "/", sent(), headers)
    assert got.body == str(80 * 65536).encode()
    assert app.asked[0].body == b"".join(parts(80))
    assert app.asked[0].headers["Transfer-Encoding"] == ("chunked" if chunked else None)


def test_a_body_that_waits_to_be_asked_for_is_asked_for(site: Site, app: App) -> None:
    site.serve(app)
    with socket.create_connection(("127.0.0.1", site.listener.local_port), timeout=5) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    assert app.asked[0].body == b"abc"
    assert app.asked[0].headers["Expect"] is None


def test_connections_to_targets_are_kept(site: Site, app: App) -> None:
    site.serve(app)
    for _ in range(5):
        site.get()
    assert len({asked.connection for asked in app.asked}) == 1


def test_fixed_responses(site: Site) -> None:
    says = Fixed(418, "application/json", '{"tea": true}')
    site.serve(rules=(Rule(1, ("/tea",), (), says),))
    got = site.get("/tea")
    assert (got.status, got.body, got.headers["Server"]) == (418, b'{"tea": true}', "awselb/2.0")
    assert got.headers["Content-Type"] == "application/json; charset=utf-8"
    assert site.get("/coffee").status == 503
