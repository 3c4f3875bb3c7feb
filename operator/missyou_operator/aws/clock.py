"""The time as AWS's timestamps have it, in one place so that tests can give another."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Give the present time with its zone."""
    return datetime.now(UTC)
