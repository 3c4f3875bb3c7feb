"""Users in the database."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, Select, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from missyou_backend.models import User
from missyou_backend.schema import username_key, users

#: Every name that begins with a prefix is, in code points, between the prefix and the prefix with as many of the last
#: code point as a name is long, twice that for letters that lower() turns into two.
_LAST_NAME = "\U0010ffff" * 80


def create(connection: Connection, username: str) -> User | None:
    """Return the new user, None if the name is taken."""
    statement = insert(users).values(username=username).on_conflict_do_nothing().returning(users.c.id)
    id_ = connection.execute(statement).scalar()
    return None if id_ is None else User(id=id_, username=username)


def names(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    """Return the usernames of those ids that exist."""
    rows = connection.execute(select(users.c.id, users.c.username).where(users.c.id.in_(ids)))
    return {row.id: row.username for row in rows}


def key(connection: Connection, id_: int) -> str | None:
    """Return what a user is sorted by, None if there is no such user."""
    return connection.execute(select(username_key).where(users.c.id == id_)).scalar()


def with_prefix(prefix: str, after: str | None, limit: int) -> Select[int, str]:
    """Ask for users whose name begins with a prefix, in the order of their keys, after one of those.

    One lower bound and one upper: with more the server expects so few rows that it would rather fetch all and sort.
    """
    low = func.lower(literal(prefix)).collate("C")
    lower_bound = username_key >= low if after is None else username_key > func.greatest(low, after)
    statement = select(users).where(lower_bound, username_key <= low + literal(_LAST_NAME))
    return statement.order_by(username_key).limit(limit)


def page(connection: Connection, prefix: str, after: str | None, limit: int) -> tuple[list[User], int | None]:
    """Return users and, if there are more, the id of the last."""
    rows = connection.execute(with_prefix(prefix, after, limit + 1)).all()
    items = [User(id=row.id, username=row.username) for row in rows[:limit]]
    return items, items[-1].id if len(rows) > limit else None
