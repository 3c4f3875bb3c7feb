"""The bodies and queries of the API. `openapi.py` describes them, `dispatch.py` validates by them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from missyou_backend.fields import (
    MAX_ID,
    Id,
    Language,
    Limit,
    Message,
    Mood,
    PlaceCursor,
    Platform,
    Prefix,
    Push,
    Token,
    UserCursor,
    Username,
    WrittenBy,
)


class Model(BaseModel):
    """camelCase outside, no field that we do not know, no guessing of types."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="forbid",
        strict=True,
        frozen=True,
    )


class NewUser(Model):
    """A user to create."""

    username: Username


class User(Model):
    """A user."""

    id: Id
    username: str


class UserQuery(Model):
    """What users to list."""

    prefix: Prefix = ""
    limit: Limit = 20
    cursor: UserCursor | None = None


class UserPage(Model):
    """Users by name. Without a nextCursor there are no more."""

    items: list[User]
    next_cursor: str | None


class NewDevice(Model):
    """A device to register, or to register again."""

    token: Token
    platform: Platform


class Device(Model):
    """A device that pushes go to."""

    id: Id
    user_id: Id
    platform: Platform
    created_at: datetime = Field(description="When it was registered last.")


class DeviceList(Model):
    """A user's devices, the one registered last first."""

    items: list[Device]


def _own_words_or_a_mood(schema: dict[str, Any]) -> None:
    """Say in JSON Schema what `NewNotification` checks."""
    null = {"type": "null"}
    schema["anyOf"] = [
        {"properties": {"message": null}},
        {"properties": {"mood": null, "language": null}},
    ]


class NewNotification(Model):
    """A "miss you" to send: in the sender's own `message`, or in words found for a `mood` and a `language`."""

    model_config = ConfigDict(json_schema_extra=_own_words_or_a_mood)

    source_id: Id
    target_id: Id
    message: Message | None = None
    mood: Mood | None = None
    language: Language | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if self.message is not None and (self.mood is not None or self.language is not None):
            raise ValueError("give either message, or mood and language, not both")
        return self


class Notification(Model):
    """A "miss you" that was sent."""

    id: Id
    source_id: Id
    target_id: Id
    title: str
    description: str
    is_read: bool
    created_at: datetime


class SentNotification(Notification):
    """A "miss you" that was just sent: whose words they are, and what became of the push."""

    written_by: WrittenBy
    push: Push = Field(
        description="pending: an earlier request with this Idempotency-Key is pushing still, or was cut off meanwhile."
    )


class PageQuery(Model):
    """What part of a list."""

    limit: Limit = 20
    cursor: PlaceCursor | None = None


class NotificationPage(Model):
    """Notifications, unread first, newest first. Without a nextCursor there are no more."""

    items: list[Notification]
    next_cursor: str | None


class Marked(Model):
    """How many notifications were unread and no longer are."""

    marked: int = Field(ge=0, le=MAX_ID)


class Status(Model):
    """That all is well."""

    status: str


class About(Model):
    """What this is."""

    name: str
    openapi: str


class FieldError(Model):
    """What is wrong with one field."""

    field: str = Field(description="Its name, with dots to what is inside of it; body for the whole of it.")
    message: str


class ProblemDetails(Model):
    """An error, as RFC 9457 has it."""

    type: str = Field(json_schema_extra={"format": "uri-reference"})
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    instance: str = Field(json_schema_extra={"format": "uri-reference"})
    request_id: str
    errors: list[FieldError] | None = None
