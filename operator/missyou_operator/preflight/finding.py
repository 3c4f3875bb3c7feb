"""One problem of a new stack, for a person."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem and what helps, a sentence each without its stop.

    `blocks`: AWS would refuse something, so nothing is created. Otherwise it is a warning.
    """

    problem: str
    remedy: str
    blocks: bool = True

    def __str__(self) -> str:
        """Return both as one text."""
        return f"{self.problem}. {self.remedy}"
