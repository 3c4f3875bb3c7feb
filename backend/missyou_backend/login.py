"""Connect to the database with the password that counts, also while it is being replaced.

A rotation gives the database another password while this process runs (docs/rotation.md). The next password is in
Secrets Manager before the database gets it, with the label AWSPENDING, and becomes the current one afterwards. So
whoever is refused finds the right one there. Connections that exist are not concerned: PostgreSQL documentation,
"Password Authentication" (it is checked when a connection begins).
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import psycopg

T = TypeVar("T")
_log = logging.getLogger(__name__)
#: Seconds: how long a refused connection is tried again, and how long what was read in Secrets Manager counts.
PATIENCE, FRESH = 1.5, 0.4
#: The labels of the versions whose passwords are tried, in this order.
_LABELS = ("AWSCURRENT", "AWSPENDING")
#: Seconds that Secrets Manager may take.
_TIMEOUT = 1.0

#: Returns the passwords that may be the right one.
Passwords = Callable[[], Sequence[str]]


class Login:
    """The password of the database, as far as this process knows it. Thread-safe."""

    def __init__(self, passwords: Passwords | None = None) -> None:
        self._passwords = passwords
        self._lock = threading.Lock()
        self._read: tuple[float, Sequence[str]] = (float("-inf"), ())
        self._right: Mapping[str, str] = {}

    def connect(self, open_: Callable[[Mapping[str, str]], T]) -> T:
        """Return a connection that `open_` makes; its argument overrides the parameters of `DATABASE_URL`.

        Raises psycopg.OperationalError as `open_` does: after `PATIENCE` seconds where no known password is right.
        """
        try:
            return open_(self._right)
        except psycopg.OperationalError as error:
            if self._passwords is None or not _refused(error):
                raise
            refusal, until = error, time.monotonic() + PATIENCE
        while True:
            for password in self._candidates(self._passwords):
                try:
                    connection = open_({"password": password})
                except psycopg.OperationalError as error:
                    if not _refused(error):
                        raise
                else:
                    if self._right.get("password") != password:
                        _log.info("the database has another password")
                    self._right = {"password": password}
                    return connection
            if time.monotonic() + FRESH > until:
                raise refusal
            time.sleep(FRESH)

    def prepare(self) -> None:
        """Begin to read the passwords, in a thread: the first read costs a second or more on a quarter of a vCPU.

        Call it after the fork. A connection that is refused meanwhile waits for this read.
        """
        if self._passwords is not None:
            threading.Thread(target=self._candidates, args=(self._passwords,), daemon=True).start()

    def _candidates(self, passwords: Passwords) -> Sequence[str]:
        """Return what Secrets Manager has; many connections that are refused at once share one read."""
        with self._lock:
            if time.monotonic() - self._read[0] >= FRESH:
                found = passwords()
                self._read = (time.monotonic(), found)
            return self._read[1]


def _refused(error: psycopg.OperationalError) -> bool:
    """Return whether the server asked for a password before it refused. Its words are in the language of its locale."""
    return error.pgconn is not None and bool(error.pgconn.used_password)


def passwords_in(secret: str, region: str | None) -> Passwords:
    """Return a function that reads the passwords in a secret of Secrets Manager, by its name or ARN.

    It never raises: without an answer there are no passwords, and the log says why.
    """

    @cache
    def client() -> Any:
        from botocore.config import Config  # noqa: PLC0415
        from botocore.session import get_session  # noqa: PLC0415

        config = Config(connect_timeout=_TIMEOUT, read_timeout=_TIMEOUT, retries={"total_max_attempts": 1})
        return get_session().create_client("secretsmanager", region_name=region, config=config)

    def read() -> list[str]:
        # Imported only when needed: the SDK costs a third of a second and some 20 MiB.
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        found: list[str] = []
        try:
            for label in _LABELS:
                try:
                    answer = client().get_secret_value(SecretId=secret, VersionStage=label)
                except client().exceptions.ResourceNotFoundException:
                    continue
                found += _password(answer)
        except (BotoCoreError, ClientError) as error:
            _log.warning("the secret %s cannot be read: %s", secret, " ".join(str(error).split()))
        return found

    return read


def _password(answer: Mapping[str, Any]) -> list[str]:
    try:
        content = json.loads(answer.get("SecretString", ""))
    except ValueError:
        return []
    password = content.get("password") if isinstance(content, dict) else None
    return [password] if isinstance(password, str) else []
