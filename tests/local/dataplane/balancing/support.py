"""Real targets, real sockets, and the load balancers before them."""

from __future__ import annotations

import http.client
import http.server
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message

from missyou_local.dataplane.balancing import Check, Forward, Group, Listener, LoadBalancers, Target, TargetHealth

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/app/1"
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/app/1/1"
BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/app/1"
CHECK = Check(path="/health", interval=0.02, timeout=2.0, healthy=2, unhealthy=2, codes="200")


def until(holds: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Wait for a condition, which fails the test if it does not come to hold."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.002)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str
    headers: Message
    body: bytes
    connection: tuple[str, int]


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection to an App."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: App

    def handle_any(self) -> None:
        if self.path.startswith("/health"):
            self.server.checks.append(self.headers)
            self.server.on_check(self)
            return
        self.server.reached.set()
        asked = Asked(self.command, self.path, self.headers, self.body(), self.client_address)
        self.server.asked.append(asked)
        self.server.on_request(self)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Find do_GET and all its siblings."""
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send an answer with these headers only (an underscore for a hyphen)."""
        self.send_response_only(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def hang_up(self) -> None:
        """End the connection, whatever was sent before."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Tests read `asked`."""


class App(http.server.ThreadingHTTPServer):
    """A small app on a free port. `name` is what it answers; `on_request` and `on_check` may be replaced.

    `reached`: the headers of a request have come.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name: str = "app") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = name
        self.asked: list[Asked] = []
        self.checks: list[Message] = []
        self.reached = threading.Event()
        self.on_request: Callable[[Handler], None] = lambda handler: handler.say(200, name.encode())
        self.on_check: Callable[[Handler], None] = lambda handler: handler.say(200)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def handle_error(self, *_: object) -> None:
        """Broken connections are what some tests are about."""

    def target(self, *, draining: bool = False) -> Target:
        return Target(f"10.0.0.1:{self.server_port}", "127.0.0.1", self.server_port, self.server_port, draining)

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


def after(event: threading.Event, status: int = 200, body: bytes = b"") -> Callable[[Handler], None]:
    """Return an answer that waits for an event, if not for ever."""

    def answer(handler: Handler) -> None:
        if event.wait(5):
            handler.say(status, body)

    return answer


@dataclass(slots=True)
class Site:
    """Load balancers with one listener and one group, to be changed and applied."""

    balancers: LoadBalancers
    listener: Listener = field(
        default_factory=lambda: Listener(LISTENER, BALANCER, "HTTP", 80, free_port(), Forward({GROUP: 1}))
    )
    group: Group = field(default_factory=lambda: Group(GROUP, CHECK))

    def apply(self, *others: Listener) -> None:
        self.balancers.apply((self.listener, *others), (self.group,))

    def serve(self, *apps: App, check: Check = CHECK) -> None:
        """Listen before these apps, and wait until they are healthy."""
        self.register(*(app.target() for app in apps), check=check)
        for app in apps:
            self.await_state(app, "healthy")
        self.await_listening()

    def register(self, *targets: Target, check: Check = CHECK) -> None:
        self.group = Group(GROUP, check, targets)
        self.apply()

    def health(self, app: App | str) -> TargetHealth | None:
        return self.balancers.health(GROUP, app if isinstance(app, str) else app.target().id)

    def await_state(self, app: App | str, state: str) -> None:
        until(lambda: (found := self.health(app)) and found.state == state, f"{app} is {state}")

    def await_listening(self) -> None:
        until(lambda: listens(self.listener.local_port), "the listener listens")

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.listener.local_port, timeout=5)

    def get(self, path: str = "/", method: str = "GET", **headers: str) -> Got:
        return ask(
            self.connect(), method, path, headers={key.replace("_", "-"): value for key, value in headers.items()}
        )


@dataclass(frozen=True, slots=True)
class Got:
    status: int
    headers: Message
    body: bytes


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: object = None,
    headers: dict[str, str] | None = None,
    *,
    keep: bool = False,
) -> Got:
    try:
        connection.request(method, path, body, headers or {})  # type: ignore[arg-type]
        response = connection.getresponse()
        with response:
            return Got(response.status, response.headers, response.read())
    finally:
        if not keep:
            connection.close()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
