"""Bearer tokens in the database, which holds only their hashes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select

from missyou_backend.models import NewTokenValue, TokenInfo
from missyou_backend.schema import user_tokens, users

#: Tokens of one user.
MAX_TOKENS = 20
#: Makes a leaked token recognizable, for people and for scanners of repositories.
PREFIX = "missyou_"
_columns = user_tokens.c


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request comes from. `token_id`: None for a Firebase ID token."""

    user_id: int
    token_id: int | None


def create(connection: Connection, user_id: int, name: str | None = None) -> NewTokenValue | None:
    """Store a new token and return it, for the only time, or None if the user has `MAX_TOKENS`."""
    # Of requests at once, one after the other.
    connection.execute(select(users.c.id).where(users.c.id == user_id).with_for_update(key_share=True))
    count = select(func.count()).select_from(user_tokens).where(_columns.user_id == user_id)
    if connection.execute(count).scalar_one() >= MAX_TOKENS:
        return None
    # 256 random bits: nobody guesses them, and a hash without salt or repetition is enough.
    value = PREFIX + secrets.token_urlsafe(32)
    row = connection.execute(
        insert(user_tokens).values(user_id=user_id, token_hash=_hash(value), name=name).returning(*_columns)
    ).one()
    return NewTokenValue(id=row.id, name=row.name, created_at=row.created_at, token=value)


def find(connection: Connection, value: str) -> Caller | None:
    """Return whose token it is, or None.

    The lookup is by hash, so its duration says nothing about a token: whoever guesses cannot choose the hash's bytes.
    """
    hashed = _hash(value)
    row = connection.execute(by_hash(hashed)).one_or_none()
    if row is None or not hmac.compare_digest(bytes(row.token_hash), hashed):
        return None
    return Caller(row.user_id, row.id)


def by_hash(hashed: bytes) -> Select[Any]:
    """Return the query for the token of a hash."""
    return select(user_tokens).where(_columns.token_hash == hashed)


def of_user(connection: Connection, caller: Caller) -> list[TokenInfo]:
    """Return the caller's tokens without their values, newest first."""
    statement = select(user_tokens).where(_columns.user_id == caller.user_id).order_by(_columns.id.desc())
    return [_info(row, caller) for row in connection.execute(statement)]


def revoke(connection: Connection, user_id: int, token_id: int) -> bool:
    """Remove a token; return whether the user had it."""
    statement = delete(user_tokens).where(_columns.id == token_id, _columns.user_id == user_id)
    return connection.execute(statement).rowcount > 0


def _hash(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()


def _info(row: Row[Any], caller: Caller) -> TokenInfo:
    return TokenInfo(id=row.id, name=row.name, created_at=row.created_at, is_current=row.id == caller.token_id)
