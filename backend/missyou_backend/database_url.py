"""Turn `DATABASE_URL` into the parameters of every connection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

#: RDS's certificate authorities, for URLs that verify the server and name no file themselves.
RDS_CA_BUNDLE = Path(__file__).with_name("rds-ca-bundle.pem")
#: A connection attempt ends after `connect_timeout` (s). A dead peer is noticed after `tcp_user_timeout` (ms), or after
#: 30 + 3 x 10 idle seconds. The names are libpq's (PostgreSQL documentation, "Parameter Key Words").
_BOUNDS = {
    "connect_timeout": "3",
    "tcp_user_timeout": "10000",
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "application_name": "missyou",
}
#: Settings of the session, in milliseconds. UTC, so that the API's timestamps end in Z.
_SESSION = {
    "statement_timeout": "5000",
    "lock_timeout": "3000",
    "idle_in_transaction_session_timeout": "10000",
    "timezone": "UTC",
}
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,30})://", re.IGNORECASE)


def connection_parameters(url: str, authorities: str = str(RDS_CA_BUNDLE)) -> Mapping[str, str]:
    """Return libpq's parameters for a URL, whose own parameters override our defaults.

    `authorities` is the file of the certificate authorities to trust where the URL names none.

    Raises ValueError with one line, which quotes nothing of the URL but its scheme.
    """
    found = _SCHEME.match(url)
    if not found:
        raise ValueError("is not a URL: it must look like postgresql://user:password@host:5432/database")
    if found[1] not in {"postgresql", "postgres"}:
        raise ValueError(f"begins with {found[1]}://, but only postgresql:// is supported")
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError:
        # Not `from error`: libpq quotes what it cannot parse, possibly the password.
        raise ValueError(
            "cannot be parsed: percent-encode special characters in user and password, and check its parameters"
        ) from None
    for part, name in (("host", "host"), ("dbname", "database")):
        if not given.get(part):
            raise ValueError(f"names no {name}: postgresql://user:password@host:5432/database")
    if not all(port.isdigit() and 0 < int(port) < 65536 for port in given.get("port", "5432").split(",")):
        raise ValueError("has a port that is not a number from 1 to 65535")
    if given.get("sslmode") in {"verify-ca", "verify-full"}:
        given.setdefault("sslrootcert", authorities)
    session = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    return {**_BOUNDS, **given, "options": f"{session} {given.get('options', '')}".strip()}
