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

from sqlalchemy import Connection, create_engine

from missyou_backend.deadlines import Deadlines

POOL_SIZE = 2
#: Seconds that a request waits for a free connection.
POOL_TIMEOUT = 3.0
#: Seconds after which a connection held by a request is cut: longer than the server allows a statement.
_HOLD = 12.0
#: Seconds after which an idle connection is replaced, to follow a failover or a changed DNS entry.
_RECYCLE = 600


class Database:
    """A pool of connections. Thread-safe, but must not cross a fork."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self.parameters = parameters
        self.last_success: float | None = None
        """When a transaction last succeeded, on the monotonic clock."""
        self.engine = create_engine(
            "postgresql+psycopg://",
            connect_args=dict(parameters),
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT,
            pool_recycle=_RECYCLE,
            hide_parameters=True,
        )
        self._deadlines = Deadlines(self.engine, _HOLD)

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
