"""Migration at start: once, however many processes start together, and from any earlier revision."""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import subprocess
import sys
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from missyou_backend import migrations, tokens
from missyou_backend.database_url import connection_parameters
from missyou_backend.migrate import MigrationError, migrate
from missyou_backend.schema import metadata


def engine_of(url: str):
    return create_engine("postgresql+psycopg://", connect_args=dict(connection_parameters(url)))


def migrate_together(url: str, all_of_them: Barrier) -> None:
    all_of_them.wait(60)
    migrate(connection_parameters(url))


def test_ten_processes_at_once_make_the_schema_of_an_empty_database_once(new_url) -> None:
    url = new_url()
    # The ten are forks of a process that has no threads and has imported everything.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    together = processes.Barrier(10)
    started = [processes.Process(target=migrate_together, args=(url, together)) for _ in range(10)]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0] * 10
    with engine_of(url).connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["0002"]


def is_comparable(_object: object, name: str | None, *_: object) -> bool:
    return name != "users_username_key"  # alembic reads COLLATE in an index as a difference


def test_the_migrations_make_the_tables_that_the_queries_see(url) -> None:
    with engine_of(url).connect() as connection:
        opts = {"compare_type": True, "compare_server_default": True, "include_object": is_comparable}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, metadata) == []
        [key] = connection.execute(text("SELECT pg_get_indexdef('users_username_key'::regclass)")).scalars()
        assert key.startswith("CREATE UNIQUE INDEX")
        assert key.endswith('(lower((username)::text) COLLATE "C")')
        made = inspect(connection)
        for table in metadata.tables.values():
            assert {
                index["name"] for index in made.get_indexes(table.name) if "duplicates_constraint" not in index
            } == {index.name for index in table.indexes}


def test_a_second_time_changes_nothing(new_url, caplog) -> None:
    parameters = connection_parameters(new_url())
    caplog.set_level(logging.INFO, "missyou_backend")
    migrate(parameters)
    migrate(parameters)
    assert [record.message for record in caplog.records] == ["migrated the schema from revision None to 0002"]


def columns_of(url: str) -> dict[str, set[tuple[str, str, bool, bool]]]:
    """Return each table's columns: name, type, whether null is allowed, whether there is a default."""
    with engine_of(url).connect() as connection:
        made = inspect(connection)
        return {
            table: {
                (each["name"], str(each["type"]), each["nullable"], bool(each["default"] or each.get("identity")))
                for each in made.get_columns(table)
            }
            for table in made.get_table_names()
        }


def revisions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


@pytest.mark.parametrize("number", range(1, len(revisions())))
def test_the_previous_version_works_on_what_a_revision_makes(new_url, number) -> None:
    """During a rollout, both run: whatever the previous version reads and writes is still there, and nothing else."""
    url = new_url()
    tables = []
    for revision in revisions()[number - 1 : number + 1]:
        with engine_of(url).begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(Path(migrations.__file__).parent))
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
        tables.append(columns_of(url))
    before, after = ({name: table for name, table in each.items() if name != "alembic_version"} for each in tables)
    for name, columns in before.items():
        assert columns <= after[name]
        assert all(nullable or default for _, _, nullable, default in after[name] - columns)


def test_a_user_whom_the_previous_version_made_gets_a_token_as_the_readme_says(new_url) -> None:
    """It answers no tokens, and serves on while this one is rolled out."""
    readme = (Path(__file__).parents[2] / "backend" / "README.md").read_text()
    [statement] = re.findall(r"INSERT INTO user_tokens .*?;", readme, re.DOTALL)
    value = "missyou_chosen-by-the-operator"
    statement = statement.replace("'TOKEN'", f"'{value}'").replace("'Ann'", "'ANN'")
    url = new_url()
    migrate(connection_parameters(url))
    with engine_of(url).begin() as connection:
        connection.execute(text("INSERT INTO users (username) VALUES ('Ann'), ('Bob')"))
        connection.execute(text(statement))
        caller = tokens.find(connection, value)
        ann = connection.execute(text("SELECT id FROM users WHERE username = 'Ann'")).scalar()
    assert caller is not None
    assert caller.user_id == ann


def test_a_revision_of_a_newer_version_is_left_alone(new_url, caplog) -> None:
    url = new_url()
    migrate(connection_parameters(url))
    with engine_of(url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    migrate(connection_parameters(url))
    assert "9999 is newer than this version" in caplog.text


def test_one_that_fails_leaves_nothing_behind(new_url) -> None:
    url = new_url()
    with engine_of(url).begin() as connection:
        connection.execute(text("CREATE TABLE idempotency_keys (in_the_way int)"))
    with pytest.raises(Exception, match="idempotency_keys"):
        migrate(connection_parameters(url))
    with engine_of(url).connect() as connection:
        assert inspect(connection).get_table_names() == ["idempotency_keys"]


def test_a_database_that_does_not_answer_is_waited_for_and_then_named_without_its_password(server, caplog) -> None:
    parameters = connection_parameters(server.url("missing", "app", "wrong-hunter2"))
    with pytest.raises(MigrationError) as caught:
        migrate(parameters, patience=3.2)
    # Half a second between two attempts; how many there are depends on how long each takes.
    assert 1 <= caplog.text.count("is not available yet") <= 6
    assert "password authentication failed" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value) + caplog.text


def test_it_goes_on_when_the_database_comes(new_url, server) -> None:
    url = new_url()
    server.stop()
    code = (
        "import os; from missyou_backend.migrate import migrate; from missyou_backend.database_url import *;"
        "migrate(connection_parameters(os.environ['DATABASE_URL']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "DATABASE_URL": url}, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr
        assert "is not available yet" in process.stderr.readline()
    finally:
        server.start({"autovacuum": "off"})
    process.communicate(timeout=60)
    assert process.returncode == 0
    with engine_of(url).connect() as connection:
        assert inspect(connection).has_table("users")
