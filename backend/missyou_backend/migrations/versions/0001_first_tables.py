"""The first tables: users, notifications, user_devices, idempotency_keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True)


def _reference(name: str, to: str, *, primary_key: bool = False) -> sa.Column[int]:
    return sa.Column(
        name, sa.BigInteger, sa.ForeignKey(to, ondelete="CASCADE"), nullable=False, primary_key=primary_key
    )


def _created_at() -> sa.Column[object]:
    return sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def upgrade() -> None:
    """Create the tables."""
    op.create_table("users", _id(), sa.Column("username", sa.String(40), nullable=False))
    op.create_index("users_username_key", "users", [sa.text('lower(username) COLLATE "C"')], unique=True)
    op.create_table(
        "notifications",
        _id(),
        _reference("source_id", "users.id"),
        _reference("target_id", "users.id"),
        sa.Column("title", sa.String(80), nullable=False),
        sa.Column("description", sa.String(500), nullable=False),
        sa.Column("is_read", sa.Boolean, nullable=False, server_default=sa.false()),
        _created_at(),
    )
    op.create_index("ix_notifications_source_id", "notifications", ["source_id"])
    op.create_index(
        "notifications_of_target",
        "notifications",
        ["target_id", "is_read", sa.text("created_at DESC"), sa.text("id DESC")],
        postgresql_include=["source_id", "title", "description"],
    )
    op.create_table(
        "user_devices",
        _id(),
        _reference("user_id", "users.id"),
        sa.Column("device_token", sa.String(1024), nullable=False, unique=True),
        sa.Column(
            "platform", sa.String(7), sa.CheckConstraint("platform IN ('ios', 'android', 'web')"), nullable=False
        ),
        _created_at(),
    )
    op.create_index("ix_user_devices_user_id", "user_devices", ["user_id"])
    op.create_table(
        "idempotency_keys",
        _reference("source_id", "users.id", primary_key=True),
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("body_hash", sa.LargeBinary, nullable=False),
        _reference("notification_id", "notifications.id"),
        sa.Column("written_by", sa.String(8), nullable=False),
        sa.Column("push", sa.String(9)),
        _created_at(),
    )
    op.create_index("ix_idempotency_keys_notification_id", "idempotency_keys", ["notification_id"])
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("idempotency_keys", "user_devices", "notifications", "users"):
        op.drop_table(table)
