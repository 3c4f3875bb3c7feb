"""Notifications in the database."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Integer, Row, Select, bindparam, insert, select, tuple_, union_all, update

from missyou_backend.cursors import Place
from missyou_backend.models import Notification
from missyou_backend.schema import notifications

_columns = notifications.c


def create(connection: Connection, source_id: int, target_id: int, title: str, description: str) -> Notification:
    """Store a notification and return it."""
    values = {"source_id": source_id, "target_id": target_id, "title": title, "description": description}
    return _notification(connection.execute(insert(notifications).values(values).returning(*_columns)).one())


def find(connection: Connection, id_: int) -> Notification | None:
    """Return a notification, or None."""
    row = connection.execute(select(notifications).where(_columns.id == id_)).one_or_none()
    return None if row is None else _notification(row)


def _part(*, is_read: bool, after: bool) -> Select[Any]:
    """Return the query for a user's newest read or unread notifications, served by `notifications_of_target` alone."""
    statement = select(notifications).where(_columns.target_id == bindparam("target"), _columns.is_read.is_(is_read))
    if after:
        place = tuple_(bindparam("at", type_=_columns.created_at.type), bindparam("id", type_=_columns.id.type))
        statement = statement.where(tuple_(_columns.created_at, _columns.id) < place)
    return statement.order_by(_columns.created_at.desc(), _columns.id.desc()).limit(bindparam("limit", type_=Integer))


@cache
def list_statement(after_read: bool | None) -> Select[Any]:
    """Return the query for a user's notifications, unread first, newest first.

    `after_read`: None from the start, False after an unread notification, True after a read one. "Unread first" in one
    ORDER BY with one comparison of places would read rows only to discard them; each part alone is a range of the
    index. One statement reads both parts, or a notification marked read in between would appear twice. Cached, since
    SQLAlchemy takes longer to build it than all the rest of a request takes. Parameters: target, limit, at and id.
    """
    if after_read:
        return _part(is_read=True, after=True)
    unread = _part(is_read=False, after=after_read is not None).subquery()
    read = _part(is_read=True, after=False).subquery()
    both = union_all(select(unread), select(read)).subquery()
    newest = (both.c.is_read, both.c.created_at.desc(), both.c.id.desc())
    return select(both).order_by(*newest).limit(bindparam("limit", type_=Integer))


def list_query(target_id: int, after: Place | None, limit: int) -> tuple[Select[Any], dict[str, object]]:
    """Return the query for a page, and its parameters."""
    parameters: dict[str, object] = {"target": target_id, "limit": limit}
    if after is None:
        return list_statement(None), parameters
    return list_statement(after.is_read), {**parameters, "at": after.created_at, "id": after.id}


def page(
    connection: Connection, target_id: int, after: Place | None, limit: int
) -> tuple[list[Notification], Place | None]:
    """Return a page of notifications and, if there are more, the place of the last one."""
    rows = connection.execute(*list_query(target_id, after, limit + 1)).all()
    items = [_notification(row) for row in rows[:limit]]
    last = items[-1] if len(rows) > limit else None
    return items, Place(last.is_read, last.created_at, last.id) if last else None


def mark(connection: Connection, target_id: int, id_: int) -> Notification | None:
    """Mark a user's notification read; return it, or None if the user has received no such notification."""
    row = connection.execute(
        update(notifications)
        .where(_columns.id == id_, _columns.target_id == target_id, _columns.is_read.is_(False))
        .values(is_read=True)
        .returning(*_columns)
    ).one_or_none()
    if row is not None:
        return _notification(row)
    found = find(connection, id_)
    return found if found is not None and found.target_id == target_id else None


def mark_all(connection: Connection, target_id: int) -> int:
    """Mark a user's notifications read; return how many were unread."""
    statement = (
        update(notifications).where(_columns.target_id == target_id, _columns.is_read.is_(False)).values(is_read=True)
    )
    return connection.execute(statement).rowcount


def _notification(row: Row[Any]) -> Notification:
    return Notification(**row._asdict())
