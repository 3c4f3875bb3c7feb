"""What does not fit, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """Something that does not fit: what, and what to do about it."""

    what: str
    remedy: str
