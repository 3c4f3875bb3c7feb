"""Firebase through Google's SDK, over the wire: access tokens, threads and what is logged."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from missyou_backend.firebase import FirebasePusher
from missyou_backend.push import Note, Pushed
from tests.backend.wire_fcm import (
    PEM,
    FcmServer,
    OAuthServer,
    Reply,
    access_token,
    code,
    fcm_error,
    only,
    verified_claims,
)

pytest_plugins = ("tests.backend.wire_fixtures",)
# The SDK prefers Firebase installation ids, which phones do not register yet.
pytestmark = pytest.mark.filterwarnings("ignore:Message.token is deprecated:DeprecationWarning")

NOTE = Note(42, "Ana misses you", 'Komm "bald" heim 😀')
Make = Callable[..., FirebasePusher]
UNAVAILABLE = fcm_error(503, "UNAVAILABLE", "busy", code("UNAVAILABLE"))


def threads() -> int:
    return [thread.name for thread in threading.enumerate()].count("firebase")


def test_oauth_grant_is_signed_and_narrow(oauth: OAuthServer, make_pusher: Make) -> None:
    make_pusher().push(["phone"], NOTE)
    (grant,) = oauth.grants
    assert grant["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = verified_claims(grant["assertion"])
    assert claims["iss"] == "push@missyou-test.iam.gserviceaccount.com"
    assert claims["aud"] == "https://oauth2.googleapis.com/token"
    assert claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
    assert abs(claims["iat"] - time.time()) < 60
    assert claims["exp"] - claims["iat"] <= 3600


@pytest.mark.parametrize(
    "answer",
    [
        Reply(None),
        Reply(500, b"{}"),
        Reply(400, b'{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}'),
        Reply(200, b"<html>"),
        Reply(200, b"{}"),
    ],
    ids=["silent", "500", "invalid_grant", "no JSON", "no token"],
)
def test_failing_oauth_fails_the_push_in_time(
    fcm: FcmServer, oauth: OAuthServer, make_pusher: Make, answer: Reply
) -> None:
    oauth.answer = lambda _: answer
    began = time.monotonic()
    assert make_pusher(1.0).push(["a", "b"], NOTE) == Pushed(0, 2, ())
    assert time.monotonic() - began < 3
    assert fcm.sent == []


def test_token_is_kept_until_shortly_before_its_end(fcm: FcmServer, oauth: OAuthServer, make_pusher: Make) -> None:
    pusher = make_pusher()
    assert [pusher.push(["a"], NOTE).sent for _ in range(3)] == [1, 1, 1]
    assert len(oauth.grants) == 1
    oauth.answer = lambda number: access_token(f"t{number}", seconds=500)
    pusher = make_pusher()
    assert [pusher.push(["a"], NOTE).sent for _ in range(3)] == [1, 1, 1]
    assert len(oauth.grants) == 4, "one with the first pusher, three with this"


def test_silent_oauth_is_given_up_and_asked_again(oauth: OAuthServer, make_pusher: Make) -> None:
    oauth.answer = lambda number: access_token("t") if number > 1 else Reply(None)
    pusher = make_pusher(1.0)
    assert pusher.push(["a"], NOTE) == Pushed(0, 1, ())
    assert pusher.push(["a"], NOTE) == Pushed(1, 0, ())


def test_refused_token_is_replaced_by_the_next_push(fcm: FcmServer, oauth: OAuthServer, make_pusher: Make) -> None:
    pusher = make_pusher()
    refusal = fcm_error(401, "UNAUTHENTICATED", "expired")
    fcm.answer = lambda sent: refusal if sent.headers["authorization"].endswith("-1") else Reply()
    assert pusher.push(["a"], NOTE) == Pushed(0, 1, ())
    assert pusher.push(["a"], NOTE) == Pushed(1, 0, ())
    assert len(oauth.grants) == 2


def test_eight_threads_share_one_thread_one_token_and_one_connection(
    fcm: FcmServer, oauth: OAuthServer, make_pusher: Make
) -> None:
    fcm.answer = lambda _: Reply(wait=0.2)
    before = threads()
    pusher = make_pusher()
    assert threads() == before
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        pushed = list(pool.map(lambda number: pusher.push([f"a{number}", f"b{number}"], NOTE), range(16)))
    assert pushed == [Pushed(2, 0, ())] * 16
    assert time.monotonic() - began < 16 * 0.2
    assert len(set(fcm.tokens)) == len(fcm.tokens) == 32
    assert len(oauth.grants) == 1
    assert threads() == before + 1


def test_nothing_secret_is_logged(
    fcm: FcmServer,
    oauth: OAuthServer,
    make_pusher: Make,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    pusher = make_pusher(1.0)
    note = Note(1, "title-secret", "text-secret")
    gone = fcm_error(404, "NOT_FOUND", "token-secret", code("UNREGISTERED"))
    for reply in (Reply(), UNAVAILABLE, gone, Reply(200, b"-secret")):
        fcm.answer = only("bad-token-secret", reply)
        pusher.push(["token-secret", "bad-token-secret"], note)
    oauth.answer = lambda _: Reply(400, b'{"error": "-secret"}')
    make_pusher().push(["token-secret"], note)
    output = capfd.readouterr()
    logged = "\n".join([caplog.text, output.out, output.err, *(repr(record.__dict__) for record in caplog.records)])
    assert "missyou_backend.firebase" in logged, "the failures are logged"
    assert not re.search("secret", logged)
    assert oauth.grants[0]["assertion"] not in logged
    assert PEM.splitlines()[1] not in logged
    assert PEM.splitlines()[1] not in repr(pusher) + repr(vars(pusher))
