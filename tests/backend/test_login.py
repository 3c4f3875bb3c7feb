"""The password of the database is replaced while the app runs: no request notices."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import botocore.session
import psycopg
import pytest
from sqlalchemy import text

from missyou_backend.app import create_app
from missyou_backend.database import Database
from missyou_backend.database_url import connection_parameters
from missyou_backend.login import PATIENCE, Login, passwords_in
from missyou_backend.migrate import MigrationError, migrate

from .doubles import Author

_numbers = itertools.count()


@pytest.fixture
def own(server) -> str:
    """The URL of a database with a user of its own, whose password the test may change."""
    name = f"turned{next(_numbers)}"
    server.create_database(name, "turner", "first-pw")
    return str(server.url(name, "turner", "first-pw"))


def change(server, password: str) -> None:
    server.create_database("postgres", "turner", password)


def test_who_is_refused_finds_the_password_that_counts_in_the_secret(server, own) -> None:
    known: list[str] = ["first-pw"]
    login = Login(lambda: tuple(known))
    migrate(connection_parameters(own), login=login)
    database = Database(connection_parameters(own), login, connection_seconds=1)
    client = create_app(database, Author(), None).test_client()
    assert client.get("/health").status_code == 200
    # As the operator does: the next password is in the secret before the database gets it.
    known.append("second-pw")
    change(server, "second-pw")
    database.engine.dispose()
    database.last_success = None
    assert client.get("/health").status_code == 200
    assert client.post("/v1/users", json={"username": "ann"}).status_code == 201
    # A task that starts now has the URL with the first password.
    migrate(connection_parameters(own), login=Login(lambda: tuple(known)))
    database.close()


def test_a_worker_has_read_the_secret_before_anybody_is_refused(server, own) -> None:
    read = threading.Event()
    login = Login(lambda: read.set() or ("second-pw",))
    login.prepare()
    assert read.wait(10.0)
    change(server, "second-pw")
    database = Database(connection_parameters(own), login, connection_seconds=1)
    assert create_app(database, Author(), None).test_client().get("/health").status_code == 200
    database.close()


def test_one_client_reads_the_secret_for_as_long_as_the_process_lives(monkeypatch) -> None:
    sessions = []
    original = botocore.session.get_session
    monkeypatch.setattr(botocore.session, "get_session", lambda: sessions.append(1) or original())
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    read = passwords_in("shop/db_credentials", "us-east-1")
    assert (read(), read()) == ([], [])
    assert len(sessions) == 1


def test_many_connections_that_are_refused_at_once_share_few_reads(server, own) -> None:
    reads: list[float] = []

    def passwords() -> tuple[str, ...]:
        reads.append(time.monotonic())
        return ("first-pw", "second-pw")

    login = Login(passwords)
    change(server, "second-pw")
    parameters = connection_parameters(own)

    def connect(_: int) -> None:
        login.connect(lambda given: psycopg.connect(**{**parameters, **given})).close()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(connect, range(60)))
    assert len(reads) < 10


def test_a_password_that_nobody_knows_is_refused_within_a_bound_and_never_shown(server, own, caplog) -> None:
    change(server, "third-pw")
    database = Database(connection_parameters(own), Login(lambda: ("second-pw",)))
    began = time.monotonic()
    with pytest.raises(Exception, match="password authentication failed") as refusal, database.transaction() as c:
        c.execute(text("SELECT 1"))
    assert time.monotonic() - began < PATIENCE + 5
    assert "-pw" not in str(refusal.value) + caplog.text
    with pytest.raises(MigrationError, match="password"):
        migrate(connection_parameters(own), patience=0.1)
    database.close()


def test_what_has_nothing_to_do_with_passwords_reads_no_secret(own) -> None:
    login = Login(lambda: pytest.fail("the secret was read"))
    parameters = {**connection_parameters(own), "port": "1"}
    with pytest.raises(psycopg.OperationalError):
        login.connect(lambda given: psycopg.connect(**{**parameters, **given}))
