"""Setting the tags of a resource that exists."""

from __future__ import annotations

from collections.abc import Callable

from missyou_operator.engine.resource import Observed, Resource


def retag(
    desired: Resource, observed: Observed, remove: Callable[[list[str]], object], add: Callable[[], object]
) -> None:
    """Remove the tags that are no longer desired, then set the desired ones.

    In this order: those set include the one that remembers what there is to remove. `remove` takes the keys.
    """
    if surplus := desired.stale_tags(observed):
        remove(list(surplus))
    add()
