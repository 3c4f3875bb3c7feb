"""Users in the database."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, delete, func, literal, or_, select
from sqlalchemy.dialects.postgresql import insert

from missyou_backend import limits
from missyou_backend.database import Database
from missyou_backend.models import User
from missyou_backend.problems import unavailable
from missyou_backend.schema import firebase_users, notifications, username_key, users

#: Notifications that one transaction of an erasure deletes, and seconds that a request spends on an erasure.
_BATCH, _ERASE_SECONDS = 5000, 20.0


def create(connection: Connection, username: str) -> User | None:
    """Create a user and return it, or None if the name is taken."""
    statement = insert(users).values(username=username).on_conflict_do_nothing().returning(users.c.id)
    id_ = connection.execute(statement).scalar()
    return None if id_ is None else User(id=id_, username=username)


def link(connection: Connection, user_id: int, firebase_uid: str) -> bool:
    """Remember a user's Firebase account; return False if the account has a user already."""
    statement = insert(firebase_users).values(firebase_uid=firebase_uid, user_id=user_id)
    stored = connection.execute(statement.on_conflict_do_nothing().returning(firebase_users.c.user_id)).scalar()
    return stored is not None


def names(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    """Return id → username of the ids that exist."""
    rows = connection.execute(select(users.c.id, users.c.username).where(users.c.id.in_(ids)))
    return {row.id: row.username for row in rows}


def by_name(username: str) -> Select[Any]:
    """Return the query for the user of a name."""
    return select(users).where(username_key == func.lower(literal(username)).collate("C"))


def with_name(connection: Connection, username: str) -> User | None:
    """Return the user of a name, regardless of case, or None."""
    row = connection.execute(by_name(username)).one_or_none()
    return None if row is None else User(id=row.id, username=row.username)


def erase(database: Database, user_id: int) -> None:
    """Delete a user with everything that is theirs: the rest of the tables follows by ON DELETE CASCADE.

    Notifications come first and in batches, so that no transaction is long. The user, and so the caller's token, goes
    last: an erasure that is cut off can be repeated. Raises Problem (503) if it takes too long, to be repeated.
    """
    columns = notifications.c
    theirs = or_(columns.source_id == user_id, columns.target_id == user_id)
    batch = select(columns.id).where(theirs).limit(_BATCH)
    deadline = time.monotonic() + _ERASE_SECONDS
    deleted = _BATCH
    while deleted == _BATCH:
        if time.monotonic() > deadline:
            raise unavailable("There is much to erase. Repeat the request to go on.")
        with database.transaction() as connection:
            deleted = connection.execute(delete(notifications).where(columns.id.in_(batch))).rowcount
    with database.transaction() as connection:
        connection.execute(delete(users).where(users.c.id == user_id))
        limits.forget(connection, user_id)
