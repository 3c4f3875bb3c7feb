"""The connections to PostgreSQL.

The arithmetic (for operators: `README.md`): a worker holds at most `POOL_SIZE` connections for requests and one for its
health probe, 3 in all. Ten tasks of one worker, doubled during a rollout (ECS starts the new ones first), hold
20 x 3 = 60. RDS allows a db.t3.micro LEAST(DBInstanceClassMemory / 9531392, 5000) connections (RDS User Guide, "Quotas
and constraints"): nominally 112 for 1 GiB, some 80 after RDS's own share of the memory. Of those, 3 are reserved for
superusers, and RDS uses a few.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, create_engine, event

from missyou_backend.deadlines import Deadlines
from missyou_backend.login import Login

POOL_SIZE = 2
#: Seconds that a request waits for a free connection.
POOL_TIMEOUT = 3.0
#: Seconds after which a connection held by a request is cut: longer than the server allows a statement.
_HOLD = 12.0
#: Seconds after which a connection is replaced, to follow a failover or a changed DNS entry.
CONNECTION_SECONDS = 600


class Database:
    """A pool of connections. Thread-safe, but must not cross a fork."""

    def __init__(
        self, parameters: Mapping[str, str], login: Login | None = None, connection_seconds: int = CONNECTION_SECONDS
    ) -> None:
        self._parameters, self._login = parameters, login or Login()
        self.last_success: float | None = None
        """When a transaction last succeeded, on the monotonic clock."""
        self.engine = create_engine(
            "postgresql+psycopg://",
            connect_args=dict(parameters),
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT,
            pool_recycle=connection_seconds,
            hide_parameters=True,
        )
        event.listen(self.engine, "do_connect", self._open)
        self._deadlines = Deadlines(self.engine, _HOLD)

    def _open(self, dialect: Any, _record: Any, arguments: Any, parameters: dict[str, Any]) -> Any:
        return self._login.connect(lambda given: dialect.connect(*arguments, **{**parameters, **given}))

    def connect(self, **parameters: str) -> psycopg.Connection[Any]:
        """Open a connection besides the pool, in autocommit mode; `parameters` override libpq's."""
        return self._login.connect(
            lambda given: psycopg.connect(**{**self._parameters, **parameters, **given}, autocommit=True)  # type: ignore[arg-type]
        )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction; commit it at the end, or roll it back on an exception."""
        with self.engine.begin() as connection:
            yield connection
        self.last_success = time.monotonic()

    def close(self) -> None:
        """Close idle connections."""
        self._deadlines.close()
        self.engine.dispose()
