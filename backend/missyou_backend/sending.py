"""Send a "miss you": find words, store the notification, push it.

Finding words and pushing take seconds, so no database connection is held meanwhile. The notification is committed
before the push, so a failed push loses nothing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from missyou_backend import devices, idempotency, notifications, users
from missyou_backend.database import Database
from missyou_backend.fields import Push, WrittenBy
from missyou_backend.idempotency import Claim, Known
from missyou_backend.models import NewNotification, Notification, SentNotification
from missyou_backend.problems import KEY_REUSED, Problem, not_found
from missyou_backend.push import Note, Pushed, Pusher
from missyou_backend.words import Occasion, Writer

_log = logging.getLogger(__name__)


class _Stored(Exception):  # noqa: N818 - rolls a transaction back, no error
    """Another request with the same key was first."""


@dataclass(frozen=True, slots=True)
class Sending:
    """Sends notifications. Without a `pusher`, push is disabled."""

    database: Database
    writer: Writer
    pusher: Pusher | None

    def send(self, body: NewNotification, key: str | None) -> tuple[SentNotification, bool]:
        """Send a notification; return it, and whether an earlier request with this key had sent it.

        Raises Problem for unknown users, and for a key that was used with another body.
        """
        claim = idempotency.claim_of(key, body) if key is not None else None
        with self.database.transaction() as connection:
            if claim and (known := idempotency.find(connection, claim)):
                return _replayed(connection, claim, known), True
            names = users.names(connection, {body.source_id, body.target_id})
        for field, id_ in (("sourceId", body.source_id), ("targetId", body.target_id)):
            if id_ not in names:
                raise not_found("user", field)
        title, text, written_by = self._words(body, names)
        try:
            sent, tokens = self._store(body, title, text, claim, written_by)
        except _Stored:
            return self._replay(claim), True
        push = self._push(sent, tokens, claim)
        return _answer(sent, written_by, push), False

    def _words(self, body: NewNotification, names: dict[int, str]) -> tuple[str, str, WrittenBy]:
        source, target = names[body.source_id], names[body.target_id]
        if body.message is not None:
            return f"{source} misses you", body.message, "sender"
        words = self.writer.write(Occasion(source, target, body.mood, body.language))
        return words.title, words.text, words.written_by

    def _store(
        self, body: NewNotification, title: str, text: str, claim: Claim | None, written_by: WrittenBy
    ) -> tuple[Notification, list[str]]:
        with self.database.transaction() as connection:
            sent = notifications.create(connection, body.source_id, body.target_id, title, text)
            if claim:
                if not idempotency.store(connection, claim, sent.id, written_by):
                    raise _Stored
                idempotency.sweep(connection)
            return sent, devices.tokens(connection, body.target_id) if self.pusher else []

    def _replay(self, claim: Claim | None) -> SentNotification:
        with self.database.transaction() as connection:
            known = idempotency.find(connection, claim) if claim else None
            if claim is None or known is None:
                raise not_found("notification")
            return _replayed(connection, claim, known)

    def _push(self, sent: Notification, tokens: list[str], claim: Claim | None) -> Push:
        pushed = Pushed(0, 0, ())
        push: Push = "noDevices"
        if self.pusher is None:
            push = "disabled"
        elif tokens:
            pushed = self.pusher.push(tokens, Note(sent.id, sent.title, sent.description))
            push = "sent" if pushed.sent else "failed"
        try:
            self._store_push(sent, pushed, claim, push)
        except SQLAlchemyError as error:
            # The notification is stored and on its way: the sender must not repeat it.
            _log.warning("the result of a push could not be stored: %s", type(error).__name__)
        return push

    def _store_push(self, sent: Notification, pushed: Pushed, claim: Claim | None, push: Push) -> None:
        if not claim and not pushed.invalid:
            return
        with self.database.transaction() as connection:
            if pushed.invalid:
                devices.forget(connection, sent.target_id, pushed.invalid)
            if claim:
                idempotency.store_push(connection, claim, push)


def _replayed(connection: Connection, claim: Claim, known: Known) -> SentNotification:
    if known.body_hash != claim.body_hash:
        raise Problem(KEY_REUSED, "Use a new key for a new message. The same key only repeats the same message.")
    sent = notifications.find(connection, known.notification_id)
    if sent is None:
        raise not_found("notification")
    return _answer(sent, known.written_by, known.push or "pending")


def _answer(sent: Notification, written_by: WrittenBy, push: Push) -> SentNotification:
    return SentNotification(**dict(sent), written_by=written_by, push=push)
