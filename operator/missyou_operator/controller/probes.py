"""What the kubelet asks, `/healthz` (restart me if not) and `/readyz`, and Prometheus: `/metrics`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

logger = logging.getLogger(__name__)

#: An HTTP status and a text.
Answer = tuple[int, str]


class ProbeServer:
    """Serves plain text from a thread at `address` (`host:port`; port 0 takes a free one) until the process ends."""

    def __init__(self, address: str, answers: Mapping[str, Callable[[], Answer]]) -> None:
        host, _, port = address.rpartition(":")
        self._server = ThreadingHTTPServer((host or "0.0.0.0", int(port)), _handler(answers))  # noqa: S104 - a pod's port
        self.port = self._server.server_port
        logger.info("probes and metrics are at port %d", self.port)
        threading.Thread(target=self._server.serve_forever, name="probes", daemon=True).start()


def _handler(answers: Mapping[str, Callable[[], Answer]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = answers.get(self.path.partition("?")[0])
            status, text = known() if known else (404, f"there are {', '.join(sorted(answers))}\n")
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Log nothing: probes come every few seconds."""

    return Handler
