"""The content of `db_credentials`, and the version ids of values in Secrets Manager.

The writer of a version chooses its id (`ClientRequestToken`), so ids can be derived from a version's content: a list of
versions then shows whether the value is the desired one, without reading it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import string
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import is_absent
from missyou_operator.aws.permissions import change
from missyou_operator.engine.errors import NotYetError, RefusedError
from missyou_operator.engine.values import Sensitive

#: RDS refuses `/ " @` and spaces in a password; these need no escaping in a URL either.
_ALPHABET = string.ascii_letters + string.digits + "_-"
_LENGTH = 32
#: The key by which complete credentials say which rotation gave their password.
_ROTATION = "rotation"
#: The permission that `database_password` needs.
READ_PASSWORD = change(
    "secretsmanager:GetSecretValue", on=("secretsmanager:secret:{secretsmanager.SecretVersion}-??????",)
)


def derived(salt: str, *parts: str) -> str:
    """Derive a version id (64 hex digits) from the version's content."""
    return hashlib.sha256("\0".join((salt, *parts)).encode()).hexdigest()


def initial(salt: str) -> str:
    """Return the version id of the first credentials, which lack the endpoint."""
    return derived(salt, "initial")


def staged(salt: str, rotation: str) -> str:
    """Return the version id of the password that a rotation gives the database."""
    return derived(salt, "rotation", rotation)


def generated(username: str) -> Sensitive:
    """Generate new credentials: JSON with `username` and `password`."""
    password = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return Sensitive(json.dumps({"username": username, "password": password}), password)


def complete(  # noqa: PLR0913 - the parts of a URL
    password: Sensitive, *, username: str, host: str, port: str, database: str, sslmode: str, rotation: str = ""
) -> Sensitive:
    """Return complete credentials: `username, password, host, port, dbname, DATABASE_URL` (always with TLS).

    `sslmode` is libpq's: PostgreSQL documentation, "SSL Support". `rotation` names the one that gave the password.
    """
    name = quote(database, safe="")
    user, key = quote(username, safe=""), quote(password.reveal(), safe="")
    return Sensitive(
        json.dumps(
            {
                "username": username,
                "password": password.reveal(),
                "host": host,
                "port": int(port),
                "dbname": database,
                "DATABASE_URL": f"postgresql://{user}:{key}@{host}:{port}/{name}?sslmode={sslmode}",
                **({_ROTATION: rotation} if rotation else {}),
            }
        ),
        password.reveal(),
    )


def database_password(cloud: Cloud, secret: str) -> Sensitive:
    """Read the password from the current version of a secret. Errors: RefusedError if there is none."""
    return _password(secret, _read(cloud, secret))


def password_of(cloud: Cloud, secret: str, rotation: str) -> Sensitive:
    """Read the password that a rotation gave or gives the database; that of no rotation is the current one.

    Its own version goes some time after the rotation has ended, when AWS removes what has no label: the current version
    then holds it. Errors: NotYetError where neither can be read yet, RefusedError where a version has no password.
    """
    if not rotation:
        return database_password(cloud, secret)
    try:
        return _password(secret, _read(cloud, secret, VersionId=staged(cloud.stack.salt, rotation)))
    except ClientError as error:
        if not is_absent(error):
            raise
    current = _read(cloud, secret)
    if current.get(_ROTATION) != rotation:
        raise NotYetError("SettingPassword", f"the next password cannot be read in {secret} yet")
    return _password(secret, current)


def _read(cloud: Cloud, secret: str, **which: str) -> dict[str, Any]:
    answer = cloud.client("secretsmanager").get_secret_value(SecretId=secret, **which)
    try:
        content: Any = json.loads(answer.get("SecretString", ""))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _password(secret: str, content: dict[str, Any]) -> Sensitive:
    password = content.get("password")
    if not isinstance(password, str) or not password:
        raise RefusedError(
            "InvalidSecret",
            f"the current version of {secret} is not JSON with a password: "
            "move the label AWSCURRENT back to a version that is",
        )
    return Sensitive(password)
