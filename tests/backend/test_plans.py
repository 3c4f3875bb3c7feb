"""The API's statements use the indexes, read from their query plans."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import ClauseElement, Connection, text
from sqlalchemy.dialects import postgresql

from missyou_backend import consents, devices, notifications, tokens, users
from missyou_backend.cursors import Place
from missyou_backend.database import Database
from missyou_backend.database_url import connection_parameters
from missyou_backend.migrate import migrate

ROWS = 40_000


@pytest.fixture(scope="module")
def connection(new_url) -> Iterator[Connection]:
    """A database with 2,000 users and 40,000 notifications, of which user 1 gets every twentieth."""
    url = new_url()
    migrate(connection_parameters(url))
    database = Database(connection_parameters(url))
    with database.transaction() as filling:
        filling.execute(text("INSERT INTO users (username) SELECT 'User' || n FROM generate_series(1, 2000) n"))
        filling.execute(
            text(
                "INSERT INTO notifications (source_id, target_id, title, description, is_read, created_at) "
                "SELECT 1 + n % 2000, CASE WHEN n % 20 = 0 THEN 1 ELSE 1 + n % 2000 END, 'User misses you', "
                "repeat('word ', 20), n % 3 > 0, timestamptz '2026-01-01Z' + make_interval(secs => n) "
                f"FROM generate_series(1, {ROWS}) n"
            )
        )
        filling.execute(
            text(
                "INSERT INTO user_devices (user_id, device_token, platform) "
                "SELECT 1 + n % 2000, 'token' || n, 'ios' FROM generate_series(1, 6000) n"
            )
        )
        filling.execute(
            text(
                "INSERT INTO idempotency_keys (source_id, key, body_hash, notification_id, written_by) "
                "SELECT source_id, id::text, '', id, 'ai' FROM notifications WHERE id <= 10000"
            )
        )
        filling.execute(
            text(
                "INSERT INTO user_tokens (user_id, token_hash) "
                "SELECT 1 + n % 2000, sha256(n::text::bytea) FROM generate_series(1, 6000) n"
            )
        )
        filling.execute(text("INSERT INTO firebase_users SELECT 'uid' || n, n FROM generate_series(1, 2000) n"))
        filling.execute(
            text(
                "INSERT INTO consents (target_id, source_id, state, asked_at) "
                "SELECT 1 + n % 10, 1 + n / 10, (ARRAY['pending', 'accepted'])[1 + n % 2], now() "
                "FROM generate_series(1, 19000) n"
            )
        )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as vacuum:
        vacuum.execute(text("SET statement_timeout = 0"))
        vacuum.execute(text("VACUUM ANALYZE"))
    with database.engine.connect() as connection:
        yield connection
    database.close()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def plan_of(
    connection: Connection, statement: ClauseElement, parameters: dict[str, object] | None = None, options: str = ""
) -> list[dict[str, Any]]:
    """Return the nodes of the generic plan, which the server makes for prepared statements."""
    compiled = statement.compile(dialect=postgresql.dialect(paramstyle="pyformat"))
    connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
    explain = f"EXPLAIN ({options}FORMAT JSON) {compiled}"
    [[plan]] = connection.connection.cursor().execute(explain, compiled.construct_params(parameters))
    return list(nodes(plan[0]["Plan"]))


def scans(plan: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the plan's leaves. Of a bitmap scan that is the index scan, whose rows the heap scan above it fetches."""
    return [node for node in plan if "Scan" in node["Node Type"] and "Plans" not in node]


UNREAD = Place(False, datetime(2026, 1, 1, 6, tzinfo=UTC), ROWS // 2)
READ = Place(True, datetime(2026, 1, 1, 1, tzinfo=UTC), 3600)


@pytest.mark.parametrize(
    ("after", "conditions"),
    [
        (None, [["target_id", "is_read"], ["target_id", "is_read"]]),
        (UNREAD, [["target_id", "is_read", "ROW(created_at, id) <"], ["target_id", "is_read"]]),
        (READ, [["target_id", "is_read", "ROW(created_at, id) <"]]),
    ],
    ids=["first page", "deep among the unread", "deep among the read"],
)
def test_lists_of_notifications_read_an_index_only(connection, after, conditions) -> None:
    plan = plan_of(connection, *notifications.list_query(1, after, 21))
    found = scans(plan)
    assert [(scan["Node Type"], scan["Index Name"]) for scan in found] == [
        ("Index Only Scan", "notifications_of_target")
    ] * len(conditions)
    for scan, parts in zip(found, conditions, strict=True):
        assert all(part in scan["Index Cond"] for part in parts), scan["Index Cond"]
    assert not any("Filter" in node for node in plan)


def test_a_page_however_deep_reads_what_it_gives(connection) -> None:
    [scan] = scans(plan_of(connection, *notifications.list_query(1, READ, 21), options="ANALYZE, BUFFERS, "))
    assert (scan["Actual Rows"], scan["Heap Fetches"]) == (21, 0)
    assert scan["Shared Hit Blocks"] + scan["Shared Read Blocks"] < 10


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (users.by_name("USER7"), "users_username_key"),
        (tokens.by_hash(b"x"), "user_tokens_token_hash_key"),
    ],
    ids=["a whole name", "a token"],
)
def test_what_every_request_looks_for_is_one_entry_of_an_index(connection, statement, index) -> None:
    plan = plan_of(connection, statement)
    [scan] = scans(plan)
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index)
    assert "Filter" not in scan


def test_a_page_of_consents_is_read_in_the_order_of_their_key(connection) -> None:
    plan = plan_of(connection, consents.page_query(1, "pending", 100, 21))
    [scan] = [scan for scan in scans(plan) if scan.get("Alias") == "consents"]
    assert scan["Index Name"] == "consents_pkey"
    assert all(part in scan["Index Cond"] for part in ("target_id", "source_id >"))
    assert not any(node["Node Type"] == "Sort" for node in plan)


def test_devices_are_found_by_their_index(connection) -> None:
    plan = plan_of(connection, devices.newest(7))
    [scan] = scans(plan)
    assert scan["Index Name"] == "ix_user_devices_user_id"
    assert "user_id" in scan["Index Cond"]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("notifications", "source_id"),
        ("notifications", "target_id"),
        ("user_devices", "user_id"),
        ("idempotency_keys", "source_id"),
        ("idempotency_keys", "notification_id"),
        ("user_tokens", "user_id"),
        ("firebase_users", "user_id"),
        ("consents", "target_id"),
        ("consents", "source_id"),
    ],
)
def test_what_a_deletion_cascades_to_is_found_by_an_index(connection, table, column) -> None:
    # The statement that PostgreSQL's ON DELETE CASCADE runs (ri_triggers.c).
    plan = plan_of(
        connection, text(f"DELETE FROM ONLY {table} WHERE :id OPERATOR(pg_catalog.=) {column}").bindparams(id=7)
    )
    [scan] = scans(plan)
    assert column in scan["Index Cond"]


def test_every_foreign_key_is_among_those(connection) -> None:
    keys = connection.execute(text("SELECT count(*) FROM pg_constraint WHERE contype = 'f'")).scalar()
    assert keys == 9
