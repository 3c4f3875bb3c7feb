"""Cursors: where a page of notifications ended, as a text that a client sends back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """A notification's place in its list."""

    is_read: bool
    created_at: datetime
    id: int


def write_place(place: Place) -> str:
    """Return the cursor of a place: read (1) or not (0), microseconds since 1970, id."""
    return f"{place.is_read:d}.{(place.created_at - _EPOCH) // _MICROSECOND}.{place.id}"


def read_place(cursor: str) -> Place:
    """Return the place of a cursor, which must match `fields.PLACE_CURSOR`."""
    is_read, at, id_ = cursor.split(".")
    return Place(is_read == "1", _EPOCH + int(at) * _MICROSECOND, int(id_))
