"""The WSGI application: Flask with our routes, inside the request log and the load balancer's headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, request
from werkzeug.routing import BaseConverter

from missyou_backend.access import Access, Verifier
from missyou_backend.database import Database
from missyou_backend.dispatch import MAX_BODY, problem_of, read_call, write_answer, write_problem
from missyou_backend.forwarded import Forwarded
from missyou_backend.handlers import ROUTES
from missyou_backend.health import Health
from missyou_backend.limits import Limits
from missyou_backend.login import Login, passwords_in
from missyou_backend.openapi import document
from missyou_backend.push import Pusher
from missyou_backend.request_log import ROUTE, RequestLog
from missyou_backend.routes import Answer, Backend, Route
from missyou_backend.sending import Sending
from missyou_backend.settings import Settings
from missyou_backend.words import TemplateWriter, Writer

#: The declared method, and HEAD for GET. Flask would answer OPTIONS too, past the check of the token.
_EXACTLY: Mapping[str, Any] = {"provide_automatic_options": False}


class _IdConverter(BaseConverter):
    """Matches an id in a path. Anything else there is a path that does not exist."""

    regex = "[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        """Return the id, which may exceed a bigint."""
        return int(value)


def create_app(
    database: Database,
    writer: Writer,
    pusher: Pusher | None,
    verifier: Verifier | None = None,
    limits: Limits | None = None,
) -> Flask:
    """Return the application. Without a `pusher`, push is disabled; without a `verifier`, Firebase ID tokens are."""
    limits = limits or Limits()
    sending = Sending(database, writer, pusher, limits)
    backend = Backend(database, sending, Health(database), Access(database, verifier), limits)
    app = Flask("missyou_backend", static_folder=None)
    # One byte more than we accept: werkzeug cuts a chunked body there, and `dispatch` sees that it is too long.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY + 1
    app.url_map.converters["id"] = _IdConverter
    # Without this, a path with two slashes is redirected: the one answer that would not be a problem document.
    app.url_map.merge_slashes = False
    for route in ROUTES:
        rule = route.path.replace("{", "<id:").replace("}", ">")
        app.add_url_rule(rule, route.name, _view(route, backend), methods=[route.method.upper()], **_EXACTLY)
    app.add_url_rule(
        "/openapi.json", "openapi", lambda: write_answer(Answer(200, document())), methods=["GET"], **_EXACTLY
    )
    app.register_error_handler(Exception, lambda error: write_problem(problem_of(error), request))
    app.before_request(_note_route)
    app.wsgi_app = Forwarded(RequestLog(app.wsgi_app))  # type: ignore[method-assign]
    return app


def make_app(settings: Settings) -> Flask:
    """Return a worker's application. Call it after the fork: the connection pool belongs to one process."""
    login = make_login(settings)
    login.prepare()
    return create_app(
        Database(settings.database, login, settings.connection_seconds),
        make_writer(settings.google_api_key),
        make_pusher(settings.firebase_service_account_key),
        make_verifier(settings.firebase_service_account_key, settings.firebase_certificates_url),
        settings.limits,
    )


def make_login(settings: Settings) -> Login:
    """Return what connects to the database: with a secret, also while its password is being replaced."""
    return Login(passwords_in(settings.database_secret, settings.region) if settings.database_secret else None)


def make_writer(api_key: str | None) -> Writer:
    """Return Gemini with the templates as fallback or, without an API key, the templates alone."""
    if not api_key:
        return TemplateWriter()
    # Imported only when needed: the SDK costs about half a second and 45 MiB.
    from missyou_backend.gemini import GeminiWriter  # noqa: PLC0415

    return GeminiWriter(api_key, TemplateWriter())


def make_pusher(service_account: str | None) -> Pusher | None:
    """Return the pusher of a service account, or None (push disabled) without one.

    `service_account` is the JSON text from the Firebase console. Raises ValueError with one line, without secrets, if
    it is malformed.
    """
    if not service_account:
        return None
    # Imported only when needed: the SDK costs a quarter of a second and some 35 MiB.
    from missyou_backend.firebase import FirebasePusher  # noqa: PLC0415
    from missyou_backend.firebase_account import service_credentials  # noqa: PLC0415

    return FirebasePusher(service_credentials(service_account))


def make_verifier(service_account: str | None, certificates_url: str | None) -> Verifier | None:
    """Return the verifier of the ID tokens of a service account's project, or None without a service account.

    `certificates_url`: where the certificates are, if not at Google. Raises ValueError like `make_pusher`.
    """
    if not service_account:
        return None
    from missyou_backend.firebase_account import service_credentials  # noqa: PLC0415 - as above
    from missyou_backend.id_tokens import CERTIFICATES, IdTokens  # noqa: PLC0415

    return IdTokens(str(service_credentials(service_account).project_id), certificates_url or CERTIFICATES)


def _describe() -> Response:
    return write_answer(Answer(200, document()))


def _view(route: Route, backend: Backend) -> Callable[..., Response]:
    def view(**path: Any) -> Response:
        return write_answer(route.handle(backend, read_call(route, backend.access, request, path)))

    return view


def _note_route() -> None:
    if request.url_rule:
        request.environ[ROUTE] = request.url_rule.rule.replace("<id:", "{").replace(">", "}")
