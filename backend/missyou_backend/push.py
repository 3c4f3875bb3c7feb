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


def pusher(service_account: str | None) -> Pusher | None:
    """Return the pusher of a service account, which is the JSON text that the Firebase console gives.

    None, for want of an account, means that push is disabled. Raises ValueError, one line without a secret, for text
    that is no such account.
    """
    if service_account is None or not service_account.strip():
        return None
    # Imported only when needed: the SDK costs a quarter of a second and some 35 MiB.
    from missyou_backend.firebase import FirebasePusher  # noqa: PLC0415
    from missyou_backend.firebase_account import service_credentials  # noqa: PLC0415

    return FirebasePusher(service_credentials(service_account))
