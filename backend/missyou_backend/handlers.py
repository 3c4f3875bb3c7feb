"""What each route does."""

from __future__ import annotations

from missyou_backend import cursors, devices, notifications, users
from missyou_backend.models import (
    About,
    DeviceList,
    Marked,
    NewDevice,
    NewNotification,
    NewUser,
    NotificationPage,
    PageQuery,
    Status,
    User,
    UserPage,
    UserQuery,
)
from missyou_backend.problems import USERNAME_TAKEN, Problem, not_found
from missyou_backend.routes import Answer, Backend, Call


def create_user(backend: Backend, call: Call) -> Answer:
    """Create a user."""
    body: NewUser = call.body
    with backend.database.transaction() as connection:
        user = users.create(connection, body.username)
    if user is None:
        raise Problem(USERNAME_TAKEN, "Somebody has this username already, in upper or lower case; choose another.")
    return Answer(201, user, {"Location": f"/v1/users/{user.id}"})


def list_users(backend: Backend, call: Call) -> Answer:
    """List users by name."""
    query: UserQuery = call.query
    with backend.database.transaction() as connection:
        after = users.key(connection, int(query.cursor)) if query.cursor else None
        if query.cursor and after is None:
            raise not_found("user", "cursor")
        items, last = users.page(connection, query.prefix, after, query.limit)
    return Answer(200, UserPage(items=items, next_cursor=str(last) if last else None))


def get_user(backend: Backend, call: Call) -> Answer:
    """Return one user."""
    id_ = call.path["id"]
    with backend.database.transaction() as connection:
        name = users.names(connection, {id_}).get(id_)
    if name is None:
        raise not_found("user")
    return Answer(200, User(id=id_, username=name))


def register_device(backend: Backend, call: Call) -> Answer:
    """Register a device, or register it again."""
    body: NewDevice = call.body
    user_id = call.path["id"]
    with backend.database.transaction() as connection:
        if not users.names(connection, {user_id}):
            raise not_found("user")
        device, is_new = devices.register(connection, user_id, body)
    headers = {"Location": f"/v1/users/{user_id}/devices/{device.id}"} if is_new else {}
    return Answer(201 if is_new else 200, device, headers)


def list_devices(backend: Backend, call: Call) -> Answer:
    """List a user's devices."""
    user_id = call.path["id"]
    with backend.database.transaction() as connection:
        if not users.names(connection, {user_id}):
            raise not_found("user")
        return Answer(200, DeviceList(items=devices.of_user(connection, user_id)))


def remove_device(backend: Backend, call: Call) -> Answer:
    """Remove a device."""
    with backend.database.transaction() as connection:
        if not devices.remove(connection, call.path["id"], call.path["deviceId"]):
            raise not_found("device")
    return Answer(204)


def send(backend: Backend, call: Call) -> Answer:
    """Send a "miss you"."""
    body: NewNotification = call.body
    sent, replayed = backend.sending.send(body, call.idempotency_key)
    return Answer(201, sent, {"Idempotent-Replayed": "true"} if replayed else {})


def list_notifications(backend: Backend, call: Call) -> Answer:
    """List a user's notifications."""
    query: PageQuery = call.query
    user_id = call.path["id"]
    after = cursors.read_place(query.cursor) if query.cursor else None
    with backend.database.transaction() as connection:
        items, last = notifications.page(connection, user_id, after, query.limit)
        if not items and not users.names(connection, {user_id}):
            raise not_found("user")
    return Answer(200, NotificationPage(items=items, next_cursor=cursors.write_place(last) if last else None))


def mark_read(backend: Backend, call: Call) -> Answer:
    """Mark a notification read."""
    with backend.database.transaction() as connection:
        marked = notifications.mark(connection, call.path["id"])
    if marked is None:
        raise not_found("notification")
    return Answer(200, marked)


def mark_all_read(backend: Backend, call: Call) -> Answer:
    """Mark all of a user's notifications read."""
    user_id = call.path["id"]
    with backend.database.transaction() as connection:
        if not users.names(connection, {user_id}):
            raise not_found("user")
        return Answer(200, Marked(marked=notifications.mark_all(connection, user_id)))


def health(backend: Backend, _call: Call) -> Answer:
    """Say whether requests can be served."""
    backend.health.check()
    return Answer(200, Status(status="ok"))


def live(_backend: Backend, _call: Call) -> Answer:
    """Say that the process answers."""
    return Answer(200, Status(status="ok"))


def about(_backend: Backend, _call: Call) -> Answer:
    """Say what this is."""
    return Answer(200, About(name="Miss You", openapi="/openapi.json"))
