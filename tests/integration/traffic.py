"""Clients that send requests to an app that really runs for as long as something else happens, and what fails."""

from __future__ import annotations

import datetime
import http.client
import ssl
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .bench import PATIENCE

#: Sends one request. Any OSError, ValueError or HTTPException is a failed request; HTTPError is an OSError.
Ask = Callable[[], object]
#: Seconds between two requests of a client. How long one may take is the load balancer's idle timeout: on a busy
#: machine they take long, and only the ones that fail are counted.
_PAUSE, _TIMEOUT = 0.05, 60.0


@dataclass
class Traffic:
    """What clients have sent so far. `step` names what happens at present; requests count to the one they began in."""

    step: str = ""
    sent: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def goes_on(self, requests: int = 50) -> None:
        """Wait until this many more requests have been answered, or one has failed; bounded."""
        enough, deadline = self.sent.total() + requests, time.monotonic() + PATIENCE
        while self.sent.total() < enough and not self.failures:
            assert time.monotonic() < deadline
            time.sleep(_PAUSE)

    def ask(self, ask: Ask) -> None:
        """Send a request, and count it."""
        step, began, failure = self.step, time.monotonic(), ""
        try:
            ask()
        except (OSError, ValueError, http.client.HTTPException) as error:
            failure = f"{type(error).__name__} {error}"
        took = time.monotonic() - began
        with self._lock:
            self.sent[step] += 1
            self.slowest[step] = max(took, self.slowest.get(step, 0.0))
            if failure:
                self.failed[step] += 1
                now = datetime.datetime.now(datetime.UTC)
                self.failures.append(f"{now:%H:%M:%S.%f} {step} after {took:.2f} s: {failure}")

    def assert_none_failed(self) -> None:
        """Fail with the first failures if there are any, or if nothing was sent."""
        told = "\n".join(self.failures[:10])
        assert not self.failures, f"{len(self.failures)} of {self.sent.total()} requests failed:\n{told}"
        assert self.sent


def health(url: str, context: ssl.SSLContext | None = None) -> Ask:
    """Return what asks for the app's health. Each request has a connection of its own, and follows redirects."""

    def ask() -> None:
        with urllib.request.urlopen(f"{url}/health", timeout=_TIMEOUT, context=context) as answer:
            answer.read()

    return ask


def trusting(plane: Path) -> ssl.SSLContext:
    """Return what verifies the load balancers of a data plane (its folder)."""
    return ssl.create_default_context(cafile=plane / "tls" / "ca.pem")


@contextmanager
def traffic(*clients: Ask) -> Iterator[Traffic]:
    """Send requests by each of these clients as long as the block runs. None may fail."""
    found, ended = Traffic(), threading.Event()

    def send(ask: Ask) -> None:
        while not ended.wait(_PAUSE):
            found.ask(ask)

    senders = [threading.Thread(target=send, args=(ask,), daemon=True) for ask in clients]
    for sender in senders:
        sender.start()
    try:
        yield found
    finally:
        ended.set()
        for sender in senders:
            sender.join()
    found.assert_none_failed()
