"""A writer and a pusher without a network, and a server that accepts and never answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from missyou_backend.push import Note, Pushed
from missyou_backend.words import Occasion, Words


@dataclass(slots=True)
class Author:
    """Writes the same words each time and records the occasions. `hold` makes it wait, as an AI would."""

    occasions: list[Occasion] = field(default_factory=list)
    hold: threading.Event | None = None

    def write(self, occasion: Occasion) -> Words:
        self.occasions.append(occasion)
        if self.hold:
            assert self.hold.wait(10)
        return Words("From afar", "I think of you 💙", "ai")


@dataclass(slots=True)
class Postman:
    """Delivers, except to tokens that begin with "gone" (invalid) or "busy" (failed)."""

    delivered: list[tuple[str, Note]] = field(default_factory=list)

    def push(self, tokens: Sequence[str], note: Note) -> Pushed:
        good = [token for token in tokens if not token.startswith(("gone", "busy"))]
        self.delivered += [(token, note) for token in good]
        invalid = tuple(token for token in tokens if token.startswith("gone"))
        return Pushed(len(good), len(tokens) - len(good), invalid)


class SilentServer:
    """Accepts connections on a port of 127.0.0.1 and never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.accepted: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                self.accepted.append(self._listener.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.accepted:
            connection.close()
