"""/health is true, cheap and bounded; what requests get when the database is unreachable."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import text

from missyou_backend.app import create_app
from missyou_backend.database import POOL_SIZE, POOL_TIMEOUT, Database
from missyou_backend.database_url import connection_parameters
from missyou_backend.deadlines import Deadlines
from missyou_backend.health import BOUND
from missyou_local.dataplane import postgres

from .doubles import Author

#: Of nobody. To find that out, the database is asked.
TOKEN = {"Authorization": "Bearer missyou_of-nobody"}


def client_of(database: Database):
    return create_app(database, Author(), None).test_client()


def elsewhere(url: str, port: int) -> Database:
    return Database(connection_parameters(re.sub(r":\d+/", f":{port}/", url)))


def is_problem_503(answer) -> bool:
    assert answer.status_code == 503, answer.text
    assert answer.headers["Retry-After"] == "5"
    return answer.content_type == "application/problem+json" and answer.get_json()["type"] == "/problems/unavailable"


def test_it_is_200_while_the_database_answers_and_a_request_has_just_shown_that(client, database) -> None:
    database.last_success = None
    assert client.get("/health").status_code == 200
    probed = database.last_success
    assert probed is not None
    assert client.get("/health").status_code == 200
    assert database.last_success == probed  # no second probe
    client.post("/v1/users", json={"username": "a"})
    assert database.last_success > probed


def test_a_database_that_refuses_makes_it_503_and_live_200(url) -> None:
    database = elsewhere(url, postgres.free_port())
    client = client_of(database)
    assert is_problem_503(client.get("/health"))
    assert is_problem_503(client.get("/v1/users", headers=TOKEN))
    assert is_problem_503(client.post("/v1/users", json={"username": "a"}))
    assert client.get("/live").status_code == 200


def test_a_server_that_never_answers_is_given_up_and_many_share_one_probe(url, silent) -> None:
    database = elsewhere(url, silent.port)
    client = client_of(database)
    began = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: client.application.test_client().get("/health"), range(20)))
    assert time.monotonic() - began < BOUND + 1
    assert all(is_problem_503(answer) for answer in answers)
    assert len(silent.accepted) == 1


def test_it_does_not_wait_for_the_pool(client, database) -> None:
    held = [database.engine.connect() for _ in range(POOL_SIZE)]
    try:
        database.last_success = None
        assert client.get("/health").status_code == 200
    finally:
        for connection in held:
            connection.close()


def test_an_exhausted_pool_is_a_503_after_a_bounded_wait(client, database) -> None:
    held = [database.engine.connect() for _ in range(POOL_SIZE)]
    try:
        began = time.monotonic()
        assert is_problem_503(client.get("/v1/users?username=x", headers=TOKEN))
        assert POOL_TIMEOUT - 0.5 < time.monotonic() - began < POOL_TIMEOUT + 2
    finally:
        for connection in held:
            connection.close()
    assert client.get("/v1/users?username=x", headers=TOKEN).status_code == 401


def test_a_probe_leaves_no_connection(url, client, database) -> None:
    with psycopg.connect(url) as holder:
        pids = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        before = holder.execute(pids).fetchone()
        database.last_success = None
        assert client.get("/health").status_code == 200
        assert holder.execute(pids).fetchone() == before  # and the probe's is closed


def test_connections_cut_by_a_restart_are_replaced_unnoticed(client, database, url) -> None:
    assert client.get("/v1/users?username=x", headers=TOKEN).status_code == 401
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert client.get("/v1/users?username=x", headers=TOKEN).status_code == 401


def test_a_statement_that_takes_too_long_is_a_503(client, database, url) -> None:
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE user_tokens")
        began = time.monotonic()
        assert is_problem_503(client.get("/v1/users/1", headers=TOKEN))
        assert time.monotonic() - began < 6
    assert client.get("/v1/users/1", headers=TOKEN).status_code == 401


def test_a_read_only_server_is_a_503(client, database) -> None:
    # What the former primary of a failover answers to a write.
    with database.engine.connect() as connection:
        connection.execute(text("SET SESSION default_transaction_read_only = on"))
        connection.commit()
    answer = client.post("/v1/users", json={"username": "a"})
    assert is_problem_503(answer)


def test_the_internal_error_says_nothing_of_sql_or_stack(client, database) -> None:
    with database.transaction() as connection:
        connection.execute(text("ALTER TABLE user_tokens RENAME TO people"))
    try:
        answer = client.get("/v1/users/1", headers=TOKEN)
    finally:
        with database.transaction() as connection:
            connection.execute(text("ALTER TABLE people RENAME TO user_tokens"))
    assert (answer.status_code, answer.get_json()["type"]) == (500, "/problems/internal-error")
    assert not re.search("select|user_|Traceback|psycopg", answer.text, re.IGNORECASE)


def test_a_connection_that_hangs_in_a_request_is_cut(url) -> None:
    """The server stops in the middle of a statement: its kernel acknowledges, no timeout of TCP or SQL applies."""
    database = Database({**connection_parameters(url), "options": "-c statement_timeout=0"})
    database.engine.dispose()
    cut = Deadlines(database.engine, 1.0)
    began = time.monotonic()
    with pytest.raises(Exception, match=r"consuming input failed|closed"), database.transaction() as connection:
        connection.execute(text("SELECT pg_sleep(30)"))
    assert 0.9 < time.monotonic() - began < 5
    with database.transaction() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    cut.close()
    database.close()
