"""All routes."""

from __future__ import annotations

from missyou_backend import handlers
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
from missyou_backend.problems import KEY_REUSED, NOT_FOUND, USERNAME_TAKEN
from missyou_backend.routes import Promise, Route

_LOCATION = {"Location": "Where it is."}
_REPLAYED = {"Idempotent-Replayed": "true if an earlier request with this key sent it; absent otherwise."}

ROUTES = (
    Route("get", "/", "about", "What this is", handlers.about, {200: Promise("The service.", About)}),
    Route("get", "/health", "health", "Whether it can serve", handlers.health, {200: Promise("It can.", Status)}),
    Route("get", "/live", "live", "Whether the process answers", handlers.live, {200: Promise("It does.", Status)}),
    Route(
        "post",
        "/v1/users",
        "createUser",
        "Create a user",
        handlers.create_user,
        {201: Promise("The new user.", User, _LOCATION)},
        (USERNAME_TAKEN,),
        body=NewUser,
    ),
    Route(
        "get",
        "/v1/users",
        "listUsers",
        "Find users by the beginning of their name",
        handlers.list_users,
        {200: Promise("Users in the order of their lower-case names.", UserPage)},
        (NOT_FOUND,),
        query=UserQuery,
    ),
    Route(
        "get",
        "/v1/users/{id}",
        "getUser",
        "Get a user",
        handlers.get_user,
        {200: Promise("The user.", User)},
        (NOT_FOUND,),
    ),
    Route(
        "post",
        "/v1/users/{id}/devices",
        "registerDevice",
        "Register a device, or register it again",
        handlers.register_device,
        {
            200: Promise("The device, registered again; if another user had it, it has changed hands.", Device),
            201: Promise("The new device.", Device, _LOCATION),
        },
        (NOT_FOUND,),
        body=NewDevice,
    ),
    Route(
        "get",
        "/v1/users/{id}/devices",
        "listDevices",
        "List a user's devices",
        handlers.list_devices,
        {200: Promise("The devices, the one registered last first.", DeviceList)},
        (NOT_FOUND,),
    ),
    Route(
        "delete",
        "/v1/users/{id}/devices/{deviceId}",
        "removeDevice",
        "Remove a device",
        handlers.remove_device,
        {204: Promise("It is gone.")},
        (NOT_FOUND,),
    ),
    Route(
        "post",
        "/v1/notifications",
        "send",
        "Send a “miss you”",
        handlers.send,
        {201: Promise("The notification.", SentNotification, _REPLAYED)},
        (NOT_FOUND, KEY_REUSED),
        body=NewNotification,
        takes_idempotency_key=True,
    ),
    Route(
        "get",
        "/v1/users/{id}/notifications",
        "listNotifications",
        "List a user's notifications, unread first, newest first",
        handlers.list_notifications,
        {200: Promise("The notifications.", NotificationPage)},
        (NOT_FOUND,),
        query=PageQuery,
    ),
    Route(
        "post",
        "/v1/notifications/{id}/read",
        "markRead",
        "Mark a notification read",
        handlers.mark_read,
        {200: Promise("The notification.", Notification)},
        (NOT_FOUND,),
    ),
    Route(
        "post",
        "/v1/users/{id}/notifications/read",
        "markAllRead",
        "Mark all of a user's notifications read",
        handlers.mark_all_read,
        {200: Promise("How many were unread.", Marked)},
        (NOT_FOUND,),
    ),
)
