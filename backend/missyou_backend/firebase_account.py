# google-auth marks itself as typed and annotates hardly anything.
# mypy: disable-error-code="no-untyped-call"
"""Read a service account, and fetch access tokens for Firebase Cloud Messaging with it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import google.auth.credentials
import google.auth.exceptions
import google.auth.transport.requests
import google.oauth2.service_account

_VARIABLE = "FIREBASE_SERVICE_ACCOUNT_KEY"
_REMEDY = "it must be the whole JSON file from the Firebase console, Project settings, Service accounts"
_FIELDS = ("type", "project_id", "client_email", "private_key", "token_uri")
# The narrowest scope that allows sending: https://firebase.google.com/docs/cloud-messaging/auth-server
_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_MARGIN = timedelta(minutes=10)


def service_credentials(text: str) -> google.oauth2.service_account.Credentials:
    """Return the credentials of a service account, given as JSON text.

    Raises ValueError with one line that names the variable and the fault, and quotes nothing of the text.
    """
    try:
        info = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{_VARIABLE} is not JSON: {_REMEDY}") from None
    if not isinstance(info, dict):
        raise ValueError(f"{_VARIABLE} is not a JSON object: {_REMEDY}")  # noqa: TRY004 - callers catch ValueError
    for field in _FIELDS:
        if not isinstance(info.get(field), str) or not info[field].strip():
            raise ValueError(f'{_VARIABLE} lacks the string field "{field}": {_REMEDY}')
    if info["type"] != "service_account":
        raise ValueError(f'{_VARIABLE} has a "type" other than "service_account": {_REMEDY}')
    if not re.fullmatch(r"[a-z0-9.:-]+", info["project_id"]):  # It is put into a URL.
        raise ValueError(f'{_VARIABLE} has a malformed "project_id": {_REMEDY}')
    if not _is_safe(info["token_uri"]):
        raise ValueError(f'{_VARIABLE} has a "token_uri" that is not an https URL: {_REMEDY}')
    try:
        made: google.oauth2.service_account.Credentials = (
            google.oauth2.service_account.Credentials.from_service_account_info(info, scopes=[_SCOPE])
        )
    except Exception:  # The parsers raise half a dozen unrelated types, some of which quote the key.
        raise ValueError(f'{_VARIABLE} has a "private_key" that is not an RSA key in PEM: {_REMEDY}') from None
    return made


def _is_safe(url: str) -> bool:
    """Return whether a signed assertion may go to a URL: over TLS, or to this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"})


class AccessToken(google.auth.credentials.Credentials):
    """The access token of requests, fetched outside the event loop.

    The Firebase SDK refreshes credentials with a call that blocks the event loop for up to two minutes, once for each
    message. We call `ensure` beforehand; when the SDK asks for a refresh because a token was refused, we only forget
    the token. (google-auth's own service account would also look up regional endpoints in the background, from its
    `before_request`, which this class does not have.)
    """

    def __init__(self, account: google.oauth2.service_account.Credentials, seconds: float) -> None:
        """Prepare a token. `seconds` bounds one fetch."""
        super().__init__()
        self._seconds = seconds
        self.token: str | None = None
        self._account = account
        self._fetching: asyncio.Task[None] | None = None

    async def ensure(self) -> None:
        """Fetch a token unless the present one is valid for minutes. Concurrent callers share one request.

        Raises google-auth's errors, including those of a request that another caller started.
        """
        if self.token is not None and self.expiry is not None and _utc_now() + _MARGIN < self.expiry:
            return
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(asyncio.to_thread(self._fetch))
        await asyncio.shield(self._fetching)

    def _fetch(self) -> None:
        self._account.refresh(_bounded(google.auth.transport.requests.Request(), self._seconds))
        self.token, self.expiry = self._account.token, self._account.expiry

    def refresh(self, request: object) -> None:  # noqa: ARG002 - the signature is google-auth's
        """Forget the token, so that the next push fetches another. Raises RefreshError to end this attempt."""
        self.token = None
        raise google.auth.exceptions.RefreshError("the access token was refused")


def _bounded(request: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    """Return the request with one deadline for all of google-auth's retries."""
    end = time.monotonic() + seconds

    def within_deadline(*args: Any, **kwargs: Any) -> Any:
        left = end - time.monotonic()
        if left <= 0:
            raise google.auth.exceptions.TransportError("the token endpoint took too long")
        return request(*args, **{**kwargs, "timeout": left})

    return within_deadline


def _utc_now() -> datetime:
    """Return the time in UTC without a time zone, like google-auth's expiry."""
    return datetime.now(UTC).replace(tzinfo=None)
