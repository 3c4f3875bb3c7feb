"""Push notifications to the phones of a user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Note:
    """What a phone shows, and the id by which its app finds the stored notification."""

    notification_id: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a push: every distinct token was either sent to or failed.

    `invalid` are those of the failed that will never work again and should be forgotten.
    """

    sent: int
    failed: int
    invalid: tuple[str, ...]


class Pusher(Protocol):
    """Whatever pushes: never an exception, within about eight seconds."""

    def push(self, tokens: Sequence[str], note: Note) -> Pushed:
        """Send the note to every token, once to each."""
        ...
