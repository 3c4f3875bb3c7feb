"""The tables as queries see them. `migrations/` creates and changes them; a test compares the two."""

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

from missyou_backend.words_check import TEXT_LIMIT, TITLE_LIMIT

#: Characters.
USERNAME_LIMIT = 40
#: ASCII characters. Google documents no maximum for an FCM token (some 160 today); this too must fit an index entry.
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
#: The key by which users are unique, searched and sorted. "C" compares code points, which makes a prefix a range.
username_key = func.lower(users.c.username).collate("C")
Index("users_username_key", username_key, unique=True)

notifications = Table(
    "notifications",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("target_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("title", String(TITLE_LIMIT), nullable=False),
    Column("description", String(TEXT_LIMIT), nullable=False),
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

#: Answers to requests with an Idempotency-Key, kept for 24 hours.
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
