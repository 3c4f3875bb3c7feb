"""The tables, as the queries see them. They are made and changed by `migrations/`, and a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    func,
    text,
)

#: Characters. A B-tree entry must stay below 2,704 bytes (a third of a page of 8 KiB; PostgreSQL, "B-Tree Indexes").
#: The index that lists are read from holds title and message, at most 4 bytes a character: (80 + 500) x 4 = 2,320, and
#: some 60 for its header, five fixed columns and alignment.
TITLE_LIMIT, MESSAGE_LIMIT, USERNAME_LIMIT = 80, 500, 40
#: Characters, all of ASCII; no source gives a maximum for a token of FCM (some 160 today), this is an index entry too.
TOKEN_LIMIT = 1024
KEY_LIMIT = 128

metadata = MetaData()
_now = func.now()

users = Table(
    "users",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("username", String(USERNAME_LIMIT), nullable=False),
)
#: What users are unique, searched and sorted by. "C" compares code points, so that a prefix is a range.
username_key = func.lower(users.c.username).collate("C")
Index("users_username_key", username_key, unique=True)

notifications = Table(
    "notifications",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("target_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("title", String(TITLE_LIMIT), nullable=False),
    Column("description", String(MESSAGE_LIMIT), nullable=False),
    Column("is_read", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_now),
)
Index(
    "notifications_of_target",
    notifications.c.target_id,
    notifications.c.is_read,
    notifications.c.created_at.desc(),
    notifications.c.id.desc(),
    postgresql_include=["source_id", "title", "description"],
)

user_devices = Table(
    "user_devices",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("device_token", String(TOKEN_LIMIT), nullable=False, unique=True),
    Column("platform", String(7), CheckConstraint("platform IN ('ios', 'android', 'web')"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_now),
)

#: What was answered to a request with an Idempotency-Key, for 24 hours.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("source_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(KEY_LIMIT), primary_key=True),
    Column("body_hash", LargeBinary, nullable=False),
    Column("notification_id", ForeignKey("notifications.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("written_by", String(8), nullable=False),
    Column("push", String(9)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_now, index=True),
)
