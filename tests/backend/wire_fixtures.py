"""Fixtures for tests that push over the wire, used through `pytest_plugins`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from missyou_backend.firebase import FirebasePusher
from missyou_backend.firebase_account import service_credentials
from missyou_backend.push import Note, Pushed
from tests.backend.wire_fcm import FcmServer, OAuthServer, Reply, service_account

Make = Callable[..., FirebasePusher]


@pytest.fixture(scope="module")
def fcm_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FcmServer]:
    server = FcmServer(tmp_path_factory.mktemp("fcm"))
    yield server
    server.close()


@pytest.fixture
def fcm(fcm_server: FcmServer, monkeypatch: pytest.MonkeyPatch) -> FcmServer:
    monkeypatch.setenv("SSL_CERT_FILE", str(fcm_server.authority))
    fcm_server.sent.clear()
    fcm_server.connections = fcm_server.cancelled = 0
    fcm_server.answer = lambda _: Reply()
    return fcm_server


@pytest.fixture
def oauth() -> Iterator[OAuthServer]:
    server = OAuthServer()
    yield server
    server.close()


@pytest.fixture
def make_pusher(fcm: FcmServer, oauth: OAuthServer) -> Iterator[Make]:
    made: list[FirebasePusher] = []

    def pusher(seconds: float = 8.0) -> FirebasePusher:
        account = service_credentials(service_account(oauth.url))
        made.append(FirebasePusher(account, seconds=seconds, loop_factory=fcm.network))
        return made[-1]

    yield pusher
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def shared_pusher(fcm_server: FcmServer) -> Iterator[FirebasePusher]:
    """A pusher for tests that need no new one: a new one reads all certificates three times."""
    oauth = OAuthServer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(fcm_server.authority))
        pusher = FirebasePusher(service_credentials(service_account(oauth.url)), loop_factory=fcm_server.network)
        assert pusher.push(["first"], Note(1, "T", "x")) == Pushed(1, 0, ())
    yield pusher
    pusher.close()
    oauth.close()
