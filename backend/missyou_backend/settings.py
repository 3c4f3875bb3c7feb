"""Read and check the environment variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from missyou_backend.database import CONNECTION_SECONDS
from missyou_backend.database_url import RDS_CA_BUNDLE, connection_parameters
from missyou_backend.limits import NAMES, Limit, Limits

_TRUE, _FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off", ""}


class SettingsError(Exception):
    """A variable is missing or malformed. The message is one line that names the variable, never its value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the process. The repr omits secrets.

    `database`: libpq's parameters. `database_secret`: the name of the secret in Secrets Manager, in `region`, that has
    the password once another has been given to the database. `connection_seconds`: the lifetime of a connection to it.
    `request_seconds`: how long a client may take to send a request.
    """

    database: Mapping[str, str] = field(repr=False)
    database_secret: str | None = None
    region: str | None = None
    connection_seconds: int = CONNECTION_SECONDS
    google_api_key: str | None = field(default=None, repr=False)
    firebase_service_account_key: str | None = field(default=None, repr=False)
    host: str = "0.0.0.0"  # noqa: S104 - in its own container, behind a security group
    port: int = 8000
    debug: bool = False
    request_seconds: float = 10.0
    firebase_certificates_url: str | None = None
    limits: Limits = field(default_factory=Limits)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings in the environment. Raises SettingsError."""
    return Settings(
        database=_database(environ),
        database_secret=environ.get("DATABASE_SECRET", "").strip() or None,
        region=environ.get("AWS_REGION", "").strip() or None,
        connection_seconds=_number("CONNECTION_SECONDS", environ, CONNECTION_SECONDS, 1, 86_400),
        google_api_key=environ.get("GOOGLE_API_KEY", "").strip() or None,
        firebase_service_account_key=environ.get("FIREBASE_SERVICE_ACCOUNT_KEY", "").strip() or None,
        host=environ.get("HOST", "").strip() or "0.0.0.0",  # noqa: S104 - see Settings
        port=_number("PORT", environ, 8000, 1, 65535),
        debug=_flag("DEBUG", environ.get("DEBUG", "").strip()),
        firebase_certificates_url=_url("FIREBASE_CERTIFICATES_URL", environ),
        limits=_limits(environ),
        request_seconds=float(_number("REQUEST_SECONDS", environ, 10, 1, 60)),
    )


def _database(environ: Mapping[str, str]) -> Mapping[str, str]:
    url = environ.get("DATABASE_URL", "").strip()
    if not url:
        raise SettingsError("DATABASE_URL is not set: postgresql://user:password@host:5432/database")
    try:
        return connection_parameters(url, environ.get("PGSSLROOTCERT", "").strip() or str(RDS_CA_BUNDLE))
    except ValueError as error:
        raise SettingsError(f"DATABASE_URL {error}") from None


def _number(name: str, environ: Mapping[str, str], default: int, low: int, high: int) -> int:
    text = environ.get(name, "").strip() or str(default)
    if text.isascii() and text.isdigit() and len(text) <= 9 and low <= int(text) <= high:
        return int(text)
    raise SettingsError(f"{name} must be a whole number from {low} to {high}")


def _limits(environ: Mapping[str, str]) -> Limits:
    limits = Limits()
    for name in NAMES:
        limit: Limit = getattr(limits, name)
        count = _number(f"LIMIT_{name.upper()}", environ, limit.count, 0, 999_999_999)
        limits = replace(limits, **{name: replace(limit, count=count)})
    return limits


def _url(name: str, environ: Mapping[str, str]) -> str | None:
    url = environ.get(name, "").strip()
    if url and not re.match(r"https://|http://(127\.0\.0\.1|localhost|\[::1\])[:/]", url):
        raise SettingsError(f"{name} must be an https URL")
    return url or None


def _flag(name: str, text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise SettingsError(f"{name} must be true or false")
