"""The WSGI application: it names and counts calls, injects faults, then lets behaviours and moto answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from missyou_local.aws import backends, behaviours, ticking, wire
from missyou_local.aws.call import ADVANCERS, CHECKS, HANDLERS, Call, Result
from missyou_local.aws.clock import Clock
from missyou_local.aws.control import PREFIX, Control
from missyou_local.aws.errors import AwsError
from missyou_local.aws.faults import connection
from missyou_local.aws.pagination import page_of, paginates
from missyou_local.aws.services.events import cloudtrail, queues
from missyou_local.aws.services.sts import session_of

_log = logging.getLogger(__name__)

#: Real seconds between two looks at a queue for a poll that waits.
_POLL = 0.05

behaviours.load()


class Application:
    """The test AWS as a WSGI application around moto's."""

    def __init__(self, moto: Callable[..., Iterable[bytes]], control: Control) -> None:
        self._moto = moto
        self._control = control
        control.lag.answered_by(self._current)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """Answer one request; see PEP 3333."""
        try:
            response = self.answer(environ)
        except connection.Silence:
            connection.wait_for_end(environ["werkzeug.socket"])
            connection.cut(environ["werkzeug.socket"])
        except connection.Cut:
            connection.cut(environ["werkzeug.socket"])
        headers = [pair for pair in response.headers if pair[0].lower() != "content-length"]
        headers.append(("Content-Length", str(len(response.body))))
        start_response(f"{response.status} {_phrase(response.status)}", headers)
        return [response.body]

    def answer(self, environ: dict[str, Any]) -> wire.Response:
        """Answer one request, given as a WSGI environment. Errors: connection.Cut, connection.Silence."""
        path = environ.get("PATH_INFO", "/")
        if path.startswith(PREFIX):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            with backends.LOCK:
                return self._control.answer(environ["REQUEST_METHOD"], path, body, environ.get("QUERY_STRING", ""))
        if path.startswith(ticking.METADATA):
            return ticking.metadata(path)
        return self._answer(wire.identify(environ))

    def _answer(self, request: wire.Request) -> wire.Response:
        control, began = self._control, time.time()
        nth = control.faults.count(request.name, request.access_key)
        effect = control.faults.apply(request.name, request.access_key, nth)
        if effect.latency:
            time.sleep(effect.latency)
        account = backends.account_of(request.access_key)
        error = effect.error or control.rates.refusal(account, request.region, request.name)
        response = wire.encode_error(request, error) if error else None
        if response is None and not connection.before(effect):
            share = control.faults.draw(request.name, request.access_key, "lag", nth).random()
            response = self._serve(request, share, ignored=effect.ignored)
            if request.name == "sqs:ReceiveMessage" and isinstance(control.clock, Clock):
                response = self._waited(request, response, began)
        control.ledger.record(
            {
                "time": round(began, 4),
                "clock": round(control.clock(), 4),
                "operation": request.name,
                "region": request.region,
                "account": account,
                "caller": request.access_key,
                "session": session_of(request.access_key),
                "agent": request.environ.get("HTTP_USER_AGENT", ""),
                "status": response.status if response else 0,
                "error": wire.error_code(response) if response else None,
                "rules": effect.names,
                "duration": round(time.time() - began, 4),
                "parameters": wire.parameter_names(request),
            }
        )
        return connection.after(effect, response)

    def _waited(self, request: wire.Request, response: wire.Response, began: float) -> wire.Response:
        """Poll a queue until there is a message, or the poll's time is over; nobody else has to wait for that."""
        until = began + queues.waits(wire.decode_parameters(request))
        while not queues.has_messages(response) and time.time() < until:
            time.sleep(_POLL)
            response = self._serve(request, 0.0, ignored=False)
        return response

    def _serve(self, request: wire.Request, lag: float, *, ignored: bool) -> wire.Response:
        with backends.LOCK:
            try:
                now = self._control.clock()
                if ignored:
                    return self._control.lag.ignored(request, now)
                return self._control.lag.answer(request, now, lag, partial(self._current, request, now))
            except AwsError as error:
                return wire.encode_error(request, error)

    def _current(self, request: wire.Request, now: float) -> wire.Response:
        """Answer from the state of this process, as of a time."""
        response = self._tried(request, now)
        cloudtrail.record(request, response, now, self._control.timing)
        return response

    def _tried(self, request: wire.Request, now: float) -> wire.Response:
        try:
            account = backends.account_of(request.access_key)
            return self._control.kept.answer(request, account, now, partial(self._handle, request, account, now))
        except AwsError as error:
            return wire.encode_error(request, error)
        except NotImplementedError as error:
            message = f"the test AWS does not know {request.name}: {error}"
            return wire.encode_error(request, AwsError("NotImplemented", message, HTTPStatus.NOT_IMPLEMENTED))
        except (
            Exception
        ) as error:  # whatever breaks inside moto must not look like a passing fault, which clients retry
            _log.exception("%s broke in the test AWS", request.name)
            message = f"the test AWS broke at {request.name}: {type(error).__name__}: {error}"
            return wire.encode_error(request, AwsError("TestAwsDefect", message, HTTPStatus.NOT_IMPLEMENTED))

    def _handle(self, request: wire.Request, account: str, now: float) -> wire.Response:
        name = request.name
        known = name in CHECKS or name in HANDLERS
        paged = paginates(name, request.body)
        call = Call(
            request.service,
            request.operation,
            account,
            request.region,
            wire.decode_parameters(request) if known or paged else {},
            self._control.timing,
            now,
            partial(self._send, request),
            self._control.plane,
            request.access_key,
        )
        for advance in ADVANCERS.get(request.service, ()):
            advance(call)
        for check in CHECKS.get(name, ()):
            check(call)
        handler = HANDLERS.get(name)
        if paged:
            return wire.encode_result(request, page_of(call, handler or Call.forward))
        return wire.encode_result(request, handler(call)) if handler else self._ask_moto(request)

    def _send(self, request: wire.Request, operation: str, params: Mapping[str, Any] | None) -> Result:
        sent = request if params is None else wire.rewritten(request, operation, params)
        return wire.decode_result(sent, self._ask_moto(sent))

    def _ask_moto(self, request: wire.Request) -> wire.Response:
        request.environ["wsgi.input"].seek(0)
        seen: list[Any] = []
        body = b"".join(
            self._moto(dict(request.environ), lambda status, headers, _exc_info=None: seen.extend((status, headers)))
        )
        return wire.Response(int(seen[0].split()[0]), list(seen[1]), body)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
