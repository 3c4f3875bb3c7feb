"""The test AWS without a socket: it answers boto3's requests in the process and on the thread that makes them.

    aws = InProcess(timing=Timing(), clock=clock)
    session.events.register("before-send", aws)

boto3 stays whole: a request is validated, serialised and signed before it comes here, and its answer is parsed after.
With no thread and no socket of its own, the process may be forked at any moment, and the fork is a copy of all of AWS.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from missyou_local.aws import server, wire
from missyou_local.aws.faults.connection import Cut, Silence
from missyou_local.aws.timing import Timing

#: The address of requests. Nobody listens there: a request that is not answered here fails at once.
URL = "http://127.0.0.1:9"


class Door:
    """Answers botocore's `before-send` by a function of WSGI environments, such as `Application.answer`."""

    def __init__(self, answer: Callable[[dict[str, Any]], wire.Response]) -> None:
        self.answer = answer

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Answer a request. Errors: those of botocore for a connection that is cut or silent."""
        try:
            response = self.answer(_environ(request))
        except Cut as cut:
            raise ConnectionClosedError(endpoint_url=request.url) from cut
        except Silence as silence:
            raise ReadTimeoutError(endpoint_url=request.url) from silence
        return AWSResponse(request.url, response.status, HeadersDict(dict(response.headers)), _Raw(response.body))


class InProcess(Door):
    """A test AWS that answers botocore's `before-send`. `control` is that of a server; see `serve` for the rest."""

    url = URL

    def __init__(self, *, timing: Timing | None = None, clock: Callable[[], float] | None = None) -> None:
        self.application, self.control = server.application(timing or Timing(), clock=clock)
        super().__init__(self.application.answer)

    @property
    def timing(self) -> Timing:
        """Return the timing in force; setting its fields takes effect at once."""
        return self.control.timing

    def close(self) -> None:
        """End the copies that answer lagging reads."""
        self.control.lag.close()
        self.control.ledger.close()


class _Raw:
    """A body that has arrived, as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = io.BytesIO(body)

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body.read()

    def read(self, amount: int | None = None) -> bytes:
        return self._body.read(amount)


def _environ(request: AWSPreparedRequest) -> dict[str, Any]:
    """Return the WSGI environment (PEP 3333) of a request."""
    url = urlsplit(request.url)
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else body.read()
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(url.path) or "/",
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": url.netloc,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        # werkzeug's names for the path as it came, with its escapes.
        "RAW_URI": f"{url.path}?{url.query}" if url.query else url.path,
        "REQUEST_URI": f"{url.path}?{url.query}" if url.query else url.path,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        text = value.decode() if isinstance(value, bytes) else str(value)
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = text
    return environ
