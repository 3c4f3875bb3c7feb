"""Who may do what, and how often: user_tokens, firebase_users, consents, usage.

New tables only: the previous version, which serves on while this one is rolled out, neither reads nor needs them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _user(name: str, *, primary_key: bool = False) -> sa.Column[int]:
    return sa.Column(
        name, sa.BigInteger, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, primary_key=primary_key
    )


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "user_tokens",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        _user("user_id"),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("name", sa.String(40)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.create_index("ix_user_tokens_user_id", "user_tokens", ["user_id"])
    op.create_table(
        "firebase_users",
        sa.Column("firebase_uid", sa.String(128), primary_key=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, unique=True),
    )
    op.create_table(
        "consents",
        _user("target_id", primary_key=True),
        _user("source_id", primary_key=True),
        sa.Column(
            "state",
            sa.String(8),
            sa.CheckConstraint("state IN ('pending', 'accepted', 'declined', 'blocked')"),
            nullable=False,
        ),
        sa.Column("asked_at", sa.DateTime(timezone=True)),
        sa.Column("message", sa.String(500)),
        sa.Column("mood", sa.String(60)),
        sa.Column("language", sa.String(35)),
        sa.Column("key", sa.String(128)),
        sa.Column("body_hash", sa.LargeBinary),
    )
    op.create_index("consents_of_source", "consents", ["source_id", "key"])
    op.create_table(
        "usage",
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("subject", sa.String(64), primary_key=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
    )
    op.create_index("ix_usage_ends_at", "usage", ["ends_at"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("usage", "consents", "firebase_users", "user_tokens"):
        op.drop_table(table)
