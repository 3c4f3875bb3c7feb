"""Find out who a request comes from, by its Authorization header and by nothing else.

Source: RFC 6750, section 2.1, "Authorization Request Header Field". A token in the query or in a form is ignored.
"""

from __future__ import annotations

import re
from typing import Protocol

from sqlalchemy import select

from missyou_backend import tokens
from missyou_backend.database import Database
from missyou_backend.problems import Problem, unauthorized
from missyou_backend.schema import firebase_users
from missyou_backend.tokens import Caller

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]{1,4096}=*)", re.IGNORECASE)
_REMEDY = "Send the header Authorization: Bearer with the token that POST /v1/users answered."


class Verifier(Protocol):
    """Verifies Firebase ID tokens."""

    def uid(self, token: str) -> str | None:
        """Return the uid of the account that a token was issued for, or None. Raises Problem (503) if unable to."""
        ...


class Access:
    """Reads who a request comes from. Without a `verifier`, Firebase ID tokens are not accepted."""

    def __init__(self, database: Database, verifier: Verifier | None) -> None:
        self._database = database
        self._verifier = verifier

    def caller(self, header: str | None) -> Caller:
        """Return the user of an Authorization header. Raises Problem (401)."""
        token = _token(header)
        if token is None:
            raise unauthorized(_REMEDY)
        caller = self._of_account(token) if "." in token else self._of_token(token)
        if caller is None:
            raise _invalid()
        return caller

    def account(self, header: str | None) -> str | None:
        """Return the uid of the Firebase account that signs up, None without a header. Raises Problem (401)."""
        if header is None:
            return None
        token = _token(header)
        uid = self._verifier.uid(token) if self._verifier and token else None
        if uid is None:
            raise unauthorized(
                "Sign up without the header Authorization, or with a Firebase ID token.", "invalid_token"
            )
        return uid

    def _of_token(self, token: str) -> Caller | None:
        # Read each time: a token that was revoked is worthless from that moment on, in every task.
        with self._database.transaction() as connection:
            return tokens.find(connection, token)

    def _of_account(self, token: str) -> Caller | None:
        uid = self._verifier.uid(token) if self._verifier else None
        if uid is None:
            return None
        with self._database.transaction() as connection:
            statement = select(firebase_users.c.user_id).where(firebase_users.c.firebase_uid == uid)
            user_id = connection.execute(statement).scalar()
        if user_id is None:
            raise unauthorized(
                "This Firebase account has no user yet: POST /v1/users with this header.", "invalid_token"
            )
        return Caller(user_id, None)


def _token(header: str | None) -> str | None:
    found = _BEARER.fullmatch(header.strip()) if header else None
    return found[1] if found else None


def _invalid() -> Problem:
    return unauthorized(f"The token is wrong, expired or revoked. {_REMEDY}", "invalid_token")
