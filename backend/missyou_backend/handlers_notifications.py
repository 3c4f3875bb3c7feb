"""The routes of notifications, and of the consent to receive them."""

from __future__ import annotations

from missyou_backend import consents, cursors, notifications
from missyou_backend.models import (
    ConsentPage,
    ConsentQuery,
    DecidedConsent,
    Marked,
    NewConsent,
    NewNotification,
    Notification,
    NotificationPage,
    PageQuery,
    SentNotification,
    WaitingNotification,
)
from missyou_backend.problems import (
    AWAITING_CONSENT,
    KEY_REUSED,
    NOT_FOUND,
    TOO_MANY,
    not_found,
)
from missyou_backend.routes import Answer, Backend, Call, Door, Response, Routes

ROUTES = Routes()
_REPLAYED = {"Idempotent-Replayed": "true if an earlier request with this key sent the notification; otherwise absent."}


@ROUTES.declare(
    "post",
    "/v1/notifications",
    {
        201: Response("The notification.", SentNotification, _REPLAYED),
        202: Response("It waits: the target has not accepted messages of the caller.", WaitingNotification, _REPLAYED),
    },
    NOT_FOUND,
    AWAITING_CONSENT,
    KEY_REUSED,
    TOO_MANY,
    body=NewNotification,
    door=Door.USER,
)
def send(backend: Backend, call: Call) -> Answer:
    """Send a “miss you” as oneself. The first one to somebody waits until they accept."""
    sent = backend.sending.send(call.user.user_id, call.body, call.idempotency_key)
    status = 202 if isinstance(sent.answer, WaitingNotification) else 201
    return Answer(status, sent.answer, {"Idempotent-Replayed": "true"} if sent.replayed else {})


@ROUTES.declare(
    "get", "/v1/users/{id}/notifications", {200: Response("The notifications.", NotificationPage)}, query=PageQuery
)
def list_notifications(backend: Backend, call: Call) -> Answer:
    """List the user's notifications, unread first, newest first."""
    query: PageQuery = call.query
    after = cursors.read_place(query.cursor) if query.cursor else None
    with backend.database.transaction() as connection:
        items, last = notifications.page(connection, call.user.user_id, after, query.limit)
    return Answer(200, NotificationPage(items=items, next_cursor=cursors.write_place(last) if last else None))


@ROUTES.declare(
    "post",
    "/v1/notifications/{id}/read",
    {200: Response("The notification.", Notification)},
    NOT_FOUND,
    door=Door.USER,
)
def mark_read(backend: Backend, call: Call) -> Answer:
    """Mark a notification read that the caller has received."""
    with backend.database.transaction() as connection:
        marked = notifications.mark(connection, call.user.user_id, call.path["id"])
    if marked is None:
        raise not_found("notification")
    return Answer(200, marked)


@ROUTES.declare(
    "post", "/v1/users/{id}/notifications/read", {200: Response("How many notifications were unread.", Marked)}
)
def mark_all_read(backend: Backend, call: Call) -> Answer:
    """Mark all of the user's notifications read."""
    with backend.database.transaction() as connection:
        return Answer(200, Marked(marked=notifications.mark_all(connection, call.user.user_id)))


@ROUTES.declare(
    "get",
    "/v1/users/{id}/consents",
    {200: Response("Who has asked the user or has accepted the user, by id.", ConsentPage)},
    query=ConsentQuery,
)
def list_consents(backend: Backend, call: Call) -> Answer:
    """List whose messages the user has been asked to accept (pending), or has accepted, declined or blocked."""
    query: ConsentQuery = call.query
    with backend.database.transaction() as connection:
        items, last = consents.page(connection, call.user.user_id, query.state, int(query.cursor or 0), query.limit)
    return Answer(200, ConsentPage(items=items, next_cursor=str(last) if last else None))


@ROUTES.declare(
    "put",
    "/v1/users/{id}/consents/{userId}",
    {200: Response("The consent, and the message that waited for it and is delivered now.", DecidedConsent)},
    body=NewConsent,
)
def decide_consent(backend: Backend, call: Call) -> Answer:
    """Accept, decline or block messages of somebody who has asked the user or has accepted the user."""
    body: NewConsent = call.body
    return Answer(200, backend.sending.decide(call.user.user_id, call.path["userId"], body.state))
