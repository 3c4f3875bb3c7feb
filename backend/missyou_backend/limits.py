"""How often something may be done, counted in the database and so by all tasks together.

A limit counts in fixed windows (hours or days, in UTC), since that takes one row and one statement.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import Connection, case, delete, extract, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from missyou_backend.problems import TOO_MANY, Problem
from missyou_backend.schema import usage

HOUR, DAY = 3600, 86400
#: The subject of limits for everybody together.
EVERYBODY = "all"
#: Windows that have ended and that each new one removes: more than one, so the table cannot grow.
_SWEEP = 10
_columns = usage.c
_is_over = _columns.ends_at <= func.now()


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` times in `seconds`. `what` completes "too many …"."""

    name: str
    what: str
    count: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit."""

    sends: Limit = Limit("sends", "messages", 120, HOUR)
    strangers: Limit = Limit("strangers", "requests to people who have not accepted messages", 20, DAY)
    finds: Limit = Limit("finds", "searches", 60, HOUR)
    devices: Limit = Limit("devices", "registrations of devices", 30, HOUR)
    tokens: Limit = Limit("tokens", "new tokens", 30, HOUR)
    ai_user: Limit = Limit("ai_user", "words of the AI", 50, DAY)
    ai: Limit = Limit("ai", "words of the AI for everybody", 2000, DAY)
    signups_address: Limit = Limit("signups_address", "new users from this address", 20, HOUR)
    signups: Limit = Limit("signups", "new users", 1000, HOUR)


#: The names of all limits, in the order of `Limits`.
NAMES = tuple(each.name for each in fields(Limits))


def is_taken(connection: Connection, limit: Limit, subject: str | int) -> bool:
    """Count one use; return False, and count nothing, if the limit is reached.

    The row stays locked until the transaction ends, so one subject's uses happen one after the other.
    """
    if limit.count < 1:
        return False
    ends_at = func.to_timestamp((func.floor(extract("epoch", func.now()) / limit.seconds) + 1) * limit.seconds)
    statement = insert(usage).values(name=limit.name, subject=str(subject), ends_at=ends_at, used=1)
    used = connection.execute(
        statement.on_conflict_do_update(
            index_elements=[_columns.name, _columns.subject],
            set_={
                "used": case((_is_over, literal(1)), else_=_columns.used + 1),
                "ends_at": case((_is_over, statement.excluded.ends_at), else_=_columns.ends_at),
            },
            where=or_(_is_over, _columns.used < limit.count),
        ).returning(_columns.used)
    ).scalar()
    if used == 1:
        _sweep(connection)
    return used is not None


def take(connection: Connection, limit: Limit, subject: str | int) -> None:
    """Count one use. Raises Problem (429) if the limit is reached."""
    if is_taken(connection, limit, subject):
        return
    left = connection.execute(
        select(extract("epoch", _columns.ends_at - func.now())).where(
            _columns.name == limit.name, _columns.subject == str(subject)
        )
    ).scalar()
    seconds = max(1, math.ceil(left)) if left is not None else limit.seconds
    span = "an hour" if limit.seconds == HOUR else "a day"
    detail = f"Too many {limit.what}: at most {limit.count} in {span}."
    raise Problem(TOO_MANY, detail, headers={"Retry-After": str(seconds)})


def forget(connection: Connection, user_id: int) -> None:
    """Remove what is counted for a user."""
    connection.execute(delete(usage).where(_columns.subject == str(user_id)))


def subject_of_address(address: str) -> str:
    """Return what limits count for a client's address: itself or, of IPv6, the network of one customer (/64)."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ip_network((int(parsed), 64), strict=False))
    return str(parsed)


def _sweep(connection: Connection) -> None:
    key = tuple_(_columns.name, _columns.subject)
    over = select(_columns.name, _columns.subject).where(_is_over).order_by(_columns.ends_at).limit(_SWEEP)
    connection.execute(delete(usage).where(key.in_(over.with_for_update(skip_locked=True))))
