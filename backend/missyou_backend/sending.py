"""Send a "miss you": ask for consent, or find words, store the notification, push it.

Finding words and pushing take seconds, so no database connection is held meanwhile. The notification is committed
before the push, so a failed push loses nothing. Until the target accepts messages of the source, nothing is written,
stored as a notification or pushed: the message waits as it was sent.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from missyou_backend import consents, devices, idempotency, limits, notifications, users
from missyou_backend.database import Database
from missyou_backend.fields import Decision, Push, WrittenBy
from missyou_backend.idempotency import Claim, Known
from missyou_backend.limits import EVERYBODY, Limits
from missyou_backend.models import (
    DecidedConsent,
    NewNotification,
    Notification,
    SentNotification,
    WaitingNotification,
)
from missyou_backend.problems import AWAITING_CONSENT, KEY_REUSED, Problem, not_found
from missyou_backend.push import Note, Pushed, Pusher
from missyou_backend.words import Occasion, TemplateWriter, Words, Writer

_log = logging.getLogger(__name__)


class _Stored(Exception):  # noqa: N818 - rolls a transaction back, no error
    """Another request with the same key was first."""


class _NotWanted(Exception):  # noqa: N818 - rolls a transaction back, no error
    """The target does not want, or no longer wants, messages of the source."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The answer to a sender. `replayed`: an earlier request with the same key had sent it."""

    answer: SentNotification | WaitingNotification
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Sending:
    """Sends notifications. Without a `pusher`, push is disabled."""

    database: Database
    writer: Writer
    pusher: Pusher | None
    limits: Limits = field(default_factory=Limits)
    templates: Writer = field(default_factory=TemplateWriter)

    def send(self, source_id: int, body: NewNotification, key: str | None) -> Sent:
        """Send a notification, or let it wait for the target's consent.

        Raises Problem for an unknown target, a limit, a target who has not answered, and a key that was used with
        another body.
        """
        claim = idempotency.claim_of(key, source_id, body) if key is not None else None
        with self.database.transaction() as connection:
            if claim and (replayed := _replayed(connection, claim, body)):
                return replayed
            limits.take(connection, self.limits.sends, source_id)
            names = users.names(connection, {source_id, body.target_id})
            is_wanted = consents.wants(connection, body.target_id, source_id)
        if body.target_id not in names:
            raise not_found("user", "targetId")
        if not is_wanted and (asked := self._ask(source_id, body, claim)):
            return asked
        return self._deliver(source_id, body, claim, names)

    def decide(self, target_id: int, source_id: int, decision: Decision) -> DecidedConsent:
        """Store what a target decides about a source, and deliver the message that waits for it, if it is accepted.

        Raises Problem (404) unless the source has asked the target, or has accepted the target.
        """
        with self.database.transaction() as connection:
            if consents.known(connection, target_id, source_id) is None:
                raise not_found("user")
            row = consents.find(connection, target_id, source_id)
            names = users.names(connection, {source_id, target_id})
        delivered = None
        if decision == "accepted" and row is not None and row.state == "pending":
            delivered = self._accept(target_id, source_id, row, names)
        else:
            with self.database.transaction() as connection:
                consents.lock(connection, target_id, source_id)
                consents.decide(connection, target_id, source_id, decision)
        with self.database.transaction() as connection:
            consent = consents.known(connection, target_id, source_id)
        if consent is None:
            raise not_found("user")
        return DecidedConsent(**dict(consent), delivered=delivered)

    def _ask(self, source_id: int, body: NewNotification, claim: Claim | None) -> Sent | None:
        """Let a message wait for consent; return the answer, or None if the target wants it after all.

        A target who has declined or blocked the source looks like one who has not answered yet.
        """
        target_id = body.target_id
        with self.database.transaction() as connection:
            consents.lock(connection, source_id, target_id)
            mine = consents.find(connection, source_id, target_id)
            theirs = consents.find(connection, target_id, source_id)
            if theirs and theirs.state == "accepted":
                return None
            if claim and (replayed := _replayed(connection, claim, body)):
                return replayed
            if theirs and theirs.asked_at is not None:
                raise _awaiting()
            limits.take(connection, self.limits.strangers, source_id)
            consents.ask(connection, source_id, body, claim)
            if mine is None or mine.state == "declined":
                # Whoever asks somebody wants to hear from them.
                consents.decide(connection, source_id, target_id, "accepted")
        return Sent(WaitingNotification(target_id=target_id))

    def _accept(
        self, target_id: int, source_id: int, row: consents.ConsentRow, names: dict[int, str]
    ) -> SentNotification | None:
        """Accept a source and deliver the message that waits; return it, or None if another request was first."""
        title, text, written_by = self._words(source_id, row.waiting, names)
        with self.database.transaction() as connection:
            consents.lock(connection, target_id, source_id)
            now = consents.find(connection, target_id, source_id)
            consents.decide(connection, target_id, source_id, "accepted")
            if now is None or now.state != "pending" or now.asked_at != row.asked_at:
                return None
            sent = notifications.create(connection, source_id, target_id, title, text)
            if row.claim:
                idempotency.store(connection, row.claim, sent.id, written_by)
            tokens = devices.tokens(connection, target_id) if self.pusher else []
        return _answer(sent, written_by, self._push(sent, tokens, row.claim))

    def _deliver(self, source_id: int, body: NewNotification, claim: Claim | None, names: dict[int, str]) -> Sent:
        words = self._words(source_id, body, names)
        try:
            sent, tokens = self._store(source_id, body, words, claim)
        except _NotWanted:
            raise _awaiting() from None
        except _Stored:
            return self._replay(claim, body)
        return Sent(_answer(sent, words[2], self._push(sent, tokens, claim)))

    def _store(
        self, source_id: int, body: NewNotification, words: tuple[str, str, WrittenBy], claim: Claim | None
    ) -> tuple[Notification, list[str]]:
        title, text, written_by = words
        with self.database.transaction() as connection:
            # The target may have changed their mind while words were found. From here on, that waits for us.
            if not consents.wants(connection, body.target_id, source_id, hold=True):
                raise _NotWanted
            sent = notifications.create(connection, source_id, body.target_id, title, text)
            if claim:
                if not idempotency.store(connection, claim, sent.id, written_by):
                    raise _Stored
                idempotency.sweep(connection)
            return sent, devices.tokens(connection, body.target_id) if self.pusher else []

    def _words(self, source_id: int, body: NewNotification, names: dict[int, str]) -> tuple[str, str, WrittenBy]:
        source, target = names[source_id], names[body.target_id]
        if body.message is not None:
            return f"{source} misses you", body.message, "sender"
        words = self._write(source_id, Occasion(source, target, body.mood, body.language))
        return words.title, words.text, words.written_by

    def _write(self, source_id: int, occasion: Occasion) -> Words:
        """Let the AI write, or the templates once its budget is spent."""
        if isinstance(self.writer, TemplateWriter):
            return self.writer.write(occasion)
        with self.database.transaction() as connection:
            may_write = limits.is_taken(connection, self.limits.ai_user, source_id) and limits.is_taken(
                connection, self.limits.ai, EVERYBODY
            )
        return (self.writer if may_write else self.templates).write(occasion)

    def _replay(self, claim: Claim | None, body: NewNotification) -> Sent:
        with self.database.transaction() as connection:
            replayed = _replayed(connection, claim, body) if claim else None
        if replayed is None:
            raise not_found("notification")
        return replayed

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


def _replayed(connection: Connection, claim: Claim, body: NewNotification) -> Sent | None:
    """Return what an earlier request with the same key was answered, or None. Raises Problem for another body."""
    known = idempotency.find(connection, claim)
    body_hash = known.body_hash if known else consents.asked_with(connection, claim)
    if body_hash is None:
        return None
    if body_hash != claim.body_hash:
        raise Problem(KEY_REUSED, "Use a new key for a new message. The same key only repeats the same message.")
    if known is None:
        return Sent(WaitingNotification(target_id=body.target_id), replayed=True)
    return Sent(_known_answer(connection, known), replayed=True)


def _known_answer(connection: Connection, known: Known) -> SentNotification:
    sent = notifications.find(connection, known.notification_id)
    if sent is None:
        raise not_found("notification")
    return _answer(sent, known.written_by, known.push or "pending")


def _awaiting() -> Problem:
    """Return the problem of a target who has not answered, has declined or has blocked: they look the same."""
    detail = "The target has not accepted your messages. One may wait until they do; this one was not stored."
    return Problem(AWAITING_CONSENT, detail)


def _answer(sent: Notification, written_by: WrittenBy, push: Push) -> SentNotification:
    return SentNotification(**dict(sent), written_by=written_by, push=push)
