"""The types of the API's fields: their validation, and the JSON Schema that matches it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from missyou_backend.schema import (
    KEY_LIMIT,
    LANGUAGE_LIMIT,
    MOOD_LIMIT,
    TOKEN_LIMIT,
    TOKEN_NAME_LIMIT,
    USERNAME_LIMIT,
)
from missyou_backend.words_check import TEXT_LIMIT

#: The largest bigint of PostgreSQL.
MAX_ID = 2**63 - 1
PAGE_LIMIT = 100
#: Exact, so that the OpenAPI document says which cursors are accepted. 18 digits fit a bigint, 17 a timestamp.
USER_CURSOR = "[1-9][0-9]{0,17}"
PLACE_CURSOR = r"[01]\.[0-9]{1,17}\.[1-9][0-9]{0,17}"
#: Unicode's general category Cc. It includes NUL, which PostgreSQL does not store.
_CONTROL = r"\u0000-\u001f\u007f-\u009f"
#: The characters that str.strip removes, besides the control characters.
_SPACE = r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_PLAIN = f"^[^{_CONTROL}]*$"
_PLAIN_NOT_BLANK = f"^[^{_CONTROL}]*[^{_CONTROL}{_SPACE}][^{_CONTROL}]*$"
_has_control = re.compile(f"[{_CONTROL}]").search
#: A larger integer may have been rounded while it was a floating-point number.
_MAX_EXACT = 2**53
_VISIBLE = re.compile(r"[\x21-\x7e]+")


def _plain(value: str) -> str:
    if _has_control(value):
        raise ValueError("must not contain control characters")
    return value


def _trimmed(value: str) -> str:
    trimmed = _plain(value).strip()
    if not trimmed:
        raise ValueError("must not be blank")
    return trimmed


def _visible(value: str) -> str:
    if not _VISIBLE.fullmatch(value):
        raise ValueError("must consist of visible ASCII characters")
    return value


def _cursor(pattern: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError("must be a nextCursor from a list of this kind")
        return value

    return AfterValidator(check)


def _integer(value: object) -> object:
    """Read 1.0 as 1, as JSON Schema does."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= _MAX_EXACT else value


def _digits(value: object) -> object:
    """Reject what int() would also read: spaces, signs, underscores, digits of other scripts."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,9}", value):
        raise ValueError("must be a whole number in decimal digits")
    return int(value) if isinstance(value, str) else value


def _schema(pattern: str, description: str, low: int, high: int, **more: str) -> WithJsonSchema:
    schema = {"type": "string", "minLength": low, "maxLength": high, "pattern": pattern, "description": description}
    return WithJsonSchema({**schema, **more})


#: Lengths are in code points, as in PostgreSQL, and include surrounding spaces, which are trimmed afterwards.
Username = Annotated[
    str,
    Field(min_length=1, max_length=USERNAME_LIMIT),
    AfterValidator(_trimmed),
    _schema(_PLAIN_NOT_BLANK, "Trimmed. Unique regardless of case.", 1, USERNAME_LIMIT),
]
TokenName = Annotated[
    str,
    Field(min_length=1, max_length=TOKEN_NAME_LIMIT),
    AfterValidator(_trimmed),
    _schema(_PLAIN_NOT_BLANK, "What the token is for, trimmed, for example the name of a phone.", 1, TOKEN_NAME_LIMIT),
]
Message = Annotated[
    str,
    Field(min_length=1, max_length=TEXT_LIMIT),
    AfterValidator(_trimmed),
    _schema(_PLAIN_NOT_BLANK, "The sender's own words, trimmed.", 1, TEXT_LIMIT),
]
Mood = Annotated[
    str,
    Field(min_length=1, max_length=MOOD_LIMIT),
    AfterValidator(_trimmed),
    _schema(_PLAIN_NOT_BLANK, "The mood of the generated words.", 1, MOOD_LIMIT),
]
Language = Annotated[
    str,
    Field(min_length=1, max_length=LANGUAGE_LIMIT),
    AfterValidator(_trimmed),
    _schema(_PLAIN_NOT_BLANK, "A BCP 47 tag (pt-BR) or a language's name.", 1, LANGUAGE_LIMIT),
]
Token = Annotated[
    str,
    Field(min_length=1, max_length=TOKEN_LIMIT),
    AfterValidator(_visible),
    _schema(r"^[\u0021-\u007e]+$", "The app's registration token from Firebase.", 1, TOKEN_LIMIT),
]
IdempotencyKey = Annotated[
    str,
    Field(min_length=1, max_length=KEY_LIMIT),
    AfterValidator(_visible),
    _schema(
        r"^[\u0021-\u007e]+$",
        "Unique to this message, for example a UUID. The same key and body within 24 hours send nothing again.",
        1,
        KEY_LIMIT,
    ),
]
#: The id of the last user of a page.
UserCursor = Annotated[
    str, _cursor(USER_CURSOR), _schema(f"^{USER_CURSOR}$", "The nextCursor of the previous page.", 1, 18)
]
#: The place of the last notification of a page, in the format of `cursors.py`.
PlaceCursor = Annotated[
    str, _cursor(PLACE_CURSOR), _schema(f"^{PLACE_CURSOR}$", "The nextCursor of the previous page.", 5, 38)
]
Limit = Annotated[int, Field(ge=1, le=PAGE_LIMIT, description="Maximum number of items."), BeforeValidator(_digits)]
Id = Annotated[int, Field(ge=1, le=MAX_ID), BeforeValidator(_integer)]
Platform = Literal["ios", "android", "web"]
WrittenBy = Literal["sender", "ai", "template"]
#: pending: the first request with this key is still pushing, or was cut off while pushing.
Push = Literal["disabled", "sent", "failed", "noDevices", "pending"]
#: pending: the source has asked and waits. declined and blocked look like pending to the source.
State = Literal["pending", "accepted", "declined", "blocked"]
Decision = Literal["accepted", "declined", "blocked"]
