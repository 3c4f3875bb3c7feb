# google-auth marks itself as typed and annotates hardly anything.
# mypy: disable-error-code="no-untyped-call"
"""Reads a service account, and turns it into access tokens for Firebase Cloud Messaging."""

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
# The narrowest scope that may send: https://firebase.google.com/docs/cloud-messaging/auth-server
_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_MARGIN = timedelta(minutes=10)


def service_credentials(text: str) -> google.oauth2.service_account.Credentials:
    """Return the credentials in a service account's JSON text.

    Raises ValueError with one line that names the variable and what is wrong, and quotes nothing of the text.
    """
    try:
        info = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{_VARIABLE} is not JSON: {_REMEDY}") from None
    if not isinstance(info, dict):
        raise ValueError(f"{_VARIABLE} is not a JSON object: {_REMEDY}")  # noqa: TRY004 - callers know ValueError
    for field in _FIELDS:
        if not isinstance(info.get(field), str) or not info[field].strip():
            raise ValueError(f'{_VARIABLE} lacks the text field "{field}": {_REMEDY}')
    if info["type"] != "service_account":
        raise ValueError(f'{_VARIABLE} has another "type" than "service_account": {_REMEDY}')
    if not re.fullmatch(r"[a-z0-9.:-]+", info["project_id"]):  # It becomes part of a URL.
        raise ValueError(f'{_VARIABLE} has a malformed "project_id": {_REMEDY}')
    if not _is_safe(info["token_uri"]):
        raise ValueError(f'{_VARIABLE} has a "token_uri" that is not an https URL: {_REMEDY}')
    try:
        made: google.oauth2.service_account.Credentials = (
            google.oauth2.service_account.Credentials.from_service_account_info(info, scopes=[_SCOPE])
        )
    except Exception:  # The parsers below raise half a dozen unrelated types, some of which quote the key.
        raise ValueError(f'{_VARIABLE} has a "private_key" that is not an RSA key in PEM: {_REMEDY}') from None
    return made


def _is_safe(url: str) -> bool:
    """Tell whether a signed assertion may go there: by TLS, or to this machine itself."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"})


class AccessToken(google.auth.credentials.Credentials):
    """The access token that requests carry; fetched beside the event loop, never in it.

    The Firebase SDK refreshes credentials with a blocking call in the event loop, for up to two minutes, on behalf of
    each message anew. This one is asked to `ensure` itself before; a refresh in between, which the SDK wants when a
    token is refused, only forgets the token. (And google-auth's own service account would start looking up regional
    endpoints in the background from its `before_request`, which this class has not.)
    """

    def __init__(self, account: google.oauth2.service_account.Credentials, seconds: float) -> None:
        """Prepare a token; `seconds` bounds one fetch of it."""
        super().__init__()
        self._seconds = seconds
        self.token: str | None = None
        self._account = account
        self._fetching: asyncio.Task[None] | None = None

    async def ensure(self) -> None:
        """Have a token that is good for minutes; those who ask at the same time wait for the same request.

        Raises google-auth's errors, also those of the request that others started.
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
        """Forget the token, so that the next push fetches another; raises RefreshError to end this attempt."""
        self.token = None
        raise google.auth.exceptions.RefreshError("the access token was refused")


def _bounded(request: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    """Return the request with a deadline over all the retries that google-auth makes with it."""
    end = time.monotonic() + seconds

    def within_deadline(*args: Any, **kwargs: Any) -> Any:
        left = end - time.monotonic()
        if left <= 0:
            raise google.auth.exceptions.TransportError("the token endpoint takes too long")
        return request(*args, **{**kwargs, "timeout": left})

    return within_deadline


def _utc_now() -> datetime:
    """Return the time in UTC without a time zone, as google-auth's expiry is."""
    return datetime.now(UTC).replace(tzinfo=None)
