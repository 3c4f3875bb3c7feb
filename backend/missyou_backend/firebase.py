"""Push through Firebase Cloud Messaging: one HTTP v1 request for each token, a batch of tokens at a time.

We use the SDK's asynchronous half. Its requests can be cancelled: the synchronous half obeys a `Retry-After` of any
length in a thread that nothing can end. It multiplexes requests over HTTP/2: the synchronous half starts a thread for
each message. We send one message per call: `send_each_async` of many is only a `gather` of single requests, in which
one garbled answer discards the results of all the others.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import firebase_admin
import google.oauth2.service_account
from firebase_admin import credentials, exceptions, messaging

from missyou_backend.firebase_account import AccessToken
from missyou_backend.push import Note, Pushed
from missyou_backend.push_loop import LoopFactory, LoopThread

_SECONDS = 8.0
_ATTEMPT_SECONDS = 4.0
# The SDK's own limit for a batch.
_BATCH = 500
_TRIES = 2

_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"

_log = logging.getLogger(__name__)


class Outcome(enum.Enum):
    """The result of the message to one token."""

    SENT = "sent"
    FAILED = "failed"
    GONE = "gone"


class _Credential(credentials.Base):  # type: ignore[misc]  # firebase_admin is not typed
    """Hands our access token to the SDK."""

    def __init__(self, access: AccessToken) -> None:
        super().__init__()
        self._access = access

    def get_credential(self) -> AccessToken:
        return self._access


class FirebasePusher:
    """Pushes through one Firebase project. Threads and connections start at the first use, after gunicorn's fork."""

    def __init__(
        self,
        account: google.oauth2.service_account.Credentials,
        *,
        seconds: float = _SECONDS,
        loop_factory: LoopFactory = asyncio.new_event_loop,
    ) -> None:
        """Prepare a pusher. `seconds` bounds a whole push; `loop_factory` makes its event loop (tests: its network)."""
        self._project = str(account.project_id)
        self._access = AccessToken(account, seconds / 2)
        self._seconds = seconds
        self._loop = LoopThread("firebase", loop_factory)
        # Used only inside the loop.
        self._app: firebase_admin.App | None = None
        # At DEBUG they log the bearer token (hpack does, header by header), at INFO a line for each request.
        for name in ("firebase_admin", "google", "h2", "hpack", "httpcore", "httpx", "urllib3"):
            logging.getLogger(name).setLevel(logging.WARNING)

    def push(self, tokens: Sequence[str], note: Note) -> Pushed:
        """Send the note once to each distinct token. What is not done in time counts as failed."""
        distinct = list(dict.fromkeys(token for token in tokens if token))
        if not distinct:
            return Pushed(0, 0, ())
        try:
            outcomes = self._loop.run(lambda: self._deliver(distinct, note), self._seconds + 0.5)
        except Exception as error:  # Whatever the network or the SDK raises: the notification is stored anyway.
            # Never log the exception's text: it may quote the assertion, the token or the message.
            _log.warning("push to %d tokens failed (%s)", len(distinct), type(error).__name__)
            return Pushed(0, len(distinct), ())
        sent = sum(outcome is Outcome.SENT for outcome in outcomes.values())
        gone = tuple(token for token, outcome in outcomes.items() if outcome is Outcome.GONE)
        return Pushed(sent, len(distinct) - sent, gone)

    def close(self) -> None:
        """End this pusher's thread; for tests."""
        self._loop.close()

    async def _deliver(self, tokens: Sequence[str], note: Note) -> dict[str, Outcome]:
        """Return the outcome of each token. Tokens that the deadline cut off are missing."""
        end = asyncio.get_running_loop().time() + self._seconds
        async with asyncio.timeout_at(end):
            await self._access.ensure()
        errors: Counter[str] = Counter()
        outcomes: dict[str, Outcome] = {}
        for start in range(0, len(tokens), _BATCH):
            outcomes |= await self._deliver_batch(tokens[start : start + _BATCH], note, end, errors)
        if late := len(tokens) - len(outcomes):
            errors["Timeout"] = late
        if errors:
            _log.warning("push to %d tokens: %s", len(tokens), ", ".join(f"{n} x {e}" for e, n in errors.items()))
        return outcomes

    async def _deliver_batch(
        self, tokens: Sequence[str], note: Note, end: float, errors: Counter[str]
    ) -> dict[str, Outcome]:
        tasks = {token: asyncio.create_task(self._send(token, note, end, errors)) for token in tokens}
        done, late = await asyncio.wait(tasks.values(), timeout=end - asyncio.get_running_loop().time())
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=0.2)
        return {token: task.result() for token, task in tasks.items() if task in done}

    async def _send(self, token: str, note: Note, end: float, errors: Counter[str]) -> Outcome:
        """Send one message; try again if no answer came or FCM's `Retry-After` ends in time.

        The SDK itself retries after a 500 or a 503: at once, then after 1, 2 and 4 seconds.
        """
        for tries_left in reversed(range(_TRIES)):
            error = await self._attempt(token, note)
            pause = _pause(error)
            if not tries_left or pause is None or asyncio.get_running_loop().time() + pause >= end:
                break
            await asyncio.sleep(pause)
        if error is not None:
            errors[type(error).__name__] += 1
        return outcome_of(error)

    async def _attempt(self, token: str, note: Note) -> Exception | None:
        # `token` is deprecated in favour of Firebase installation ids, which apps do not register yet; FCM takes both.
        message = messaging.Message(
            token=token,
            notification=messaging.Notification(title=note.title, body=note.text),
            data={"notificationId": str(note.notification_id)},
        )
        try:
            batch = await messaging.send_each_async([message], app=self._connected())
        except Exception as error:  # Not JSON, a refused token: only this message has failed.
            return error
        answer = batch.responses[0]
        refused: Exception = answer.exception or ValueError("FCM's response names no message")
        return None if answer.success else refused

    def _connected(self) -> firebase_admin.App:
        if self._app is None:
            options = {"projectId": self._project, "httpTimeout": _ATTEMPT_SECONDS}
            self._app = firebase_admin.initialize_app(_Credential(self._access), options, name=f"push-{uuid4()}")
        return self._app


def _pause(error: Exception | None) -> float | None:
    """Return the seconds to wait before another try, or None for no other try.

    A timeout is not retried, because the phone may have rung. FCM's quota asks for a minute unless a `Retry-After`
    says less: https://firebase.google.com/docs/cloud-messaging/scale-fcm
    """
    if not isinstance(error, exceptions.FirebaseError) or isinstance(error, exceptions.DeadlineExceededError):
        return None
    if error.http_response is None:
        return 0.2
    after = error.http_response.headers.get("Retry-After", "")
    quota = isinstance(error, messaging.QuotaExceededError | exceptions.ResourceExhaustedError)
    return float(after) if quota and after.isdecimal() else None


def outcome_of(error: Exception | None) -> Outcome:
    """Return the outcome of an error, by https://firebase.google.com/docs/cloud-messaging/error-codes."""
    if error is None:
        return Outcome.SENT
    if isinstance(error, messaging.UnregisteredError):
        return Outcome.GONE
    if isinstance(error, exceptions.InvalidArgumentError) and error.http_response is not None:
        try:
            if blames_token(error.http_response.json()):
                return Outcome.GONE
        except (ValueError, RecursionError):
            pass
    return Outcome.FAILED


def blames_token(body: Any) -> bool:
    """Return whether an INVALID_ARGUMENT is about the token: FCM also answers it for a bad message.

    Field violations name the field. Without them, an ill-formed token gets FCM's own error together with a sentence
    about the registration token; "message too big" has the same code and another sentence.
    """
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return False
    listed = error.get("details")
    details = [detail for detail in listed if isinstance(detail, Mapping)] if isinstance(listed, list) else []
    fields = [field for detail in details if detail.get("@type") == _BAD_REQUEST for field in _violated(detail)]
    if fields:
        return all(field == "message.token" for field in fields)
    is_fcm = any(d.get("@type") == _FCM_ERROR and d.get("errorCode") == "INVALID_ARGUMENT" for d in details)
    return is_fcm and "registration token" in str(error.get("message")).lower()


def _violated(detail: Mapping[str, Any]) -> list[object]:
    violations = detail.get("fieldViolations")
    if not isinstance(violations, list):
        return []
    return [violation.get("field") for violation in violations if isinstance(violation, Mapping)]
