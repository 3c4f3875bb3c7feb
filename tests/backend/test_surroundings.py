"""The client's address, and the number of CPUs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from missyou_backend.cpus import vcpus, worker_count
from missyou_backend.forwarded import Forwarded


def seen(peer: str, **headers: str) -> tuple[str, str]:
    found: list[tuple[str, str]] = []

    def application(environ, _start):
        found.append((environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]))
        return []

    Forwarded(application)({"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", **headers}, lambda *_: None)
    return found[0]


@pytest.mark.parametrize("peer", ["10.0.1.7", "172.31.0.1", "192.168.4.4", "127.0.0.1"])
def test_the_load_balancer_is_believed_in_the_last_entry_only(peer) -> None:
    headers = {"HTTP_X_FORWARDED_FOR": "1.1.1.1, 203.0.113.9", "HTTP_X_FORWARDED_PROTO": "https"}
    assert seen(peer, **headers) == ("203.0.113.9", "https")
    assert seen(peer, HTTP_X_FORWARDED_FOR="2001:db8::1") == ("2001:db8::1", "http")


@pytest.mark.parametrize("peer", ["203.0.113.1", "172.32.0.1", "11.0.0.1", "100.64.0.1", "", "unix"])
def test_nobody_else_is(peer) -> None:
    assert seen(peer, HTTP_X_FORWARDED_FOR="1.1.1.1", HTTP_X_FORWARDED_PROTO="https") == (peer, "http")


@pytest.mark.parametrize("header", ["", "nonsense", "1.1.1.1,", "203.0.113.9:80", "1.1.1.1, x\u00e9"])
def test_what_is_no_address_is_ignored(header) -> None:
    assert seen("10.0.0.1", HTTP_X_FORWARDED_FOR=header, HTTP_X_FORWARDED_PROTO="gopher") == ("10.0.0.1", "http")


@pytest.fixture
def metadata() -> Iterator[tuple[str, dict[str, object]]]:
    """The URL of a task metadata endpoint, and its answer, to be set."""
    answer: dict[str, object] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/v4/abc/task" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v4/abc", answer
    server.shutdown()
    server.server_close()


def test_the_task_says_how_much_cpu_it_has(metadata, tmp_path) -> None:
    uri, answer = metadata
    environ = {"ECS_CONTAINER_METADATA_URI_V4": uri}
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    answer["Limits"] = {"CPU": 0.25, "Memory": 512}
    assert vcpus(environ, tmp_path) == 0.25
    for nonsense in ({}, {"CPU": "2"}, {"CPU": 0}, None, {"CPU": None}):
        answer["Limits"] = nonsense
        assert vcpus(environ, tmp_path) == 1.5


def test_else_the_cgroup_else_the_machine(tmp_path) -> None:
    unreachable = {"ECS_CONTAINER_METADATA_URI_V4": "http://127.0.0.1:1"}
    machine = vcpus(unreachable, tmp_path)
    assert machine >= 1
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert vcpus({}, tmp_path) == machine
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert vcpus({"ECS_CONTAINER_METADATA_URI_V4": "file:///etc"}, tmp_path) == 0.5


@pytest.mark.parametrize(("cpus", "workers"), [(0.25, 1), (0.5, 1), (1, 1), (2, 2), (4, 4)])
def test_a_worker_for_each_cpu(cpus, workers) -> None:
    assert worker_count(cpus) == workers
