"""Idempotency keys in the database: a phone that repeats a request gets the first answer again.

Source: draft-ietf-httpapi-idempotency-key-header, "Idempotency-Key".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from missyou_backend.fields import Push, WrittenBy
from missyou_backend.models import NewNotification
from missyou_backend.schema import idempotency_keys

#: How long a key is kept, and how many expired ones each new key removes: more than one, so the table cannot grow.
LIFETIME = timedelta(hours=24)
_SWEEP = 10
_columns = idempotency_keys.c
_oldest = func.now() - LIFETIME


@dataclass(frozen=True, slots=True)
class Claim:
    """A sender's key, and the hash of the body sent with it."""

    source_id: int
    key: str
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """The answer stored under a key. `push` None: not known yet."""

    body_hash: bytes
    notification_id: int
    written_by: WrittenBy
    push: Push | None


def claim_of(key: str, source_id: int, body: NewNotification) -> Claim:
    """Return the claim of a sender's request."""
    return Claim(source_id, key, hashlib.sha256(body.model_dump_json().encode()).digest())


def find(connection: Connection, claim: Claim) -> Known | None:
    """Return the answer stored under a key, or None."""
    row = connection.execute(
        select(idempotency_keys).where(
            _columns.source_id == claim.source_id, _columns.key == claim.key, _columns.created_at > _oldest
        )
    ).one_or_none()
    return None if row is None else Known(bytes(row.body_hash), row.notification_id, row.written_by, row.push)


def store(connection: Connection, claim: Claim, notification_id: int, written_by: WrittenBy) -> bool:
    """Store a key; return False if another request, which this one waits for, was first."""
    values = {
        "body_hash": claim.body_hash,
        "notification_id": notification_id,
        "written_by": written_by,
        "push": None,
        "created_at": func.now(),
    }
    statement = insert(idempotency_keys).values(source_id=claim.source_id, key=claim.key, **values)
    stored = connection.execute(
        statement.on_conflict_do_update(
            index_elements=[_columns.source_id, _columns.key], set_=values, where=_columns.created_at <= _oldest
        ).returning(_columns.key)
    ).one_or_none()
    return stored is not None


def store_push(connection: Connection, claim: Claim, push: Push) -> None:
    """Store the result of the push."""
    row = (_columns.source_id == claim.source_id) & (_columns.key == claim.key)
    connection.execute(update(idempotency_keys).where(row).values(push=push))


def sweep(connection: Connection) -> None:
    """Remove a few expired keys, except those that another request is removing."""
    key = tuple_(_columns.source_id, _columns.key)
    old = select(_columns.source_id, _columns.key).where(_columns.created_at <= _oldest)
    old = old.order_by(_columns.created_at).limit(_SWEEP).with_for_update(skip_locked=True)
    connection.execute(delete(idempotency_keys).where(key.in_(old)))
