"""What a pusher takes and returns. `firebase.py` is the one in production."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Note:
    """A title and a text to show, and the id of the stored notification for the app."""

    notification_id: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """The result of a push: each distinct token counts as sent or failed.

    `invalid`: the failed tokens that will never work again and should be forgotten.
    """

    sent: int
    failed: int
    invalid: tuple[str, ...]


class Pusher(Protocol):
    """Pushes within about eight seconds, and never raises."""

    def push(self, tokens: Sequence[str], note: Note) -> Pushed:
        """Send the note once to each token."""
        ...
