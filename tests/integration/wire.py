"""A wire between the operator and the API server that can be cut, torn out, or go silent."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from pathlib import Path

import yaml


class Wire:
    """Forwards a port of its own on loopback to `port`, until told otherwise. TLS passes through unseen."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._torn = False
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._silent: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._door = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    def kubeconfig(self, original: Path, copy: Path) -> Path:
        """Write a copy of a kubeconfig that leads through the wire."""
        content = yaml.safe_load(original.read_text())
        content["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{self._door.getsockname()[1]}"
        copy.touch(mode=0o600)
        copy.write_text(yaml.safe_dump(content))
        return copy

    def cut(self) -> int:
        """Reset every connection there is; new ones are made as before. Returns how many there were."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        return len(pairs)

    def hush(self) -> int:
        """Swallow from now on what the connections there are carry; nobody is told. Returns how many there were."""
        with self._lock:
            self._silent.update(near for near, _ in self._pairs)
            return len(self._pairs)

    def tear(self) -> None:
        """Reset every connection, and each new one at once, until `mend`."""
        self._torn = True
        self.cut()

    def mend(self, port: int | None = None) -> None:
        """Forward again, to another port if one is named."""
        self.port = port or self.port
        self._torn = False

    def close(self) -> None:
        """Stop forwarding for good."""
        self.tear()
        self._door.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            try:
                far = None if self._torn else socket.create_connection(("127.0.0.1", self.port), timeout=5)
            except OSError:
                far = None
            if far is None:
                near.close()
                continue
            with self._lock:
                self._pairs.add((near, far))
            threading.Thread(target=self._forward, args=(near, far), daemon=True).start()

    def _forward(self, near: socket.socket, far: socket.socket) -> None:
        with selectors.DefaultSelector() as ends, near, far, contextlib.suppress(OSError):
            ends.register(near, selectors.EVENT_READ, far)
            ends.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in ends.select():
                    source, other = key.fileobj, key.data
                    assert isinstance(source, socket.socket)
                    data = source.recv(65536)
                    if not data:
                        return
                    if near not in self._silent:
                        other.sendall(data)
