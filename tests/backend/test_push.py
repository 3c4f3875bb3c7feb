"""Reading a service account, and judging FCM's errors: no network."""

from __future__ import annotations

import json
import logging
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missyou_backend.app import make_pusher
from missyou_backend.firebase import blames_token
from tests.backend.wire_fcm import PEM, code, service_account, violation

URI = "https://oauth2.googleapis.com/token"


def test_without_an_account_push_is_disabled() -> None:
    assert make_pusher(None) is None
    assert make_pusher("") is None


def test_account_of_the_firebase_console_is_taken() -> None:
    assert make_pusher(service_account(URI)) is not None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("secret", "not JSON"),
        ('{"type": "service_account", "private_key": "secret', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('["secret"]', "not a JSON object"),
        ("{}", '"type"'),
        (service_account(URI, type="authorized_user", client_secret="secret"), '"type"'),
        (service_account(URI, project_id=None), '"project_id"'),
        (service_account(URI, project_id=17), '"project_id"'),
        (service_account(URI, project_id="secret/../../x"), '"project_id"'),
        (service_account(URI, client_email=""), '"client_email"'),
        (service_account(URI, private_key=None), '"private_key"'),
        (service_account(URI, private_key="secret"), '"private_key"'),
        (service_account(URI, private_key=PEM[:200] + "secret"), '"private_key"'),
        (service_account("http://evil.test/token?secret"), '"token_uri"'),
        (service_account("http://[secret"), '"token_uri"'),
        (service_account("file:///secret"), '"token_uri"'),
    ],
)
def test_malformed_account_is_one_line_that_names_the_fault_and_no_content(
    text: str, names: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ValueError, match="FIREBASE_SERVICE_ACCOUNT_KEY") as caught:
        make_pusher(text)
    message = str(caught.value)
    assert names in message
    assert "\n" not in message
    shown = message + caplog.text + traceback.format_exception_only(caught.value)[-1]
    assert "secret" not in shown
    assert PEM.splitlines()[1] not in shown
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None, "a traceback would quote the cause"


def error(message: str, *details: object) -> dict[str, object]:
    return {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT", "details": list(details)}}


@pytest.mark.parametrize(
    ("body", "blamed"),
    [
        (error("The registration token is not a valid FCM registration token", code("INVALID_ARGUMENT")), True),
        (error("Request contains an invalid argument.", code("INVALID_ARGUMENT"), violation("message.token")), True),
        (error("Invalid value", violation("message.token")), True),
        (error("Invalid value at 'message.data[0].value'", violation("message.data[0].value")), False),
        (error("Invalid registration token or data", violation("message.token", "message.data[0].value")), False),
        (error("Android message is too big", code("INVALID_ARGUMENT")), False),
        (error("The registration token is not a valid FCM registration token"), False),
        (error("registration token"), False),
    ],
)
def test_invalid_argument_is_the_tokens_fault_only_if_fcm_says_so(body: dict[str, object], blamed: bool) -> None:
    assert blames_token(body) is blamed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "details", "message", "@type", "errorCode", "fieldViolations", "field"]), inner
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_can_be_judged(body: object) -> None:
    assert blames_token(json.loads(json.dumps(body))) is False
