"""Read and validate requests, write responses, and turn every failure into a problem."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

from flask import Request, Response
from psycopg.errors import ForeignKeyViolation, ReadOnlySqlTransaction
from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from missyou_backend.access import Access
from missyou_backend.fields import MAX_ID, IdempotencyKey
from missyou_backend.models import FieldError
from missyou_backend.problems import (
    CONTENT_TYPE,
    INTERNAL,
    INVALID_BODY,
    INVALID_QUERY,
    MALFORMED,
    NOT_FOUND,
    NOT_JSON,
    TOO_LARGE,
    Kind,
    Problem,
    not_found,
    plain,
    unavailable,
)
from missyou_backend.request_log import request_id
from missyou_backend.routes import Answer, Call, Door, Route

#: Bytes. The largest sensible body, with every character escaped, has some 7 KB.
MAX_BODY = 64 * 1024
_MAX_PARAMETERS = 20
_log = logging.getLogger(__name__)
_key = TypeAdapter(IdempotencyKey)


def read_call(route: Route, access: Access, request: Request, path: Mapping[str, int]) -> Call:
    """Return the validated call. Raises Problem: first for a caller who may not make it, whatever it says."""
    header = request.headers.get("Authorization")
    caller = access.caller(header) if route.door in {Door.USER, Door.OWNER} else None
    firebase_uid = access.account(header) if route.door is Door.SIGN_UP else None
    if any(id_ > MAX_ID for id_ in path.values()):
        raise Problem(NOT_FOUND, "No such id.")
    if route.door is Door.OWNER and (caller is None or path["id"] != caller.user_id):
        raise not_found("user")
    return Call(
        path,
        _read_body(route.body, request) if route.body else None,
        _read_query(route.query, request),
        _read_key(request) if route.takes_idempotency_key else None,
        caller,
        firebase_uid,
        request.remote_addr or "",
    )


def _read_body(model: type[BaseModel], request: Request) -> BaseModel:
    if request.mimetype != "application/json":
        raise Problem(NOT_JSON, "Send the header Content-Type: application/json.")
    body = request.get_data(cache=False)
    if len(body) > MAX_BODY:
        raise _too_large()
    with _invalid(INVALID_BODY, "Some fields are invalid.", "body"):
        return model.model_validate_json(body)


def _read_query(model: type[BaseModel] | None, request: Request) -> BaseModel | None:
    try:
        # Not request.args: it replaces what is not UTF-8, and we would search for the replacement.
        query = request.query_string.decode("ascii")
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise Problem(
            MALFORMED, f"The query must be percent-encoded UTF-8 with at most {_MAX_PARAMETERS} parameters."
        ) from None
    given = dict(pairs)
    if len(given) < len(pairs):
        raise Problem(INVALID_QUERY, "Send each parameter only once.")
    if model is None:
        if given:
            raise Problem(INVALID_QUERY, "This path takes no parameters.")
        return None
    with _invalid(INVALID_QUERY, "Some parameters are invalid.", "query"):
        return model.model_validate(given)


def _read_key(request: Request) -> str | None:
    value = request.headers.get("Idempotency-Key")
    if value is None:
        return None
    with _invalid(INVALID_QUERY, "The Idempotency-Key header is invalid.", "Idempotency-Key"):
        return _key.validate_python(value)


@contextmanager
def _invalid(kind: Kind, detail: str, whole: str) -> Iterator[None]:
    """Turn a ValidationError into a problem. `whole` is the field of an error that has no location."""
    try:
        yield
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False, include_context=False)[:20]
        if errors[0]["type"] == "json_invalid":
            raise Problem(MALFORMED, "The body is not JSON in UTF-8.") from None
        # The location may be a key that the client made up, so its length is bounded. Values are never repeated.
        listed = [
            FieldError(
                field=".".join(str(part)[:80] for part in each["loc"]).encode(errors="replace").decode() or whole,
                message=each["msg"].removeprefix("Value error, "),
            )
            for each in errors
        ]
        raise Problem(kind, detail, listed) from None


def write_answer(answer: Answer) -> Response:
    """Return the HTTP response for an answer."""
    body = answer.body
    if isinstance(body, BaseModel):
        text = body.model_dump_json()
    else:
        text = TypeAdapter(Any).dump_json(body).decode() if body is not None else ""
    response = Response(text, answer.status, dict(answer.headers), content_type="application/json")
    if body is None:
        del response.headers["Content-Type"]
    return response


def write_problem(problem: Problem, request: Request) -> Response:
    """Return the HTTP response for a problem."""
    body = problem.body(request.path, request_id.get())
    return Response(body, problem.kind.status, dict(problem.headers), content_type=CONTENT_TYPE)


def problem_of(error: Exception) -> Problem:
    """Return the problem that a client receives for an exception. Details that it must not see are logged."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestEntityTooLarge):
        return _too_large()
    if isinstance(error, HTTPException):
        return _werkzeug_problem(error)
    if isinstance(error, DBAPIError) and isinstance(error.orig, ForeignKeyViolation):
        return not_found("user")  # Erased while the request was served.
    if _is_out_of_reach(error):
        _log.warning("the database cannot be used", extra={"error": type(error).__name__, "sqlstate": _sqlstate(error)})
        return unavailable("The database does not answer. Try again in a few seconds.")
    _log.error("a request failed", exc_info=error, extra={"sqlstate": _sqlstate(error)})
    return Problem(INTERNAL, "Something went wrong. The log has the details under this requestId.")


def _too_large() -> Problem:
    return Problem(TOO_LARGE, f"A body may have at most {MAX_BODY} bytes.")


def _werkzeug_problem(error: HTTPException) -> Problem:
    status = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}
    details = {404: "There is nothing at this path.", 405: "This path does not support this method."}
    return Problem(plain(status), details.get(status, error.name), headers=headers)


def _is_out_of_reach(error: Exception) -> bool:
    if isinstance(error, DBAPIError) and isinstance(error.orig, ReadOnlySqlTransaction):
        return True  # We are still connected to the former primary, during a failover.
    return isinstance(error, (OperationalError, InterfaceError, PoolTimeoutError))


def _sqlstate(error: Exception) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)
