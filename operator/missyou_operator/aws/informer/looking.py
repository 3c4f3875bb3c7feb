"""A look at what a stack's observation has used: what is due is read again, and nothing else is done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from missyou_operator.aws.informer.following import Uses
from missyou_operator.aws.informer.inventory import Again, Inventory
from missyou_operator.aws.informer.rhythm import Freshness
from missyou_operator.engine import schedule


def look(inventory: Inventory, uses: Uses, freshness: Freshness, pool: schedule.Workers) -> bool:
    """Read what is due, and return whether all is as it was when it was used. Errors: those of the reads."""
    due = inventory.due(list(dict.fromkeys(key for key, _ in uses)), freshness)

    def start(again: Again) -> Callable[[], object] | bool:
        return partial(again, freshness)

    schedule.run(dict.fromkeys(due, ()), pool, start, lambda *_: True)
    return all(inventory.stamp(*use) == stamp for use, stamp in uses.items())
