"""The process as the image runs it: `python -m missyou_backend`, over real sockets."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from missyou_local.dataplane import postgres


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


@dataclass(slots=True)
class Backend:
    """A running backend. `log` is the file of its output."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, dict[str, object]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json", **bearer(token)})
        answer = connection.getresponse()
        content = json.loads(answer.read())
        connection.close()
        return answer.status, content

    def raw(self, data: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as peer:
            peer.sendall(data)
            answer = b""
            while more := peer.recv(65536):
                answer += more
            return answer

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def answers(backend: Backend, path: str, status: int) -> bool:
    assert backend.process.poll() is None, backend.log.read_text()
    try:
        return backend.ask("GET", path)[0] == status
    except OSError:
        return False


def started(folder: Path, **environ: str) -> Backend:
    port = postgres.free_port()
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "missyou_backend"],
            stdout=output,
            stderr=output,
            env={"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": str(port), **environ},
        )
    return Backend(process, port, log)


@pytest.fixture
def backend(new_url, tmp_path) -> Iterator[tuple[Backend, str]]:
    """A serving backend with its own empty database, and that database's URL."""
    url = new_url()
    # Requests may wait for a lock for long, so that one can be in flight for as long as a test wants.
    backend = started(tmp_path, DATABASE_URL=f"{url}?options=-c%20lock_timeout%3D20s%20-c%20statement_timeout%3D20s")
    try:
        until(lambda: answers(backend, "/live", 200))
        yield backend, url
    finally:
        backend.process.kill()
        backend.process.wait(10)


def test_it_serves_stops_gracefully_and_finishes_what_it_has_begun(backend) -> None:
    running, url = backend
    status, ann = running.ask("POST", "/v1/users", {"username": "ann"})
    assert status == 201
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as observer:
        holder.execute("LOCK TABLE users")
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        connection.request("GET", "/v1/users/1", headers=bearer(str(ann["token"])))
        blocked = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        until(lambda: observer.execute(blocked).fetchone() == (1,))
        idle = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        idle.request("GET", "/live")
        idle.getresponse().read()
        running.process.send_signal(signal.SIGTERM)
        assert idle.sock.recv(1) == b""  # it is stopping: what is idle has been closed
        assert running.process.poll() is None
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())) == (200, {"id": 1, "username": "ann"})
    connection.close()
    assert running.process.wait(25) == 0
    messages = [line["message"] for line in running.lines()]
    assert messages[0].startswith("migrated the schema")
    assert messages.count("started") == messages.count("stopped") == 1
    assert messages[-1] == "stopped"


def test_health_follows_the_database_and_live_does_not(backend, server) -> None:
    running, _ = backend
    server.stop()
    try:
        until(lambda: answers(running, "/health", 503))
        assert running.ask("GET", "/live")[0] == 200
        status, problem = running.ask("GET", "/v1/users", token="missyou_of-nobody")
        assert (status, problem["type"]) == (503, "/problems/unavailable")
    finally:
        server.start({"autovacuum": "off"})
    until(lambda: answers(running, "/health", 200))
    assert running.ask("GET", "/v1/users", token="missyou_of-nobody")[0] == 401


def test_it_can_be_stopped_while_it_waits_for_the_database(tmp_path) -> None:
    waiting = started(tmp_path, DATABASE_URL=f"postgresql://me:hunter2@127.0.0.1:{postgres.free_port()}/love")
    try:
        until(lambda: "is not available yet" in waiting.log.read_text())
        waiting.process.send_signal(signal.SIGTERM)
        assert waiting.process.wait(5) == 128 + signal.SIGTERM
    finally:
        waiting.process.kill()
        waiting.process.wait(10)
    assert "hunter2" not in waiting.log.read_text()
    assert "Traceback" not in waiting.log.read_text()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400),
        (b"POST /v1/users HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
    ],
)
def test_what_is_no_http_is_a_problem_too(shared, request_, status) -> None:
    head, _, body = shared.raw(request_).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == status


@pytest.fixture(scope="module")
def shared(new_url, tmp_path_factory) -> Iterator[Backend]:
    backend = started(tmp_path_factory.mktemp("shared"), DATABASE_URL=new_url(), GOOGLE_API_KEY="", DEBUG="true")
    try:
        until(lambda: answers(backend, "/live", 200))
        yield backend
    finally:
        backend.process.terminate()
        backend.process.wait(30)


def test_a_body_too_large_is_refused_with_and_without_a_length(shared) -> None:
    head = b"POST /v1/users HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    whole = shared.raw(head + b"Content-Length: 100000\r\n\r\n" + b" " * 100_000)
    assert whole.startswith(b"HTTP/1.1 413 ")
    chunked = shared.raw(
        head + b"Transfer-Encoding: chunked\r\n\r\n" + (b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 5 + b"0\r\n\r\n"
    )
    assert chunked.startswith(b"HTTP/1.1 413 ")
    assert b"/problems/too-large" in chunked
    assert shared.ask("GET", "/live")[0] == 200


def test_the_load_balancer_may_keep_its_connections(shared) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=10)
    for _ in range(3):
        connection.request("GET", "/live")
        answer = connection.getresponse()
        answer.read()
        assert answer.getheader("Connection") == "keep-alive"
    connection.close()


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "mysql://me:hunter2@db/love"}, "DATABASE_URL begins with mysql://"),
        ({"DATABASE_URL": "postgresql://me:hunter2@127.0.0.1/love", "PORT": "hunter2"}, "PORT must be"),
        (
            {"DATABASE_URL": "postgresql://me:x@127.0.0.1/love", "FIREBASE_SERVICE_ACCOUNT_KEY": '{"hunter2": 1}'},
            "FIREBASE_SERVICE_ACCOUNT_KEY",
        ),
    ],
)
def test_a_malformed_environment_is_one_line(environ, said) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "missyou_backend"],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "hunter2" not in ended.stdout + ended.stderr
