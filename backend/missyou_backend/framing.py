"""Find where a request ends in the bytes that have arrived, so that no thread has to wait for a client.

Sources: RFC 9112, section 6.3, "Message Body Length", and section 7.1, "Chunked Transfer Coding". What is malformed
counts as whole: gunicorn's parser judges it, sees nothing beyond it, and the connection is closed.
"""

from __future__ import annotations

import enum
import re

#: Bytes of the request line and all headers. gunicorn bounds each of them.
MAX_HEAD = 64 * 1024
#: Bytes of one line that gives a chunk's size, with its extensions.
_MAX_SIZE_LINE = 1024
_HEAD_END = b"\r\n\r\n"
_FRAMING_HEADER = re.compile(rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:([^\r\n]*)", re.IGNORECASE)
_SIZE = re.compile(rb"[0-9a-fA-F]{1,8}")


class Progress(enum.Enum):
    """How much of a request has arrived."""

    INCOMPLETE = enum.auto()
    WHOLE = enum.auto()
    HEAD_TOO_LARGE = enum.auto()
    BODY_TOO_LARGE = enum.auto()


class Incoming:
    """The bytes of one connection. Each byte is looked at once or twice, however slowly they come."""

    def __init__(self, max_body: int) -> None:
        """Begin empty. `max_body`: bytes of a body, without the frames of its chunks."""
        self._max_body = max_body
        self._bytes = bytearray()
        self._searched = 0
        self._begin()

    def _begin(self) -> None:
        self._end: int | None = None
        """Where the request ends, once that is known."""
        self._chunk: int | None = None
        """Where the next line with a chunk's size begins, in a chunked body."""
        self._has_head = self._is_too_large = self._expects_continue = False
        self._body = 0
        self._searched = 0

    def __bool__(self) -> bool:
        """Return whether there are bytes of a request."""
        return bool(self._bytes)

    def feed(self, data: bytes) -> Progress:
        """Add bytes (or none, after `take`) and return how much of a request there is."""
        self._bytes += data
        if not self._has_head and not self._read_head():
            return Progress.HEAD_TOO_LARGE if len(self._bytes) > MAX_HEAD else Progress.INCOMPLETE
        while self._chunk is not None and self._end is None and not self._is_too_large and self._read_chunk():
            pass
        if self._is_too_large:
            return Progress.BODY_TOO_LARGE
        return Progress.WHOLE if self._end is not None and len(self._bytes) >= self._end else Progress.INCOMPLETE

    def take(self) -> bytes:
        """Remove the whole request and return it. What the client sent after it stays."""
        end = len(self._bytes) if self._end is None else self._end
        request = bytes(self._bytes[:end])
        del self._bytes[:end]
        self._begin()
        return request

    def is_for(self, path: bytes) -> bool:
        """Return whether the request is a GET or HEAD of a path, with or without a query."""
        return re.match(rb"(GET|HEAD) %b[ ?]" % re.escape(path), self._bytes) is not None

    def wants_continue(self) -> bool:
        """Return, once, whether the client waits for "100 Continue" before it sends the body."""
        wants, self._expects_continue = self._expects_continue, False
        return wants

    def _read_head(self) -> bool:
        # RFC 9112, section 2.2: ignore empty lines before a request.
        while self._bytes.startswith((b"\r", b"\n")):
            del self._bytes[:1]
            self._searched = 0
        found = self._bytes.find(_HEAD_END, max(0, self._searched - 3))
        self._searched = len(self._bytes)
        if found < 0 or found > MAX_HEAD:
            return False
        self._has_head = True
        head_end = found + len(_HEAD_END)
        lengths: list[bytes] = []
        codings: list[bytes] = []
        for name, value in _FRAMING_HEADER.findall(bytes(self._bytes[: found + 2])):
            if name.lower() == b"expect":
                self._expects_continue = value.strip().lower() == b"100-continue"
            else:
                (lengths if name.lower() == b"content-length" else codings).append(value.strip())
        self._frame(head_end, lengths, codings)
        return True

    def _frame(self, head_end: int, lengths: list[bytes], codings: list[bytes]) -> None:
        if not codings and len(lengths) == 1 and lengths[0].isdigit():
            # int() refuses very long numbers; a body of 10 digits is too large whatever they are.
            length = int(lengths[0][:20])
            self._is_too_large = length > self._max_body
            self._end = head_end + length
        elif not lengths and len(codings) == 1 and codings[0].lower() == b"chunked":
            self._chunk = head_end
        else:
            # No body, or one that gunicorn refuses.
            self._end = head_end

    def _read_chunk(self) -> bool:
        """Read the next chunk's size; return whether to go on with the one after it."""
        assert self._chunk is not None  # noqa: S101 - for the type checker
        line_end = self._bytes.find(b"\r\n", self._chunk, self._chunk + _MAX_SIZE_LINE)
        if line_end < 0:
            if len(self._bytes) - self._chunk > _MAX_SIZE_LINE:
                self._end = len(self._bytes)
            return False
        size = bytes(self._bytes[self._chunk : line_end]).partition(b";")[0].strip()
        if not _SIZE.fullmatch(size):
            self._end = len(self._bytes)
            return False
        if int(size, 16) == 0:
            return self._read_trailers(line_end)
        self._body += int(size, 16)
        # A frame has a handful of bytes. A body of single bytes, each in a frame, would take many times its size.
        self._is_too_large = self._body > self._max_body or line_end > MAX_HEAD + 4 * self._max_body
        self._chunk = line_end + 2 + int(size, 16) + 2
        return len(self._bytes) > self._chunk

    def _read_trailers(self, line_end: int) -> bool:
        # The last chunk's line ends where an empty line of trailers, or the first of them, begins.
        found = self._bytes.find(_HEAD_END, line_end)
        if found >= 0:
            self._end = found + len(_HEAD_END)
        elif len(self._bytes) - line_end > MAX_HEAD:
            self._is_too_large = True
        return False
