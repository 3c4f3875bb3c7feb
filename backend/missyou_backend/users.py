"""Users in the database."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, Select, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from missyou_backend.models import User
from missyou_backend.schema import username_key, users

#: In code points, every name that begins with a prefix lies between the prefix and the prefix followed by this: the
#: last code point, as often as a name is long, and twice that for letters that lower() turns into two.
_LAST_NAME = "\U0010ffff" * 80


def create(connection: Connection, username: str) -> User | None:
    """Create a user; return it, or None if the name is taken."""
    statement = insert(users).values(username=username).on_conflict_do_nothing().returning(users.c.id)
    id_ = connection.execute(statement).scalar()
    return None if id_ is None else User(id=id_, username=username)


def names(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    """Return id → username of the ids that exist."""
    rows = connection.execute(select(users.c.id, users.c.username).where(users.c.id.in_(ids)))
    return {row.id: row.username for row in rows}


def key(connection: Connection, id_: int) -> str | None:
    """Return a user's sort key, or None if there is no such user."""
    return connection.execute(select(username_key).where(users.c.id == id_)).scalar()


def with_prefix(prefix: str, after: str | None, limit: int) -> Select[int, str]:
    """Return the query for users whose name has a prefix, sorted by key, after the key `after`.

    One lower and one upper bound: with more, the planner expects so few rows that it fetches them all and sorts.
    """
    low = func.lower(literal(prefix)).collate("C")
    lower_bound = username_key >= low if after is None else username_key > func.greatest(low, after)
    statement = select(users).where(lower_bound, username_key <= low + literal(_LAST_NAME))
    return statement.order_by(username_key).limit(limit)


def page(connection: Connection, prefix: str, after: str | None, limit: int) -> tuple[list[User], int | None]:
    """Return a page of users and, if there are more, the id of the last one."""
    rows = connection.execute(with_prefix(prefix, after, limit + 1)).all()
    items = [User(id=row.id, username=row.username) for row in rows[:limit]]
    return items, items[-1].id if len(rows) > limit else None
