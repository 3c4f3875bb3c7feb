"""A local server that speaks the part of Gemini's REST protocol that `generateContent` uses."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer: after `wait` seconds the body, at once or (`drip`) a byte every tenth of a second."""

    body: bytes
    status: int = 200
    wait: float = 0.0
    drip: bool = False
    headers: dict[str, str] = field(default_factory=dict)


def candidate(text: str, finish: str = "STOP") -> Reply:
    """An ordinary answer whose only part is this text."""
    content = {"role": "model", "parts": [{"text": text}]}
    return Reply(json.dumps({"candidates": [{"content": content, "finishReason": finish, "index": 0}]}).encode())


def words(title: str, text: str) -> Reply:
    """An answer of the agreed shape."""
    return candidate(json.dumps({"title": title, "text": text}))


def failure(status: int, name: str) -> Reply:
    """An error as Google's APIs write it."""
    return Reply(json.dumps({"error": {"code": status, "message": "so it is", "status": name}}).encode(), status)


class GeminiServer:
    """Answers every request by `answer`, which tests set; `seen` are the requests in order."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.answer: Callable[[Seen], Reply] = lambda _: words("Ana misses you", "Come home soon.")
        self._gate = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                seen = Seen(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                outer.seen.append(seen)
                outer.send(self, outer.answer(seen))

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def send(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        self._gate.wait(reply.wait)
        try:
            handler.send_response(reply.status)
            handler.send_header("Content-Type", "application/json; charset=UTF-8")
            handler.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            step = 1 if reply.drip else max(len(reply.body), 1)
            for at in range(0, len(reply.body), step):
                handler.wfile.write(reply.body[at : at + step])
                if reply.drip and self._gate.wait(0.1):
                    return
        except OSError:
            handler.close_connection = True  # The client has given up, as it should.

    def close(self) -> None:
        self._gate.set()
        self._server.shutdown()
        self._server.server_close()
