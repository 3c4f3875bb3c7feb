"""Firebase through Google's SDK, over the wire: messages and errors, by TLS, HTTP/2 and FCM's JSON."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from missyou_backend.firebase import FirebasePusher
from missyou_backend.firebase_account import service_credentials
from missyou_backend.push import Note, Pushed
from tests.backend.wire_fcm import (
    PROJECT,
    FcmServer,
    OAuthServer,
    Reply,
    Sent,
    code,
    fcm_error,
    only,
    service_account,
    violation,
)

pytest_plugins = ("tests.backend.wire_fixtures",)
# The SDK prefers Firebase installation ids, which phones do not register yet.
pytestmark = pytest.mark.filterwarnings("ignore:Message.token is deprecated:DeprecationWarning")

NOTE = Note(42, "Ana misses you", 'Komm "bald" heim 😀')
Make = Callable[..., FirebasePusher]
UNAVAILABLE = fcm_error(503, "UNAVAILABLE", "busy", code("UNAVAILABLE"))


def test_message_on_the_wire(fcm: FcmServer, oauth: OAuthServer, make_pusher: Make) -> None:
    assert make_pusher().push(["phone"], NOTE) == Pushed(1, 0, ())
    (sent,) = fcm.sent
    assert sent.headers[":authority"] == "fcm.googleapis.com"
    assert sent.headers[":path"] == f"/v1/projects/{PROJECT}/messages:send"
    assert sent.headers["authorization"] == "Bearer ya29.secret-1"
    assert sent.body == {
        "message": {
            "token": "phone",
            "notification": {"title": NOTE.title, "body": NOTE.text},
            "data": {"notificationId": "42"},
        }
    }, "and not validate_only"


def test_no_tokens_is_no_request(fcm: FcmServer, oauth: OAuthServer, make_pusher: Make) -> None:
    assert make_pusher().push([], NOTE) == Pushed(0, 0, ())
    assert make_pusher().push([""], NOTE) == Pushed(0, 0, ())
    assert (fcm.sent, oauth.grants) == ([], [])


def test_1200_tokens_get_one_message_each(fcm: FcmServer, oauth: OAuthServer, make_pusher: Make) -> None:
    tokens = [f"phone-{number}" for number in range(1200)]
    gone = fcm_error(404, "NOT_FOUND", "gone", code("UNREGISTERED"))
    retried = Reply(503, UNAVAILABLE.body, wait=0.3)

    def answer(sent: Sent) -> Reply:
        if sent.token == "phone-0" and fcm.tokens.count("phone-0") == 1:
            return retried
        return gone if sent.token.endswith("99") else Reply()

    fcm.answer = answer
    pushed = make_pusher(30).push([*tokens, *tokens[:100]], NOTE)
    assert pushed == Pushed(1188, 12, tuple(token for token in tokens if token.endswith("99")))
    assert sorted(fcm.tokens) == sorted([*tokens, "phone-0"])
    assert sorted(fcm.tokens[:501]) == sorted([*tokens[:500], "phone-0"]), "a batch ends before the next begins"
    assert len(oauth.grants) == 1
    assert fcm.connections <= 5, "HTTP/2 carries them"


@pytest.mark.parametrize(
    ("reply", "gone"),
    [
        (fcm_error(404, "NOT_FOUND", "Requested entity was not found.", code("UNREGISTERED")), True),
        (fcm_error(403, "PERMISSION_DENIED", "SenderId mismatch", code("SENDER_ID_MISMATCH")), False),
        (fcm_error(400, "INVALID_ARGUMENT", "Not a valid FCM registration token", code("INVALID_ARGUMENT")), True),
        (fcm_error(400, "INVALID_ARGUMENT", "no", code("INVALID_ARGUMENT"), violation("message.token")), True),
        (fcm_error(400, "INVALID_ARGUMENT", "no", violation("message.notification.title")), False),
        (fcm_error(400, "INVALID_ARGUMENT", "Android message is too big", code("INVALID_ARGUMENT")), False),
        (fcm_error(404, "NOT_FOUND", "Project not found"), False),
        (fcm_error(403, "PERMISSION_DENIED", "FCM API has not been used in the project"), False),
        (fcm_error(401, "UNAUTHENTICATED", "key of Apple", code("THIRD_PARTY_AUTH_ERROR")), False),
        (fcm_error(429, "RESOURCE_EXHAUSTED", "quota", code("QUOTA_EXCEEDED")), False),
        (Reply(400, b"<html>"), False),
        (Reply(404, b""), False),
        (Reply(502, b"<html>Bad Gateway</html>"), False),
        (Reply(200, b"<html>"), False),
        (Reply(200, b"[]"), False),
        (Reply(400, b'{"error": {"details": [1], "status": "INVALID_ARGUMENT"}}'), False),
    ],
)
def test_each_error_costs_its_own_token_only(
    fcm: FcmServer, shared_pusher: FirebasePusher, reply: Reply, gone: bool
) -> None:
    fcm.answer = only("bad", reply)
    assert shared_pusher.push(["good", "bad", "fine"], NOTE) == Pushed(2, 1, ("bad",) if gone else ())


def test_bad_message_removes_no_token_of_many(fcm: FcmServer, shared_pusher: FirebasePusher) -> None:
    fcm.answer = lambda _: fcm_error(400, "INVALID_ARGUMENT", "no", violation("message.data[0].value"))
    assert shared_pusher.push(["a", "b", "c"], NOTE) == Pushed(0, 3, ())


def test_brief_unavailability_is_retried(fcm: FcmServer, shared_pusher: FirebasePusher) -> None:
    fcm.answer = lambda _: UNAVAILABLE if len(fcm.sent) == 1 else Reply()
    assert shared_pusher.push(["a"], NOTE) == Pushed(1, 0, ())
    assert len(fcm.sent) == 2


def test_lasting_unavailability_ends_in_time_and_keeps_what_was_sent(fcm: FcmServer, make_pusher: Make) -> None:
    fcm.answer = only("bad", Reply(503, UNAVAILABLE.body, {"retry-after": "3600"}))
    pusher = make_pusher(0.8)
    began = time.monotonic()
    assert pusher.push(["good", "bad"], NOTE) == Pushed(1, 1, ())
    assert time.monotonic() - began < 3
    tries = fcm.tokens.count("bad")
    assert tries == 2, "the SDK's third would come after a second"
    fcm.answer = lambda _: Reply(wait=0.6)
    assert pusher.push(["slow"], NOTE) == Pushed(1, 0, ())
    assert fcm.tokens.count("bad") == tries, "nothing goes on in the background"


@pytest.mark.parametrize(("after", "times"), [(None, 1), ("0", 2), ("60", 1), ("Thu, 01 Jan 2099 00:00:00 GMT", 1)])
def test_quota_is_asked_again_only_if_fcm_says_when(
    fcm: FcmServer, shared_pusher: FirebasePusher, after: str | None, times: int
) -> None:
    quota = fcm_error(429, "RESOURCE_EXHAUSTED", "quota", code("QUOTA_EXCEEDED")).body
    fcm.answer = lambda _: Reply(429, quota, {"retry-after": after} if after else {})
    began = time.monotonic()
    assert shared_pusher.push(["a"], NOTE) == Pushed(0, 1, ())
    assert time.monotonic() - began < 4
    assert len(fcm.sent) == times


def test_silence_ends_in_time_and_keeps_what_was_sent(fcm: FcmServer, make_pusher: Make) -> None:
    fcm.answer = only("silent", Reply(None))
    pusher = make_pusher(0.8)
    began = time.monotonic()
    assert pusher.push(["good", "silent"], NOTE) == Pushed(1, 1, ())
    assert time.monotonic() - began < 3
    assert pusher.push(["good"], NOTE) == Pushed(1, 0, ()), "the next one is served"
    assert sorted(fcm.tokens) == ["good", "good", "silent"]


def test_batch_for_which_no_time_is_left_is_not_begun(fcm: FcmServer, make_pusher: Make) -> None:
    fcm.answer = only("phone-0", Reply(None))
    pusher = make_pusher(2)
    pushed = pusher.push([f"phone-{number}" for number in range(501)], NOTE)
    assert pushed.sent + pushed.failed == 501
    assert pushed.failed >= 2
    assert "phone-500" not in fcm.tokens


def test_unreachable_fcm_fails_quickly(oauth: OAuthServer, tmp_path: Path) -> None:
    stopped = FcmServer(tmp_path)
    stopped.close()
    pusher = FirebasePusher(service_credentials(service_account(oauth.url)), loop_factory=stopped.network)
    began = time.monotonic()
    assert pusher.push(["a", "b"], NOTE) == Pushed(0, 2, ())
    assert time.monotonic() - began < 4
    pusher.close()


def test_another_authority_is_not_believed(
    fcm: FcmServer, make_pusher: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = FcmServer(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(other.authority))
    assert make_pusher().push(["a"], NOTE) == Pushed(0, 1, ())
    assert fcm.sent == []
    other.close()
