"""Bring the database's schema up to date, even if many tasks start at once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from missyou_backend.login import Login

_log = logging.getLogger(__name__)
#: Seconds to wait for a database that does not answer, and between attempts.
PATIENCE, _PAUSE = 30.0, 0.5
#: A number that no other program on this database uses: "missyou" in ASCII.
_LOCK = int.from_bytes(b"missyou", "big")


class MigrationError(Exception):
    """The database did not answer in time, or its schema cannot be brought up to date. The message is one line."""


def migrate(parameters: Mapping[str, str], patience: float = PATIENCE, login: Login | None = None) -> None:
    """Bring the schema to this version's revision, waiting `patience` seconds for the database.

    Everything happens in one transaction under an advisory lock. Of many that start at once, one migrates; the others
    wait and find it done. A killed process leaves nothing half done. An unknown revision comes from a newer version
    that was rolled back: it stays, since every migration keeps the previous version working. Raises MigrationError.
    """
    _when_it_answers(lambda: _upgrade(parameters, login or Login()), time.monotonic() + patience)


def _when_it_answers(work: Callable[[], None], deadline: float) -> None:
    while True:
        try:
            work()
        except OperationalError as error:
            # The words of libpq and the server: host, user and reason, never a password.
            reason = " ".join(str(error.orig).split())
            if time.monotonic() + _PAUSE > deadline:
                raise MigrationError(f"the database is not available: {reason}") from None
            _log.warning("the database is not available yet: %s", reason)
            time.sleep(_PAUSE)
        else:
            return


def _upgrade(parameters: Mapping[str, str], login: Login) -> None:
    # A migration may take long, and so may waiting for one: lift the limits that requests have.
    engine = create_engine("postgresql+psycopg://", connect_args=dict(parameters), poolclass=NullPool)
    event.listen(
        engine,
        "do_connect",
        lambda dialect, _, args, kwargs: login.connect(lambda given: dialect.connect(*args, **{**kwargs, **given})),
    )
    with engine.begin() as connection:
        for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {limit} = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        _run(connection)


def _run(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current == scripts.get_current_head():
        return
    try:
        scripts.get_revision(current or "base")
    except CommandError:
        _log.warning("the schema's revision %s is newer than this version; using it unchanged", current)
        return
    command.upgrade(config, "head")
    _log.info("migrated the schema from revision %s to %s", current, scripts.get_current_head())
