"""Every error that a client can receive, as problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import quote

from missyou_backend.models import FieldError, ProblemDetails

CONTENT_TYPE = "application/problem+json"
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of error. `type` is its URI reference."""

    type: str
    title: str
    status: int


def plain(status: int) -> Kind:
    """Return the kind that adds nothing to its status."""
    return Kind("about:blank", HTTPStatus(status).phrase, status)


MALFORMED = Kind("/problems/malformed-request", "The request cannot be read", 400)
INVALID_QUERY = Kind("/problems/invalid-parameters", "Parameters are invalid", 400)
INVALID_BODY = Kind("/problems/invalid-body", "Fields of the body are invalid", 422)
NOT_FOUND = Kind("/problems/not-found", "Not found", 404)
UNAUTHORIZED = Kind("/problems/unauthorized", "A valid token is needed", 401)
TOO_MANY = Kind("/problems/too-many-requests", "A limit is reached", 429)
USERNAME_TAKEN = Kind("/problems/username-taken", "The username is taken", 409)
ALREADY_SIGNED_UP = Kind("/problems/already-signed-up", "This Firebase account has a user", 409)
TOO_MANY_TOKENS = Kind("/problems/too-many-tokens", "The user has too many tokens", 409)
AWAITING_CONSENT = Kind("/problems/awaiting-consent", "The target has not accepted messages yet", 409)
KEY_REUSED = Kind("/problems/idempotency-key-reused", "The Idempotency-Key was used for another message", 422)
NOT_JSON = Kind("/problems/not-json", "The body must be JSON", 415)
TOO_LARGE = Kind("/problems/too-large", "The body is too large", 413)
UNAVAILABLE = Kind("/problems/unavailable", "The service is temporarily unavailable", 503)
INTERNAL = Kind("/problems/internal-error", "Internal error", 500)


class Problem(Exception):  # noqa: N818 - the standard's term
    """An error response."""

    def __init__(
        self, kind: Kind, detail: str, errors: Sequence[FieldError] = (), headers: Mapping[str, str] = _NOTHING
    ) -> None:
        super().__init__(kind.type)
        self.kind, self.detail, self.errors, self.headers = kind, detail, errors, headers

    def body(self, path: str, request_id: str) -> bytes:
        """Return the problem document as JSON."""
        document = ProblemDetails(
            type=self.kind.type,
            title=self.kind.title,
            status=self.kind.status,
            detail=self.detail,
            instance=quote(path, safe="/:@!$&'()*+,;=-._~", errors="replace"),
            request_id=request_id,
            errors=list(self.errors) or None,
        )
        return document.model_dump_json(exclude_none=True).encode()


def not_found(what: str, field: str | None = None) -> Problem:
    """Return the problem of a missing thing. `field` names the field of the request that referred to it."""
    errors = [FieldError(field=field, message=f"no such {what}")] if field else []
    return Problem(NOT_FOUND, f"No such {what}.", errors)


def unauthorized(detail: str, error: str | None = None) -> Problem:
    """Return the problem of a request without a valid token. `error`: its code, where a token was sent.

    Source: RFC 6750, section 3, "The WWW-Authenticate Response Header Field".
    """
    challenge = 'Bearer realm="missyou"' + (f', error="{error}"' if error else "")
    return Problem(UNAUTHORIZED, detail, headers={"WWW-Authenticate": challenge})


def unavailable(detail: str) -> Problem:
    """Return the problem for something that a retry in a few seconds may solve."""
    return Problem(UNAVAILABLE, detail, headers={"Retry-After": "5"})
