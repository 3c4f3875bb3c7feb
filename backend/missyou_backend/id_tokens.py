"""Verify Firebase ID tokens.

Source: Firebase documentation, "Verify ID Tokens", section "Verify ID tokens using a third-party JWT library"
(https://firebase.google.com/docs/auth/admin/verify-id-tokens): RS256 only, `kid` one of the certificates that Google
publishes and that are kept for the max-age of their Cache-Control, `exp` in the future, `iat` and `auth_time` in the
past, `aud` the project's id, `iss` with the project's id, `sub` a string that is not empty.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Mapping

import httpx
import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from missyou_backend.problems import Problem, unavailable
from missyou_backend.schema import FIREBASE_UID_LIMIT

#: Google's certificates for Firebase ID tokens: an object of PEM texts, by `kid`.
CERTIFICATES = "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
_ISSUER = "https://securetoken.google.com/"
_ALGORITHM = "RS256"
_CLAIMS = ("aud", "auth_time", "exp", "iat", "iss", "sub")
#: Seconds that the clocks of Google and of this task may differ.
_LEEWAY = 10
#: Seconds of one attempt to fetch certificates, and until the next one at the earliest.
_FETCH_SECONDS, _PAUSE = 3.0, 5.0
_log = logging.getLogger(__name__)


class IdTokens:
    """Verifies the ID tokens of one Firebase project. Thread-safe."""

    def __init__(self, project: str, url: str = CERTIFICATES) -> None:
        self._project = project
        self._certificates = _Certificates(url)

    def uid(self, token: str) -> str | None:
        """Return the uid of the account that a token was issued for, or None. Raises Problem (503) without keys."""
        try:
            header = jwt.get_unverified_header(token)
            # Before any key is looked up: an unsigned token, or one signed with a public key as the secret of HS256.
            if header.get("alg") != _ALGORITHM or not isinstance(header.get("kid"), str):
                return None
            key = self._certificates.keys().get(header["kid"])
            if key is None:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                audience=self._project,
                issuer=_ISSUER + self._project,
                leeway=_LEEWAY,
                options={"require": list(_CLAIMS), "strict_aud": True},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            # ValueError, TypeError: claims of the wrong types, which anybody may send.
            return None
        uid, auth_time = claims["sub"], claims["auth_time"]
        is_past = isinstance(auth_time, int) and auth_time <= time.time() + _LEEWAY
        return uid if is_past and isinstance(uid, str) and 0 < len(uid) <= FIREBASE_UID_LIMIT else None


class _Certificates:
    """Google's public keys, fetched again when their lifetime is over and never because a token names another."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._expires = self._retry = float("-inf")

    def keys(self) -> Mapping[str, RSAPublicKey]:
        """Return the keys by `kid`. Raises Problem (503) if they cannot be fetched."""
        if time.monotonic() < self._expires:
            return self._keys
        if not self._lock.acquire(timeout=_FETCH_SECONDS):
            raise _no_keys()
        try:
            if time.monotonic() >= self._expires:
                self._fetch()
            return self._keys
        finally:
            self._lock.release()

    def _fetch(self) -> None:
        if time.monotonic() < self._retry:
            raise _no_keys()
        self._retry = time.monotonic() + _PAUSE
        try:
            answer = httpx.get(self._url, timeout=_FETCH_SECONDS).raise_for_status()
            keys = {kid: _public_key(pem) for kid, pem in answer.json().items()}
        except (httpx.HTTPError, ValueError, TypeError, AttributeError) as error:
            _log.warning("Firebase's certificates cannot be fetched", extra={"error": type(error).__name__})
            raise _no_keys() from None
        age = re.search(r"max-age=(\d{1,9})", answer.headers.get("Cache-Control", ""))
        self._keys, self._expires = keys, time.monotonic() + max(_PAUSE, int(age[1]) if age else 0)


def _public_key(pem: str) -> RSAPublicKey:
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    if not isinstance(key, RSAPublicKey):
        raise TypeError("a certificate without an RSA key")
    return key


def _no_keys() -> Problem:
    return unavailable("Firebase's certificates cannot be fetched, so ID tokens cannot be verified.")
