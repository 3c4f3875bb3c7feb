"""TLS in front of a PostgreSQL that has none: RDS demands it, the embedded server was built without.

Source: PostgreSQL documentation, "Frontend/Backend Protocol", SSLRequest, GSSENCRequest and ErrorResponse.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
import threading
from dataclasses import dataclass, field
from pathlib import Path

from missyou_local.dataplane.postgres import HOST

_HEAD = struct.Struct("!II")
_SSL_REQUEST, _GSS_REQUEST, _CANCEL = 80877103, 80877104, 80877102
_LONGEST_STARTUP = 10_000  # bytes; MAX_STARTUP_PACKET_LENGTH of PostgreSQL
_PATIENCE = 10.0  # seconds for the start of a connection
_CHUNK = 64 * 1024


@dataclass(slots=True)
class _Front:
    """One port, and the connections through it."""

    server: asyncio.Server
    connections: set[asyncio.Task[None]] = field(default_factory=set)


class TlsFronts:
    """Ports that speak TLS for servers that do not, on a loop in a thread of their own."""

    def __init__(self, chain: Path, key: Path) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(chain, key)
        self._fronts: dict[int, _Front] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tls-fronts", daemon=True)
        self._thread.start()

    def open(self, upstream: tuple[str, int]) -> int:
        """Listen for `upstream` on a free port of loopback and return the port.

        Clients that do not ask for TLS are refused, as by RDS with rds.force_ssl.
        """
        return asyncio.run_coroutine_threadsafe(self._open(upstream), self._loop).result()

    def close_port(self, port: int) -> None:
        """Stop listening, and cut the connections."""
        asyncio.run_coroutine_threadsafe(self._close_port(port), self._loop).result()

    def close(self) -> None:
        """Close all ports and end the thread."""
        for port in list(self._fronts):
            self.close_port(port)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self, upstream: tuple[str, int]) -> int:
        connections: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                connections.add(task)
                task.add_done_callback(connections.discard)
            # A failure concerns one connection only: its client sees it closed.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError, TimeoutError):
                await self._serve(reader, writer, upstream)
            writer.close()

        server = await asyncio.start_server(serve, HOST, 0)
        local = int(server.sockets[0].getsockname()[1])
        self._fronts[local] = _Front(server, connections)
        return local

    async def _close_port(self, port: int) -> None:
        front = self._fronts.pop(port, None)
        if front is None:
            return
        front.server.close()
        for task in list(front.connections):
            task.cancel()
        await asyncio.gather(*front.connections, return_exceptions=True)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: tuple[str, int]
    ) -> None:
        async with asyncio.timeout(_PATIENCE):
            startup, code, encrypted = await self._startup(reader, writer)
        if not encrypted and code != _CANCEL:
            writer.write(_refusal(startup))
            await writer.drain()
            return
        behind, ahead = await asyncio.open_connection(*upstream)
        ahead.write(startup)
        try:
            await asyncio.gather(_pipe(reader, ahead), _pipe(behind, writer))
        finally:
            ahead.close()

    async def _startup(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bytes, int, bool]:
        """Answer requests for encryption; return the first packet that is none, its code, and whether TLS is on."""
        encrypted = False
        while True:
            head = await reader.readexactly(_HEAD.size)
            length, code = _HEAD.unpack(head)
            if code == _SSL_REQUEST and not encrypted:
                writer.write(b"S")
                await writer.start_tls(self._tls)
                encrypted = True
            elif code == _GSS_REQUEST:
                writer.write(b"N")
                await writer.drain()
            elif _HEAD.size <= length <= _LONGEST_STARTUP:
                return head + await reader.readexactly(length - _HEAD.size), code, encrypted
            else:
                raise asyncio.IncompleteReadError(head, length)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy a stream until it ends, at the pace of its reader."""
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    finally:
        # Neither side of this protocol goes on once the other has stopped talking.
        writer.close()


def _refusal(startup: bytes) -> bytes:
    """Return the ErrorResponse with which RDS answers those who do not ask for TLS."""
    words = startup[_HEAD.size :].rstrip(b"\0").split(b"\0")
    given = dict(zip(words[::2], words[1::2], strict=False))
    user, database = (given.get(name, b"").decode(errors="replace") for name in (b"user", b"database"))
    message = f'no pg_hba.conf entry for host "{HOST}", user "{user}", database "{database or user}", no encryption'
    parts = (("S", "FATAL"), ("V", "FATAL"), ("C", "28000"), ("M", message))
    fields = "".join(f"{kind}{text}\0" for kind, text in parts)
    body = fields.encode() + b"\0"
    return b"E" + struct.pack("!I", len(body) + 4) + body
