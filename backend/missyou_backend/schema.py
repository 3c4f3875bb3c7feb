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
    Integer,
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
TOKEN_NAME_LIMIT, MOOD_LIMIT, LANGUAGE_LIMIT = 40, 60, 35
#: Firebase documents at most 128 characters for a uid ("Manage users", `uid`).
FIREBASE_UID_LIMIT = 128

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

#: Bearer tokens. The token itself is not stored: whoever reads the table can sign in as nobody.
user_tokens = Table(
    "user_tokens",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("name", String(TOKEN_NAME_LIMIT)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_now),
)

#: Users who signed up with a Firebase ID token.
firebase_users = Table(
    "firebase_users",
    metadata,
    Column("firebase_uid", String(FIREBASE_UID_LIMIT), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, unique=True),
)

#: Whether a target wants messages of a source. `asked_at`: when the source first sent one without consent, which waits
#: in `message`, or `mood` and `language`, while the state is pending. `key`, `body_hash`: its Idempotency-Key.
consents = Table(
    "consents",
    metadata,
    Column("target_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("source_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "state",
        String(8),
        CheckConstraint("state IN ('pending', 'accepted', 'declined', 'blocked')"),
        nullable=False,
    ),
    Column("asked_at", DateTime(timezone=True)),
    Column("message", String(TEXT_LIMIT)),
    Column("mood", String(MOOD_LIMIT)),
    Column("language", String(LANGUAGE_LIMIT)),
    Column("key", String(KEY_LIMIT)),
    Column("body_hash", LargeBinary),
)
Index("consents_of_source", consents.c.source_id, consents.c.key)

#: How often a subject (a user, a client's address, everybody) did what a limit counts, until `ends_at`.
usage = Table(
    "usage",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("ends_at", DateTime(timezone=True), nullable=False, index=True),
    Column("used", Integer, nullable=False),
)
