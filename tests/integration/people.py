"""Users of an app that really runs: each signs up, and sends its token with each request."""

from __future__ import annotations

import json
import ssl
import urllib.request
from typing import Any

#: Seconds that a request may take, the load balancer's idle timeout: a busy machine is slow.
_TIMEOUT = 60.0


class Person:
    """A user. `url`: where the app is, which may change when it is restored elsewhere.

    `context` verifies the load balancer where the app leads to HTTPS.
    """

    def __init__(self, url: str, name: str, context: ssl.SSLContext | None = None) -> None:
        """Sign up."""
        self.url, self.token, self._context = url, "", context
        made = self.ask("/v1/users", {"username": name})
        self.token, self.id = str(made["token"]), int(made["id"])
        self.path = f"/v1/users/{self.id}"

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """Send a request and return the body of the answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=_TIMEOUT, context=self._context) as answer:
            return json.load(answer)

    def send(self, to: Person, message: str) -> Any:
        """Send a message and return the answer: a notification, or that it waits for consent."""
        return self.ask("/v1/notifications", {"targetId": to.id, "message": message})

    def accept(self, who: Person) -> Any:
        """Accept somebody's messages, and return the one that waited."""
        return self.ask(f"{self.path}/consents/{who.id}", {"state": "accepted"}, "PUT")["delivered"]

    def received(self) -> list[dict[str, Any]]:
        """Return the notifications received, unread and newest first."""
        items: list[dict[str, Any]] = self.ask(f"{self.path}/notifications")["items"]
        return items
