"""Every route and what it does."""

from __future__ import annotations

from sqlalchemy import Connection

from missyou_backend import cursors, devices, notifications, users
from missyou_backend.models import (
    About,
    Device,
    DeviceList,
    Marked,
    NewDevice,
    NewNotification,
    NewUser,
    Notification,
    NotificationPage,
    PageQuery,
    SentNotification,
    Status,
    User,
    UserPage,
    UserQuery,
)
from missyou_backend.problems import KEY_REUSED, NOT_FOUND, USERNAME_TAKEN, Problem, not_found
from missyou_backend.routes import Answer, Backend, Call, Response, Routes

ROUTES = Routes()
_LOCATION = {"Location": "The path of the new resource."}
_REPLAYED = {"Idempotent-Replayed": "true if an earlier request with this key sent the notification; otherwise absent."}


@ROUTES.declare("get", "/", {200: Response("Its name and the path of its OpenAPI document.", About)})
def about(_backend: Backend, _call: Call) -> Answer:
    """Describe the service."""
    return Answer(200, About(name="Miss You", openapi="/openapi.json"))


@ROUTES.declare("get", "/health", {200: Response("Requests can be served.", Status)})
def health(backend: Backend, _call: Call) -> Answer:
    """Check whether requests can be served."""
    backend.health.check()
    return Answer(200, Status(status="ok"))


@ROUTES.declare("get", "/live", {200: Response("The process answers.", Status)})
def live(_backend: Backend, _call: Call) -> Answer:
    """Check whether the process answers."""
    return Answer(200, Status(status="ok"))


@ROUTES.declare("post", "/v1/users", {201: Response("The new user.", User, _LOCATION)}, USERNAME_TAKEN, body=NewUser)
def create_user(backend: Backend, call: Call) -> Answer:
    """Create a user."""
    body: NewUser = call.body
    with backend.database.transaction() as connection:
        user = users.create(connection, body.username)
    if user is None:
        raise Problem(
            USERNAME_TAKEN, "This username is taken (upper and lower case count as the same). Choose another."
        )
    return Answer(201, user, {"Location": f"/v1/users/{user.id}"})


@ROUTES.declare(
    "get",
    "/v1/users",
    {200: Response("Users, sorted by lower-case name.", UserPage)},
    NOT_FOUND,
    query=UserQuery,
)
def list_users(backend: Backend, call: Call) -> Answer:
    """Find users by the prefix of their name."""
    query: UserQuery = call.query
    with backend.database.transaction() as connection:
        after = users.key(connection, int(query.cursor)) if query.cursor else None
        if query.cursor and after is None:
            raise not_found("user", "cursor")
        items, last = users.page(connection, query.prefix, after, query.limit)
    return Answer(200, UserPage(items=items, next_cursor=str(last) if last else None))


@ROUTES.declare("get", "/v1/users/{id}", {200: Response("The user.", User)}, NOT_FOUND)
def get_user(backend: Backend, call: Call) -> Answer:
    """Get a user."""
    with backend.database.transaction() as connection:
        return Answer(200, User(id=call.path["id"], username=_username(connection, call.path["id"])))


@ROUTES.declare(
    "post",
    "/v1/users/{id}/devices",
    {
        200: Response("The device, registered again. If it was another user's, it now belongs to this one.", Device),
        201: Response("The new device.", Device, _LOCATION),
    },
    NOT_FOUND,
    body=NewDevice,
)
def register_device(backend: Backend, call: Call) -> Answer:
    """Register a device, or register it again."""
    body: NewDevice = call.body
    user_id = call.path["id"]
    with backend.database.transaction() as connection:
        _username(connection, user_id)
        device, is_new = devices.register(connection, user_id, body)
    headers = {"Location": f"/v1/users/{user_id}/devices/{device.id}"} if is_new else {}
    return Answer(201 if is_new else 200, device, headers)


@ROUTES.declare(
    "get",
    "/v1/users/{id}/devices",
    {200: Response("The devices, most recently registered first.", DeviceList)},
    NOT_FOUND,
)
def list_devices(backend: Backend, call: Call) -> Answer:
    """List a user's devices."""
    with backend.database.transaction() as connection:
        _username(connection, call.path["id"])
        return Answer(200, DeviceList(items=devices.of_user(connection, call.path["id"])))


@ROUTES.declare("delete", "/v1/users/{id}/devices/{deviceId}", {204: Response("The device is removed.")}, NOT_FOUND)
def remove_device(backend: Backend, call: Call) -> Answer:
    """Remove a device."""
    with backend.database.transaction() as connection:
        if not devices.remove(connection, call.path["id"], call.path["deviceId"]):
            raise not_found("device")
    return Answer(204)


@ROUTES.declare(
    "post",
    "/v1/notifications",
    {201: Response("The notification.", SentNotification, _REPLAYED)},
    NOT_FOUND,
    KEY_REUSED,
    body=NewNotification,
)
def send(backend: Backend, call: Call) -> Answer:
    """Send a “miss you”."""
    body: NewNotification = call.body
    sent, replayed = backend.sending.send(body, call.idempotency_key)
    return Answer(201, sent, {"Idempotent-Replayed": "true"} if replayed else {})


@ROUTES.declare(
    "get",
    "/v1/users/{id}/notifications",
    {200: Response("The notifications.", NotificationPage)},
    NOT_FOUND,
    query=PageQuery,
)
def list_notifications(backend: Backend, call: Call) -> Answer:
    """List a user's notifications, unread first, newest first."""
    query: PageQuery = call.query
    after = cursors.read_place(query.cursor) if query.cursor else None
    with backend.database.transaction() as connection:
        items, last = notifications.page(connection, call.path["id"], after, query.limit)
        if not items:
            _username(connection, call.path["id"])
    return Answer(200, NotificationPage(items=items, next_cursor=cursors.write_place(last) if last else None))


@ROUTES.declare("post", "/v1/notifications/{id}/read", {200: Response("The notification.", Notification)}, NOT_FOUND)
def mark_read(backend: Backend, call: Call) -> Answer:
    """Mark a notification read."""
    with backend.database.transaction() as connection:
        marked = notifications.mark(connection, call.path["id"])
    if marked is None:
        raise not_found("notification")
    return Answer(200, marked)


@ROUTES.declare(
    "post",
    "/v1/users/{id}/notifications/read",
    {200: Response("How many notifications were unread.", Marked)},
    NOT_FOUND,
)
def mark_all_read(backend: Backend, call: Call) -> Answer:
    """Mark all of a user's notifications read."""
    with backend.database.transaction() as connection:
        _username(connection, call.path["id"])
        return Answer(200, Marked(marked=notifications.mark_all(connection, call.path["id"])))


def _username(connection: Connection, user_id: int) -> str:
    """Return a user's name. Raises Problem (404) if there is no such user."""
    name = users.names(connection, {user_id}).get(user_id)
    if name is None:
        raise not_found("user")
    return name
