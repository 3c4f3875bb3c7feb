"""What alembic runs for every command: on the connection, and in the transaction, that `migrate.py` hands it."""

from __future__ import annotations

from alembic import context

from missyou_backend.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
