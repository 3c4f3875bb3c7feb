"""What a request and its answer look like on the other side of a load balancer."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator

import pytest

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
    site.get("/", X_Forwarded_For="203.0.113.7", Host="app.test", Connection="keep-alive", Upgrade="websocket")
    headers = app.asked[1].headers
    assert (headers["X-Forwarded-For"], headers["Host"]) == ("203.0.113.7, 127.0.0.1", "app.test")
    assert not {"Connection", "Upgrade"} & set(headers)


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


def test_connections_to_targets_are_kept(site: Site, app: App) -> None:
    site.serve(app)
    for _ in range(5):
        site.get()
    assert len({asked.connection for asked in app.asked}) == 1
