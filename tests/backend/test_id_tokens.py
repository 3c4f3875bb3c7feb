"""Firebase ID tokens: those of our project are accepted, forged ones are refused, over the API and over the wire."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from missyou_backend import id_tokens
from missyou_backend.app import create_app
from missyou_backend.id_tokens import IdTokens

from .people import UNLIMITED, Person
from .test_process import answers, started, until
from .wire_fcm import service_account

PROJECT = "miss-you-test"


@dataclass(slots=True)
class Signer:
    """A key with its certificate, as Google has them."""

    kid: str
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def certificate(self) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "securetoken.system.gserviceaccount.com")])
        now = datetime.now(UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self.key, hashes.SHA256())
        )
        return built.public_bytes(serialization.Encoding.PEM).decode()

    def public_key(self) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, form)


@dataclass(slots=True)
class Google:
    """The endpoint of the certificates. `asked` counts requests."""

    url: str = ""
    signers: list[Signer] = field(default_factory=list)
    cache_control: str = "public, max-age=20000, must-revalidate"
    status: int = 200
    asked: int = 0


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer("key-1")


@pytest.fixture(scope="module")
def other() -> Signer:
    return Signer("key-2")


@pytest.fixture
def google(signer) -> Iterator[Google]:
    google = Google(signers=[signer])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            google.asked += 1
            body = json.dumps({each.kid: each.certificate() for each in google.signers}).encode()
            self.send_response(google.status)
            self.send_header("Cache-Control", google.cache_control)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    google.url = f"http://127.0.0.1:{server.server_port}/certificates"
    yield google
    server.shutdown()
    server.server_close()


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {
        "iss": f"https://securetoken.google.com/{PROJECT}",
        "aud": PROJECT,
        "sub": "uid-of-ann",
        "iat": now - 60,
        "exp": now + 3000,
        "auth_time": now - 100,
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def token(signer: Signer, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), signer.key, "RS256", {"kid": signer.kid, **(headers or {})})


def by_hand(header: dict[str, Any], body: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    def encoded(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    signed = b".".join(encoded(json.dumps(part).encode()) for part in (header, body))
    return (signed + b"." + encoded(sign(signed))).decode()


def unsigned(signer: Signer, **changes: Any) -> str:
    return by_hand({"alg": "none", "kid": signer.kid}, claims(**changes), lambda _: b"")


def with_the_public_key_as_secret(signer: Signer, secret: bytes) -> str:
    header = {"alg": "HS256", "kid": signer.kid}
    return by_hand(header, claims(), lambda signed: hmac.digest(secret, signed, hashlib.sha256))


@pytest.fixture
def app(database, author, postman, google):
    return create_app(database, author, postman, IdTokens(PROJECT, google.url), UNLIMITED)


def sign_up(app, name: str, id_token: str):
    headers = {"Authorization": f"Bearer {id_token}"}
    return app.test_client().post("/v1/users", json={"username": name}, headers=headers)


def test_an_account_signs_up_once_and_is_its_user_from_then_on(app, signer) -> None:
    made = sign_up(app, "Ann", token(signer))
    assert made.status_code == 201
    ann = Person(app, made.get_json()["id"], token(signer))
    assert ann.get(ann.path).get_json()["username"] == "Ann"
    assert replace(ann, token=made.get_json()["token"]).get(ann.path).status_code == 200
    assert ann.get(f"{ann.path}/tokens").get_json()["items"][0]["isCurrent"] is False
    again = sign_up(app, "Ann2", token(signer))
    assert (again.status_code, again.get_json()["type"]) == (409, "/problems/already-signed-up")
    assert ann.get("/v1/users?username=Ann2").get_json()["items"] == []
    stranger = replace(ann, token=token(signer, sub="uid-of-bob"))
    answer = stranger.get(ann.path)
    assert answer.status_code == 401
    assert "has no user yet: POST /v1/users" in answer.get_json()["detail"]


def test_an_erased_account_may_sign_up_again(app, signer) -> None:
    ann = Person(app, sign_up(app, "Ann", token(signer)).get_json()["id"], token(signer))
    assert ann.delete(ann.path).status_code == 204
    assert ann.get(ann.path).status_code == 401
    assert sign_up(app, "Ann", token(signer)).status_code == 201


FORGED: dict[str, Callable[[Signer, Signer], str]] = {
    "unsigned": lambda mine, _: unsigned(mine),
    "unsigned, with the signature of another": lambda mine, _: (
        unsigned(mine) + token(mine, sub="other").rpartition(".")[2]
    ),
    "HS256 with the certificate as secret": lambda mine, _: with_the_public_key_as_secret(
        mine, mine.certificate().encode()
    ),
    "HS256 with the public key as secret": lambda mine, _: with_the_public_key_as_secret(mine, mine.public_key()),
    "signed by another key": lambda mine, other: token(other, {"kid": mine.kid}),
    "a kid that Google does not publish": lambda _, other: token(other),
    "no kid": lambda mine, _: jwt.encode(claims(), mine.key, "RS256"),
    "a kid that is no text": lambda *_: by_hand({"alg": "RS256", "kid": ["key-1"]}, claims(), lambda _: b"x"),
    "RS512": lambda mine, _: jwt.encode(claims(), mine.key, "RS512", {"kid": mine.kid}),
    "a key in the header": lambda _, other: token(other, {"jwk": {"kty": "RSA"}, "jku": "http://evil.test/keys"}),
    "another project": lambda mine, _: token(mine, aud="another-project"),
    "several audiences": lambda mine, _: token(mine, aud=[PROJECT, "another-project"]),
    "no audience": lambda mine, _: token(mine, aud=None),
    "the issuer of another project": lambda mine, _: token(mine, iss="https://securetoken.google.com/another-project"),
    "another issuer": lambda mine, _: token(mine, iss=f"https://evil.test/{PROJECT}"),
    "expired": lambda mine, _: token(mine, exp=int(time.time()) - 60),
    "without an end": lambda mine, _: token(mine, exp=None),
    "issued in the future": lambda mine, _: token(mine, iat=int(time.time()) + 600),
    "signed in in the future": lambda mine, _: token(mine, auth_time=int(time.time()) + 600),
    "never signed in": lambda mine, _: token(mine, auth_time=None),
    "signed in as text": lambda mine, _: token(mine, auth_time="1"),
    "an empty subject": lambda mine, _: token(mine, sub=""),
    "no subject": lambda mine, _: token(mine, sub=None),
    "a subject too long": lambda mine, _: token(mine, sub="x" * 129),
    "a changed claim": lambda mine, _: _changed(token(mine, sub="mallory")),
    "no JSON": lambda _mine, _: "a.b.c",
    "four parts": lambda mine, _: token(mine) + ".x",
}


def _changed(genuine: str) -> str:
    head, _, signature = genuine.split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims()).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


@pytest.mark.parametrize("attack", FORGED)
def test_a_forged_token_is_refused(app, signer, other, attack) -> None:
    ann = sign_up(app, "Ann", token(signer)).get_json()
    forged = FORGED[attack](signer, other)
    answer = Person(app, ann["id"], forged).get(f"/v1/users/{ann['id']}")
    assert (answer.status_code, answer.get_json()["type"]) == (401, "/problems/unauthorized")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    refused = sign_up(app, "Mallory", forged)
    assert refused.status_code == 401
    assert "Firebase ID token" in refused.get_json()["detail"]
    assert Person(app, ann["id"], token(signer)).get(f"/v1/users/{ann['id']}").status_code == 200


def test_without_a_firebase_key_no_id_token_is_accepted(database, author, signer, counts) -> None:
    app = create_app(database, author, None, None, UNLIMITED)
    assert sign_up(app, "Ann", token(signer)).status_code == 401
    assert counts()["users"] == 0


def test_certificates_are_kept_for_their_lifetime_whatever_kid_is_asked_for(app, google, signer, other) -> None:
    for _ in range(3):
        sign_up(app, "Ann", token(signer))
        sign_up(app, "Eve", token(other))
    assert google.asked == 1


def test_new_certificates_are_fetched_when_the_lifetime_is_over(app, google, signer, other, monkeypatch) -> None:
    monkeypatch.setattr(id_tokens, "_PAUSE", 0.0)
    google.cache_control = "public, max-age=0"
    assert sign_up(app, "Ann", token(signer)).status_code == 201
    google.signers = [other]
    assert sign_up(app, "Bob", token(other, sub="uid-of-bob")).status_code == 201
    assert sign_up(app, "Eve", token(signer, sub="uid-of-eve")).status_code == 401


def test_without_certificates_id_tokens_are_a_503_and_bearer_tokens_work(app, client, google, signer, two) -> None:
    google.status = 500
    refused = [sign_up(app, "Zoe", token(signer)) for _ in range(3)]
    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in refused] == [(503, "5")] * 3
    assert google.asked == 1  # and not once for each request
    ann = replace(two[0], app=app)
    assert ann.get(ann.path).status_code == 200


def test_the_process_accepts_them_with_the_key_of_the_project(new_url, tmp_path, google, signer) -> None:
    backend = started(
        tmp_path,
        DATABASE_URL=new_url(),
        FIREBASE_SERVICE_ACCOUNT_KEY=service_account("https://oauth2.googleapis.com/token", project_id=PROJECT),
        FIREBASE_CERTIFICATES_URL=google.url,
        DEBUG="true",
    )
    try:
        until(lambda: answers(backend, "/live", 200))
        status, ann = backend.ask("POST", "/v1/users", {"username": "ann"}, token(signer))
        assert status == 201
        path = f"/v1/users/{ann['id']}"
        assert backend.ask("GET", path, token=token(signer)) == (200, {"id": ann["id"], "username": "ann"})
        assert backend.ask("GET", path, token=unsigned(signer))[0] == 401
    finally:
        backend.process.terminate()
        backend.process.wait(30)
    log = backend.log.read_text()
    assert str(ann["token"]) not in log
    assert "eyJ" not in log
