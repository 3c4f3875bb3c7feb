"""Clients that send slowly occupy no thread: they are cut off in time, and meanwhile everybody else is served."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import psycopg
import pytest

from missyou_backend.server import CONNECTIONS, THREADS

from .test_process import Backend, answers, started, until

HEAD = b"POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
SLOW_BODY = HEAD + b"Content-Length: 100\r\n\r\n{"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
#: Seconds: ECS and the load balancer give a health check five.
PROMPTLY = 5.0
#: The setting of the backend under test.
REQUEST_SECONDS = 2


@pytest.fixture(scope="module")
def one_vcpu() -> Iterator[str]:
    """The URL of a task metadata endpoint, so that the backend has one worker, as on Fargate, on any machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"Limits": {"CPU": 0.5}}).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def start(one_vcpu, new_url, tmp_path_factory) -> Iterator[Callable[[int], tuple[Backend, str]]]:
    """Return a function that starts a backend with its own database, and returns both."""
    running: list[Backend] = []

    def make(request_seconds: int) -> tuple[Backend, str]:
        url = new_url()
        backend = started(
            tmp_path_factory.mktemp("slow"),
            DATABASE_URL=f"{url}?options=-c%20lock_timeout%3D20s%20-c%20statement_timeout%3D20s",
            ECS_CONTAINER_METADATA_URI_V4=one_vcpu,
            REQUEST_SECONDS=str(request_seconds),
        )
        running.append(backend)
        until(lambda: answers(backend, "/health", 200))
        return backend, url

    yield make
    for backend in running:
        backend.process.kill()
        backend.process.wait(10)


@pytest.fixture(scope="module")
def patient(start) -> tuple[Backend, str]:
    """A backend that gives a request a minute, so that slow clients stay for a whole test."""
    return start(60)


@pytest.fixture(scope="module")
def strict(start) -> Backend:
    return start(REQUEST_SECONDS)[0]


@contextlib.contextmanager
def clients(backend: Backend, count: int, data: bytes) -> Iterator[list[socket.socket]]:
    """Open connections that buffer little, send data on each, and close them in the end."""
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            opened.append(socket.socket())
            opened[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            opened[-1].settimeout(10)
            opened[-1].connect(("127.0.0.1", backend.port))
            opened[-1].sendall(data)
        yield opened
    finally:
        for each in opened:
            each.close()


def seconds_of(backend: Backend, path: str) -> float:
    """Return how long a path took to answer 200."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", backend.port, timeout=10)
    connection.request("GET", path)
    assert connection.getresponse().status == 200
    connection.close()
    return time.monotonic() - began


@pytest.mark.parametrize(
    "data",
    [
        SLOW_BODY,
        HEAD,
        b"P",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"GET /live HTTP/1.1\r\n\r\nGET /l",
        b"",
    ],
    ids=["bodies", "headers", "a letter", "chunks", "a second request", "nothing"],
)
def test_fifty_slow_clients_keep_nobody_from_an_answer(patient, data) -> None:
    backend, _ = patient
    with clients(backend, 50, data):
        for path in ("/health", "/live", "/", "/openapi.json"):
            assert seconds_of(backend, path) < PROMPTLY, path


def test_more_slow_clients_than_a_worker_takes_make_room_for_others(patient) -> None:
    backend, _ = patient
    with clients(backend, CONNECTIONS + 50, SLOW_BODY):
        for _ in range(5):
            assert seconds_of(backend, "/health") < PROMPTLY


def test_requests_that_occupy_every_thread_do_not_delay_a_health_check(patient) -> None:
    backend, url = patient
    body = b'{"username": "someone"}'
    whole = HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    with psycopg.connect(url) as holder:
        holder.execute("LOCK TABLE users")
        # Each waits three seconds for a connection to the database, and the last eight for those before them.
        with clients(backend, 5 * THREADS, whole):
            for path in ("/health", "/live"):
                assert seconds_of(backend, path) < PROMPTLY
        holder.rollback()
    until(lambda: answers(backend, "/", 200))


def test_clients_that_read_no_answers_delay_no_health_check(patient) -> None:
    """They ask for some ten megabytes each, far more than a connection buffers: the threads wait for them."""
    backend, _ = patient
    with clients(backend, 2 * THREADS, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 300):
        for path in ("/health", "/live"):
            assert seconds_of(backend, path) < PROMPTLY


def rest_of(client: socket.socket) -> bytes:
    answer = b""
    while more := client.recv(65536):
        answer += more
    return answer


@pytest.mark.parametrize("data", [SLOW_BODY, HEAD], ids=["body", "headers"])
def test_a_request_that_drips_is_cut_off_with_408(strict, data) -> None:
    """Each byte comes in time; all of them do not."""
    began = time.monotonic()
    with clients(strict, 1, data) as [client]:
        client.settimeout(0.2)
        answer = b""
        while not answer:
            assert time.monotonic() - began < REQUEST_SECONDS + 10, "nothing cut it off"
            client.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                answer = client.recv(65536)
    assert time.monotonic() - began > REQUEST_SECONDS - 0.5
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close" in head
    assert json.loads(body)["detail"] == f"The whole request must arrive within {REQUEST_SECONDS} s."


def test_a_second_request_that_drips_is_cut_off_too(strict) -> None:
    with clients(strict, 1, b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n" + HEAD) as [client]:
        answer = rest_of(client)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in answer


def test_a_connection_without_a_request_is_closed_without_an_answer(strict) -> None:
    with clients(strict, 1, b"") as [client]:
        assert rest_of(client) == b""


def test_a_client_that_waits_for_continue_gets_it(strict) -> None:
    body = b'{"username": "Connie"}'
    head = HEAD + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    with clients(strict, 1, head) as [client]:
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert b"HTTP/1.1 201 " in rest_of(client)


def test_requests_sent_together_are_answered_in_order(strict) -> None:
    together = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with clients(strict, 1, together) as [client]:
        answer = rest_of(client)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 404 ") == 1
