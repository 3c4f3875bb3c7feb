"""The bodies and queries of the API: validated by `dispatch.py`, documented by `openapi.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from missyou_backend.fields import (
    MAX_ID,
    Decision,
    Id,
    Language,
    Limit,
    Message,
    Mood,
    PlaceCursor,
    Platform,
    Push,
    State,
    Token,
    TokenName,
    UserCursor,
    Username,
    WrittenBy,
)


class Model(BaseModel):
    """camelCase in JSON, no unknown fields, no conversion of types."""

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


class SignedUp(User):
    """A new user, with the token that later requests need. It is shown this once."""

    token: str = Field(description="Send it as Authorization: Bearer. It is never shown again.")


class UserQuery(Model):
    """Whom to find."""

    username: Username


class UserList(Model):
    """The users found: at most one."""

    items: list[User]


class NewToken(Model):
    """A token to create."""

    name: TokenName | None = None


class TokenInfo(Model):
    """A token, without its value."""

    id: Id
    name: str | None
    created_at: datetime
    is_current: bool = Field(description="Whether this request was made with it.")


class NewTokenValue(Model):
    """A new token. Its value is shown this once."""

    id: Id
    name: str | None
    created_at: datetime
    token: str = Field(description="Send it as Authorization: Bearer. It is never shown again.")


class TokenList(Model):
    """A user's tokens without their values, newest first."""

    items: list[TokenInfo]


class NewDevice(Model):
    """A device to register, for the first time or again."""

    token: Token
    platform: Platform


class Device(Model):
    """A device that receives pushes."""

    id: Id
    user_id: Id
    platform: Platform
    created_at: datetime = Field(description="When it was last registered.")


class DeviceList(Model):
    """A user's devices, most recently registered first."""

    items: list[Device]


def _own_words_or_a_mood(schema: dict[str, Any]) -> None:
    """Add the check of `NewNotification` to its JSON Schema."""
    null = {"type": "null"}
    schema["anyOf"] = [
        {"properties": {"message": null}},
        {"properties": {"mood": null, "language": null}},
    ]


class NewNotification(Model):
    """A "miss you" to send: the sender's own `message`, or words generated for a `mood` and a `language`."""

    model_config = ConfigDict(json_schema_extra=_own_words_or_a_mood)

    target_id: Id
    message: Message | None = None
    mood: Mood | None = None
    language: Language | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if self.message is not None and (self.mood is not None or self.language is not None):
            raise ValueError("send either message, or mood and language, not both")
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
    """A "miss you" just sent, with who wrote it and the result of the push."""

    written_by: WrittenBy
    push: Push = Field(
        description="pending: an earlier request with this key is still pushing, or was cut off while pushing."
    )


class WaitingNotification(Model):
    """A "miss you" that waits until the target accepts messages of the sender."""

    target_id: Id
    state: Literal["pending"] = "pending"


class NewConsent(Model):
    """What the user decides about somebody's messages."""

    state: Decision


class Consent(Model):
    """Whether the user wants somebody's messages."""

    user_id: Id
    username: str
    state: State
    asked_at: datetime | None = Field(description="When that user first sent a message without consent.")


class DecidedConsent(Consent):
    """What the user decided, with the message that had waited for it and is delivered now."""

    delivered: SentNotification | None


class ConsentQuery(Model):
    """Which consents to list."""

    state: State = "pending"
    limit: Limit = 20
    cursor: UserCursor | None = None


class ConsentPage(Model):
    """Consents by the id of the other user. A null nextCursor marks the last page."""

    items: list[Consent]
    next_cursor: str | None


class PageQuery(Model):
    """Which part of a list to return."""

    limit: Limit = 20
    cursor: PlaceCursor | None = None


class NotificationPage(Model):
    """Notifications, unread first, newest first. A null nextCursor marks the last page."""

    items: list[Notification]
    next_cursor: str | None


class Marked(Model):
    """How many notifications were marked read."""

    marked: int = Field(ge=0, le=MAX_ID)


class Status(Model):
    """The state of the service."""

    status: str


class About(Model):
    """The service's name, and the path of its OpenAPI document."""

    name: str
    openapi: str


class FieldError(Model):
    """What is wrong with one field."""

    field: str = Field(description="The field's name, with dots for nested fields; body for the whole body.")
    message: str


class ProblemDetails(Model):
    """An error (RFC 9457)."""

    type: str = Field(json_schema_extra={"format": "uri-reference"})
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    instance: str = Field(json_schema_extra={"format": "uri-reference"})
    request_id: str
    errors: list[FieldError] | None = None
