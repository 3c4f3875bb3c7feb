"""Taking over the stack of an app of the same name: of another cluster, or of one that was deleted with Retain.

The annotation counts once, until everything bears this app's tags; the status remembers that. Removing the annotation
forgets it, so that it may be set again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from missyou_operator.api.annotations import TAKE_OVER, annotation
from missyou_operator.api.status import TakeOver, parse_status
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.engine.plan import ObservedState


def requested(body: Mapping[str, Any]) -> bool:
    """Return whether the annotation asks for it."""
    return annotation(body, TAKE_OVER) == "true"


def takes_over(body: Mapping[str, Any]) -> bool:
    """Return whether what bears a namesake's tags counts as this app's in this pass."""
    return requested(body) and parse_status(body).last_take_over is None


def pending(stack: StackIdentity, world: ObservedState) -> list[str]:
    """List the addresses of what still bears the tags of an app of the same name."""
    return [address for address, rows in world.items() if any(stack.could_take_over(row.tags) for row in rows)]


def record(body: Mapping[str, Any], pending: Collection[str], now: datetime, *, whole: bool) -> TakeOver | None:
    """Return what the status remembers of it: None while it is not asked for, or not complete.

    `pending`: what is still to be tagged. `whole`: AWS was observed in full, and all of it could be read.
    """
    if not requested(body):
        return None
    before = parse_status(body).last_take_over
    return before if before is not None or not whole or pending else TakeOver(at=now)
