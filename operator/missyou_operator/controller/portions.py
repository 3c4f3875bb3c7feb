"""Work of the event loop that is too long for one turn of it: whatever else is due gets between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

T = TypeVar("T")

#: Loops of apps that begin in one turn: each takes about a millisecond for its first step, while passes compute. What
#: the watch shows takes some ten turns until it is with its loop.
_AT_ONCE = 10


def in_portions(each: Callable[[T], None], these: Sequence[T], deliver: Callable[[Callable[[], None]], object]) -> None:
    """Call `each` with all of `these`, a portion in one turn. `deliver` has the event loop call something next."""
    for one in these[:_AT_ONCE]:
        each(one)
    if rest := these[_AT_ONCE:]:
        deliver(partial(in_portions, each, rest, deliver))
