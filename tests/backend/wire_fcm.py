"""Local servers that speak the wire protocols of Firebase Cloud Messaging: HTTP/2 over TLS, and OAuth's JWT grant.

The SDK has no option for FCM's address and obeys no proxy in its asynchronous half, so it is left with the real one,
https://fcm.googleapis.com, and the network below it is turned round: `network` makes event loops in which that name
leads to the local server and every other name nowhere. The certificate is checked, against the CA of this module,
which httpx takes from SSL_CERT_FILE.
"""

from __future__ import annotations

import asyncio
import base64
import datetime
import json
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

HOST = "fcm.googleapis.com"
PROJECT = "missyou-test"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as it arrived."""

    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def token(self) -> str:
        return str(self.body["message"]["token"])


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer after `wait` seconds. Status None: none, ever."""

    status: int | None = 200
    body: bytes = b'{"name": "projects/missyou-test/messages/1"}'
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0


def fcm_error(status: int, name: str, message: str, *details: Mapping[str, object]) -> Reply:
    """An error as on https://firebase.google.com/docs/cloud-messaging/error-codes."""
    error = {"code": status, "message": message, "status": name, "details": list(details)}
    return Reply(status, json.dumps({"error": error}).encode())


def code(value: str) -> dict[str, object]:
    """The detail that holds FCM's own error code."""
    return {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": value}


def violation(*names: str) -> dict[str, object]:
    """The detail that names the fields that were refused."""
    violations = [{"field": name, "description": "no"} for name in names]
    return {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}


def only(token: str, reply: Reply) -> Callable[[Sent], Reply]:
    """Answer this reply to one token, and take what is for the others."""
    return lambda sent: reply if sent.token == token else Reply()


class _Connection(asyncio.Protocol):
    def __init__(self, server: FcmServer) -> None:
        self._server = server
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self._headers: dict[int, dict[str, str]] = {}
        self._bodies: dict[int, bytearray] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections += 1
        self._h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        for event in self._h2.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                self._headers[event.stream_id] = dict(event.headers)  # type: ignore[arg-type]
                self._bodies[event.stream_id] = bytearray()
            elif isinstance(event, h2.events.DataReceived):
                self._bodies[event.stream_id] += event.data
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self._received(event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self._server.cancelled += 1
                self._bodies.pop(event.stream_id, None)
        self._flush()

    def _received(self, stream: int) -> None:
        sent = Sent(self._headers[stream], json.loads(self._bodies[stream]))
        self._server.sent.append(sent)
        reply = self._server.answer(sent)
        if reply.status is not None:
            asyncio.get_running_loop().call_later(reply.wait, self._reply, stream, reply)

    def _reply(self, stream: int, reply: Reply) -> None:
        if self._bodies.pop(stream, None) is None or self._transport.is_closing():
            return
        headers = {":status": str(reply.status), "content-type": "application/json", **reply.headers}
        self._h2.send_headers(stream, list(headers.items()))
        self._h2.send_data(stream, reply.body, end_stream=True)
        self._flush()

    def _flush(self) -> None:
        self._transport.write(self._h2.data_to_send())


class _Network(asyncio.SelectorEventLoop):
    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if (name, port) != (HOST, 443):
            raise OSError(f"the test has no route to {name}:{port}")
        return await super().getaddrinfo("127.0.0.1", port, type=1)

    async def create_connection(self, factory: Any, host: Any = None, port: Any = None, **kwargs: Any) -> Any:
        assert (host, port) == ("127.0.0.1", 443)
        return await super().create_connection(factory, host, self._port, **kwargs)


class FcmServer:
    """FCM: answers every message by `answer`, which tests set."""

    def __init__(self, folder: Path) -> None:
        self.sent: list[Sent] = []
        self.connections = 0
        self.cancelled = 0
        self.answer: Callable[[Sent], Reply] = lambda _: Reply()
        self.authority = folder / "ca.pem"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_certificate(folder, self.authority))
        context.set_alpn_protocols(["h2"])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        starting = self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, ssl=context)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def network(self) -> asyncio.AbstractEventLoop:
        """An event loop in whose network this server is the only host."""
        return _Network(self.port)

    @property
    def tokens(self) -> list[str]:
        return [sent.token for sent in self.sent]

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


class OAuthServer:
    """Google's token endpoint: `grants` are the forms that arrived, `answer` what they get."""

    def __init__(self) -> None:
        self.grants: list[dict[str, str]] = []
        self.answer: Callable[[int], Reply] = lambda number: access_token(f"ya29.secret-{number}")
        self._gate = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.grants.append(dict(urllib.parse.parse_qsl(form)))
                reply = outer.answer(len(outer.grants))
                if outer._gate.wait(60 if reply.status is None else reply.wait):
                    return
                self.send_response(reply.status or 200)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/token"

    def close(self) -> None:
        self._gate.set()
        self._server.shutdown()
        self._server.server_close()


def access_token(value: str, seconds: int = 3600) -> Reply:
    """A granted token."""
    return Reply(200, json.dumps({"access_token": value, "expires_in": seconds, "token_type": "Bearer"}).encode())


def service_account(token_uri: str, **changes: object) -> str:
    """A service account's JSON with this module's key."""
    account: dict[str, object] = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "1",
        "private_key": PEM,
        "client_email": "push@missyou-test.iam.gserviceaccount.com",
        "token_uri": token_uri,
    }
    return json.dumps({name: value for name, value in {**account, **changes}.items() if value is not None})


def verified_claims(assertion: str) -> dict[str, Any]:
    """The claims of a JWT that this module's key signed; raises InvalidSignature otherwise."""
    header, payload, signature = assertion.split(".")
    KEY.public_key().verify(_decoded(signature), f"{header}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256())
    claims: dict[str, Any] = json.loads(_decoded(payload))
    return claims


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _certificate(folder: Path, authority: Path) -> Path:
    """Write a CA to `authority`, and return the file of a key and a certificate for FCM's name that it signed."""
    now = datetime.datetime.now(datetime.UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "missyou test CA")])

    def issue(subject: x509.Name, public: ec.EllipticCurvePublicKey, extension: x509.ExtensionType) -> bytes:
        builder = x509.CertificateBuilder(ca_name, subject, public, x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
        builder = builder.not_valid_after(now + datetime.timedelta(hours=1)).add_extension(extension, critical=True)
        return builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority.write_bytes(issue(ca_name, ca_key.public_key(), x509.BasicConstraints(ca=True, path_length=None)))
    leaf = issue(x509.Name([]), key.public_key(), x509.SubjectAlternativeName([x509.DNSName(HOST)]))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "server.pem"
    file.write_bytes(private + leaf)
    return file
