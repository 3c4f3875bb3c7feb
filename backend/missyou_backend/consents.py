"""Who wants whose messages, in the database.

A row says whether its target wants messages of its source. Whoever sends the first message to somebody asks for
consent. A pair's changes happen one after the other (`lock`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from missyou_backend.fields import Decision, State
from missyou_backend.idempotency import LIFETIME, Claim
from missyou_backend.models import Consent, NewNotification
from missyou_backend.schema import consents, users

_columns = consents.c
_pair = [_columns.target_id, _columns.source_id]
#: The waiting message, once there is none.
_NOTHING_WAITS = {"message": None, "mood": None, "language": None}


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """A row, as far as sending needs it."""

    state: State
    asked_at: datetime | None
    waiting: NewNotification
    claim: Claim | None


def lock(connection: Connection, one: int, other: int) -> None:
    """Wait for other transactions that change a pair's consents, until this one ends."""
    pair = f"consents {min(one, other)} {max(one, other)}"
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:pair, 0))"), {"pair": pair})


def wants(connection: Connection, target_id: int, source_id: int, *, hold: bool = False) -> bool:
    """Return whether the target wants the source's messages. `hold`: keep it so until the transaction ends."""
    if target_id == source_id:
        return True
    statement = select(_columns.state).where(_columns.target_id == target_id, _columns.source_id == source_id)
    if hold:
        statement = statement.with_for_update(read=True)
    return connection.execute(statement).scalar() == "accepted"


def find(connection: Connection, target_id: int, source_id: int) -> ConsentRow | None:
    """Return a row, or None."""
    statement = select(consents).where(_columns.target_id == target_id, _columns.source_id == source_id)
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    waiting = NewNotification(target_id=target_id, message=row.message, mood=row.mood, language=row.language)
    claim = Claim(source_id, row.key, bytes(row.body_hash)) if row.key is not None else None
    return ConsentRow(row.state, row.asked_at, waiting, claim)


def asked_with(connection: Connection, claim: Claim) -> bytes | None:
    """Return the body's hash of a request for consent that the same key asked, or None."""
    statement = select(_columns.body_hash).where(
        _columns.source_id == claim.source_id,
        _columns.key == claim.key,
        _columns.asked_at > func.now() - LIFETIME,
    )
    body_hash = connection.execute(statement.limit(1)).scalar()
    return None if body_hash is None else bytes(body_hash)


def ask(connection: Connection, source_id: int, body: NewNotification, claim: Claim | None) -> None:
    """Store that a source asks a target, who has not been asked before.

    The message waits only if the target has decided nothing. Otherwise nobody will ever read it.
    """
    key = {"key": claim.key, "body_hash": claim.body_hash} if claim else {}
    asked = {"asked_at": func.now(), **key}
    waiting = {"message": body.message, "mood": body.mood, "language": body.language}
    statement = insert(consents).values(
        target_id=body.target_id, source_id=source_id, state="pending", **asked, **waiting
    )
    connection.execute(statement.on_conflict_do_update(index_elements=_pair, set_=asked))


def decide(connection: Connection, target_id: int, source_id: int, state: Decision) -> None:
    """Store what a target decides about a source. A message that waits is gone.

    Its key stays unless the message is delivered: to the source, the other decisions look like none.
    """
    key = {"key": None, "body_hash": None} if state == "accepted" else {}
    statement = insert(consents).values(target_id=target_id, source_id=source_id, state=state)
    changes = {"state": state, **_NOTHING_WAITS, **key}
    connection.execute(statement.on_conflict_do_update(index_elements=_pair, set_=changes))


def known(connection: Connection, target_id: int, source_id: int) -> Consent | None:
    """Return a user's consent to somebody who has asked them or accepted them, or None: of others, not even a name."""
    row = connection.execute(_known(target_id).where(_columns.source_id == source_id)).one_or_none()
    return None if row is None else _consent(row)


def page(
    connection: Connection, target_id: int, state: State, after: int, limit: int
) -> tuple[list[Consent], int | None]:
    """Return a page of a user's consents by id, after the id `after`, and the last id if there are more."""
    rows = connection.execute(page_query(target_id, state, after, limit + 1)).all()
    items = [_consent(row) for row in rows[:limit]]
    return items, items[-1].user_id if len(rows) > limit else None


def page_query(target_id: int, state: State, after: int, limit: int) -> Select[Any]:
    """Return the query for a page."""
    statement = _known(target_id).where(_columns.state == state, _columns.source_id > after)
    return statement.order_by(_columns.source_id).limit(limit)


def _known(target_id: int) -> Select[Any]:
    """Return the query for those whose names a user may see: they have asked the user, or accepted the user."""
    reverse = consents.alias("reverse")
    is_reverse = and_(reverse.c.target_id == _columns.source_id, reverse.c.source_id == _columns.target_id)
    return (
        select(_columns.source_id, users.c.username, _columns.state, _columns.asked_at)
        .join(users, users.c.id == _columns.source_id)
        .outerjoin(reverse, is_reverse)
        .where(_columns.target_id == target_id, or_(_columns.asked_at.is_not(None), reverse.c.state == "accepted"))
    )


def _consent(row: Row[Any]) -> Consent:
    return Consent(user_id=row.source_id, username=row.username, state=row.state, asked_at=row.asked_at)
