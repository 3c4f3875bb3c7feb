"""Measure the backend: requests per second of one task with half a vCPU and a million notifications in the database.

    python -m benchmarks.app [seconds per measurement]

PostgreSQL and the client share the machine with the backend, but not its limit: a control group with half a core. If no
control group can be created, the first line says so, and the figures are those of a whole core.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psycopg
from sqlalchemy.dialects import postgresql

from missyou_backend.cursors import Place
from missyou_backend.database_url import connection_parameters
from missyou_backend.limits import NAMES
from missyou_backend.migrate import migrate
from missyou_backend.notifications import list_query
from missyou_local.dataplane import postgres

USERS, NOTIFICATIONS, FRIENDS = 10_000, 1_000_000, 20
CPUS, CONNECTIONS = 0.5, 8
_PERIOD = 100_000
_FILL = (
    "INSERT INTO users (username) SELECT 'user' || n FROM generate_series(1, %(users)s) n",
    """
    INSERT INTO notifications (source_id, target_id, title, description, is_read, created_at)
    SELECT 1 + n %% %(users)s, 1 + n * 7919::bigint %% %(users)s, 'user' || n %% %(users)s || ' misses you',
      'I think of you, wherever you are. Come home soon. ' || n, n %% 3 > 0,
      timestamptz '2026-01-01Z' + make_interval(secs => n)
    FROM generate_series(1, %(notifications)s) n
    """,
    """
    INSERT INTO user_tokens (user_id, token_hash)
    SELECT n, sha256(('token' || n)::bytea) FROM generate_series(1, %(users)s) n
    """,
    """
    INSERT INTO consents (target_id, source_id, state)
    SELECT n, 1 + (n * 31 + k * 97) %% %(users)s, 'accepted'
    FROM generate_series(1, %(users)s) n, generate_series(1, %(friends)s) k
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO user_devices (user_id, device_token, platform)
    SELECT n, 'token' || n, 'ios' FROM generate_series(1, %(users)s) n
    """,
)

_SIZES = {"users": USERS, "notifications": NOTIFICATIONS, "friends": FRIENDS}

Ask = Callable[[http.client.HTTPConnection], int]


def _group(parent: Path, limits: dict[str, str]) -> Path | None:
    """Create a control group, if `parent` is a writable hierarchy of them."""
    folder = parent / f"missyou-bench-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError:
        return None
    try:
        for file, value in limits.items():
            # Not write_text, which would create a plain file if this is no control group.
            with (folder / file).open("r+") as setting:
                setting.write(value)
    except OSError:
        folder.rmdir()
        return None
    return folder


@contextmanager
def limited() -> Iterator[Path | None]:
    """Yield a control group (v2 or v1) with the CPU limit, or None if none can be created."""
    quota = str(int(CPUS * _PERIOD))
    group = _group(Path("/sys/fs/cgroup"), {"cpu.max": f"{quota} {_PERIOD}"}) or _group(
        Path("/sys/fs/cgroup/cpu"), {"cpu.cfs_period_us": str(_PERIOD), "cpu.cfs_quota_us": quota}
    )
    yield group
    if group:
        group.rmdir()


@contextmanager
def metadata() -> Iterator[str]:
    """Serve a task metadata endpoint like Fargate's, so that the backend starts as many workers as there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"Limits": {"CPU": CPUS}}).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@contextmanager
def backend(url: str, folder: Path, group: Path | None) -> Iterator[int]:
    """Run the backend under the limit and yield its port."""
    port = postgres.free_port()
    join = f"echo $$ > {group}/cgroup.procs; " if group else ""
    with metadata() as uri, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f'{join}exec "$0" -m missyou_backend', sys.executable],
            env={
                "PATH": os.environ["PATH"],
                "DATABASE_URL": url,
                "HOST": "127.0.0.1",
                "PORT": str(port),
                "ECS_CONTAINER_METADATA_URI_V4": uri,
                **{f"LIMIT_{name.upper()}": "999999999" for name in NAMES},
            },
            stdout=log,
            stderr=log,
        )
        try:
            _await(port)
            yield port
        finally:
            process.terminate()
            process.wait(40)


def _await(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise TimeoutError("the backend does not start")


def measure(port: int, ask: Ask, seconds: float) -> str:
    """Return requests per second and latencies, over `CONNECTIONS` kept-alive connections."""
    times: list[float] = []
    wrong: list[int] = []
    end = time.monotonic() + seconds

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while (began := time.monotonic()) < end:
            status = ask(connection)
            times.append(time.monotonic() - began)
            if status >= 300:
                wrong.append(status)
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(CONNECTIONS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cuts = statistics.quantiles(times, n=100)
    rate = len(times) / (time.monotonic() - began)
    result = f"{rate:7.0f} /s   p50 {cuts[49] * 1000:6.1f} ms   p99 {cuts[98] * 1000:6.1f} ms   {len(times)} requests"
    return f"{result}, {len(wrong)} FAILED: {sorted(set(wrong))}" if wrong else result


def _ask(
    connection: http.client.HTTPConnection, user: int, method: str, path: str, body: object = None, **headers: str
) -> int:
    text = None if body is None else json.dumps(body)
    sent = {"Content-Type": "application/json", "Authorization": f"Bearer token{user}", **headers}
    connection.request(method, path, text, sent)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _someone() -> int:
    return random.randint(1, USERS)  # noqa: S311 - no secret


def _source_of(target: int) -> int:
    """Return somebody whose messages the target accepts: see `_FILL`."""
    return 1 + (target * 31 + random.randint(1, FRIENDS) * 97) % USERS  # noqa: S311 - no secret


def _send(connection: http.client.HTTPConnection) -> int:
    target = _someone()
    body = {"targetId": target, "message": "I miss you"}
    return _ask(connection, _source_of(target), "POST", "/v1/notifications", body)


def _send_with_key(connection: http.client.HTTPConnection) -> int:
    target = _someone()
    body = {"targetId": target, "mood": "wistful", "language": "de"}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    return _ask(connection, _source_of(target), "POST", "/v1/notifications", body, **key)


def _list(connection: http.client.HTTPConnection) -> int:
    user = _someone()
    return _ask(connection, user, "GET", f"/v1/users/{user}/notifications?limit=20")


def _list_deep(connection: http.client.HTTPConnection) -> int:
    user = _someone()
    cursor = "1.1767500000000000.500000"  # half-way through the read ones
    return _ask(connection, user, "GET", f"/v1/users/{user}/notifications?limit=20&cursor={cursor}")


def _find(connection: http.client.HTTPConnection) -> int:
    return _ask(connection, _someone(), "GET", f"/v1/users?username=user{_someone()}")


def _fill(url: str) -> None:
    migrate(connection_parameters(url))
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in _FILL:
            connection.execute(statement.encode(), _SIZES)
        connection.execute("VACUUM ANALYZE")


def explain(url: str, after: Place | None) -> list[str]:
    """Return the lines of the plan that name a scan or its condition."""
    statement, parameters = list_query(1, after, 21)
    compiled = statement.compile(dialect=postgresql.dialect(paramstyle="pyformat"))  # type: ignore[no-untyped-call]
    explain = f"EXPLAIN (ANALYZE, BUFFERS) {compiled}".encode()
    with psycopg.connect(url) as connection:
        rows = connection.execute(explain, compiled.construct_params(parameters)).fetchall()
    return [line for (line,) in rows if any(word in line for word in ("Scan", "Cond", "Heap Fetches", "Execution"))]


def main() -> int:
    """Return the exit code."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with tempfile.TemporaryDirectory(prefix="missyou-bench-") as name, limited() as group:
        limit = f"{CPUS} of a core, by {group}" if group else "NONE: no control group can be created here"
        print(f"CPU limit of the backend: {limit}; one worker, {CONNECTIONS} connections, {seconds:.0f} s each")
        Path(name).chmod(0o755)
        server = postgres.create(Path(name) / "postgres")
        # As on RDS, except for the disk: writes are flushed.
        server.start({"fsync": "on", "full_page_writes": "on", "shared_buffers": "256MB", "max_wal_size": "2GB"})
        try:
            server.create_database("missyou", "app", "app")
            url = server.url("missyou", "app", "app")
            began = time.monotonic()
            _fill(url)
            print(f"{NOTIFICATIONS:,} notifications of {USERS:,} users loaded in {time.monotonic() - began:.0f} s")
            for line in explain(url, None):
                print(f"  {line}")
            with backend(url, Path(name), group) as port:
                for title, ask in (
                    ("list, first page of 20", _list),
                    ("list, a deep page", _list_deep),
                    ("find a user by name", _find),
                    ("send, own words", _send),
                    ("send, template, with a key", _send_with_key),
                ):
                    print(f"{title:<28}{measure(port, ask, seconds)}", flush=True)
        finally:
            server.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
