"""Users' devices in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from missyou_backend.models import Device, NewDevice
from missyou_backend.schema import user_devices

#: Devices of one user. A phone that is lost or reset leaves a token behind that nobody removes.
MAX_DEVICES = 20
_columns = user_devices.c


def register(connection: Connection, user_id: int, device: NewDevice) -> tuple[Device, bool]:
    """Register a device; return it and whether it is new.

    A token belongs to the user who last registered it. Beyond `MAX_DEVICES`, the oldest registration is dropped.
    """
    values = {"user_id": user_id, "device_token": device.token, "platform": device.platform}
    statement = insert(user_devices).values(values)
    # xmax is 0 in a row version that was inserted, not updated.
    stored = connection.execute(
        statement.on_conflict_do_update(
            index_elements=[_columns.device_token],
            set_={"user_id": user_id, "platform": device.platform, "created_at": func.now()},
        ).returning(*_columns, literal_column("xmax = 0").label("is_new"))
    ).one()
    surplus = newest(user_id).offset(MAX_DEVICES).with_only_columns(_columns.id)
    connection.execute(delete(user_devices).where(_columns.id.in_(surplus)))
    return _device(stored), stored.is_new


def of_user(connection: Connection, user_id: int) -> list[Device]:
    """Return a user's devices, most recently registered first."""
    return [_device(row) for row in connection.execute(newest(user_id))]


def tokens(connection: Connection, user_id: int) -> list[str]:
    """Return the tokens of a user's devices."""
    return list(connection.execute(newest(user_id).limit(MAX_DEVICES)).scalars("device_token"))


def remove(connection: Connection, user_id: int, device_id: int) -> bool:
    """Remove a device; return whether the user had it."""
    statement = delete(user_devices).where(_columns.id == device_id, _columns.user_id == user_id)
    return connection.execute(statement).rowcount > 0


def forget(connection: Connection, user_id: int, gone: Sequence[str]) -> None:
    """Remove those of a user's tokens that no longer work."""
    statement = delete(user_devices).where(_columns.device_token.in_(gone), _columns.user_id == user_id)
    connection.execute(statement)


def newest(user_id: int) -> Select[tuple[object, ...]]:
    """Return the query for a user's devices, most recently registered first."""
    return (
        select(user_devices).where(_columns.user_id == user_id).order_by(_columns.created_at.desc(), _columns.id.desc())
    )


def _device(row: Row[Any]) -> Device:
    return Device(id=row.id, user_id=row.user_id, platform=row.platform, created_at=row.created_at)
