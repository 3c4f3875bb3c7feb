"""One PostgreSQL server per session; each test finds its migrated database empty."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from missyou_backend.app import create_app
from missyou_backend.database import Database
from missyou_backend.database_url import connection_parameters
from missyou_backend.migrate import migrate
from missyou_local.dataplane import postgres
from missyou_local.dataplane.postgres import Postgres

from .doubles import Author, Postman, SilentServer
from .people import UNLIMITED, Person, befriend, join

_numbers = itertools.count()
#: Every table of ours.
TABLES = (
    "users", "notifications", "user_devices", "idempotency_keys", "user_tokens", "firebase_users", "consents", "usage",
)  # fmt: skip


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Postgres]:
    server = postgres.create(tmp_path_factory.mktemp("postgres") / "server")
    server.start({"autovacuum": "off"})
    yield server
    server.remove()


@pytest.fixture(scope="session")
def new_url(server) -> Callable[[], str]:
    """Return a function that creates an empty database and returns its URL."""

    def make() -> str:
        name = f"test{next(_numbers)}"
        server.create_database(name, "app", "secret-pw")
        return server.url(name, "app", "secret-pw")

    return make


@pytest.fixture(scope="session")
def url(new_url) -> str:
    url = new_url()
    migrate(connection_parameters(url))
    return url


@pytest.fixture
def long_queue(monkeypatch) -> None:
    """Let requests at once wait for a connection for as long as a busy machine needs. Use it before `database`."""
    monkeypatch.setattr("missyou_backend.database.POOL_TIMEOUT", 60.0)


@pytest.fixture
def database(url) -> Iterator[Database]:
    database = Database(connection_parameters(url))
    with database.transaction() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY"))
    yield database
    database.close()


@pytest.fixture
def author() -> Author:
    return Author()


@pytest.fixture
def postman() -> Postman:
    return Postman()


@pytest.fixture
def client(database, author, postman) -> FlaskClient:
    return create_app(database, author, postman, limits=UNLIMITED).test_client()


@pytest.fixture
def strangers(client) -> tuple[Person, Person]:
    """Two users, Ann and Bob, who have not heard of each other."""
    return join(client.application, "Ann"), join(client.application, "Bob")


@pytest.fixture
def two(strangers, database) -> tuple[Person, Person]:
    """Two users, Ann and Bob, who accept each other's messages."""
    befriend(database, *strangers)
    return strangers


@pytest.fixture
def counts(database) -> Callable[[], dict[str, int]]:
    """Return a function that counts each table's rows."""

    def count() -> dict[str, Any]:
        with database.transaction() as connection:
            return {table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() for table in TABLES}

    return count


@pytest.fixture
def silent() -> Iterator[SilentServer]:
    server = SilentServer()
    yield server
    server.close()
