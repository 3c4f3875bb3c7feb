"""The devices of users in the database."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Select, delete, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from missyou_backend.models import Device, NewDevice
from missyou_backend.schema import user_devices

#: What one user may have: a phone that is lost or set up anew leaves a token behind, which nobody removes.
MAX_DEVICES = 20
_columns = user_devices.c


def register(connection: Connection, user_id: int, device: NewDevice) -> tuple[Device, bool]:
    """Return the device and whether it is new. A token belongs to the user who registered it last.

    Of more than `MAX_DEVICES` the one whose registration is oldest is dropped.
    """
    values = {"user_id": user_id, "device_token": device.token, "platform": device.platform}
    statement = insert(user_devices).values(values)
    # xmax is 0 in a row version that no update made.
    stored = connection.execute(
        statement.on_conflict_do_update(
            index_elements=[_columns.device_token],
            set_={"user_id": user_id, "platform": device.platform, "created_at": func.now()},
        ).returning(_columns.id, _columns.created_at, literal_column("xmax = 0").label("is_new"))
    ).one()
    surplus = newest(user_id).offset(MAX_DEVICES).with_only_columns(_columns.id)
    connection.execute(delete(user_devices).where(_columns.id.in_(surplus)))
    found = Device(id=stored.id, user_id=user_id, platform=device.platform, created_at=stored.created_at)
    return found, stored.is_new


def of_user(connection: Connection, user_id: int) -> list[Device]:
    """Return a user's devices, the one registered last first."""
    rows = connection.execute(newest(user_id))
    return [Device(id=row.id, user_id=row.user_id, platform=row.platform, created_at=row.created_at) for row in rows]


def tokens(connection: Connection, user_id: int) -> list[str]:
    """Return the tokens to push to."""
    return list(connection.execute(newest(user_id).limit(MAX_DEVICES)).scalars("device_token"))


def remove(connection: Connection, user_id: int, device_id: int) -> bool:
    """Remove a device; tell whether the user had it."""
    statement = delete(user_devices).where(_columns.id == device_id, _columns.user_id == user_id)
    return connection.execute(statement).rowcount > 0


def forget(connection: Connection, user_id: int, gone: Sequence[str]) -> None:
    """Remove a user's tokens that do not work any more."""
    statement = delete(user_devices).where(_columns.device_token.in_(gone), _columns.user_id == user_id)
    connection.execute(statement)


def newest(user_id: int) -> Select[tuple[object, ...]]:
    """Ask for the devices of a user, the one registered last first."""
    return (
        select(user_devices).where(_columns.user_id == user_id).order_by(_columns.created_at.desc(), _columns.id.desc())
    )
