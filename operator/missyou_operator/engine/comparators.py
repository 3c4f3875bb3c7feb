"""How a desired field is compared with the observed attribute of its name: the values of `Resource.COMPARED`.

Pure functions `(desired, observed) -> bool`. A comparison that needs more than these two values is an override of
`Resource.matches`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Comparator = Callable[[Any, Any], bool]


def equal(desired: Any, observed: Any) -> bool:
    """Return whether both are the same value."""
    return bool(desired == observed)


def as_set(desired: Any, observed: Any) -> bool:
    """Return whether both hold the same items, in whatever order. None holds none."""
    return frozenset(desired or ()) == frozenset(observed or ())


def as_json(desired: Any, observed: Any) -> bool:
    """Return whether both are the same JSON document: JSON has no tuples, only lists."""
    if isinstance(desired, Mapping):
        return (
            isinstance(observed, Mapping)
            and desired.keys() == observed.keys()
            and all(as_json(value, observed[key]) for key, value in desired.items())
        )
    if isinstance(desired, (list, tuple)):
        return (
            isinstance(observed, (list, tuple))
            and len(desired) == len(observed)
            and all(map(as_json, desired, observed))
        )
    return bool(desired == observed)


def at_least(desired: Any, observed: Any) -> bool:
    """Return whether the observed number is the desired one or greater: what may grow by itself."""
    return bool(observed >= desired)


def includes(desired: Mapping[str, Any], observed: Mapping[str, Any] | None) -> bool:
    """Return whether every desired entry was observed; further observed entries are nobody's business."""
    return (observed or {}).items() >= desired.items()


def if_observed(comparator: Comparator) -> Comparator:
    """Compare only what the cloud shows: None matches everything."""
    return lambda desired, observed: observed is None or comparator(desired, observed)


def if_desired(comparator: Comparator) -> Comparator:
    """Compare only what somebody has chosen: a desired None leaves the choice to the cloud."""
    return lambda desired, observed: desired is None or comparator(desired, observed)


def compare(*fields: str, **comparators: Comparator) -> Mapping[str, Comparator]:
    """Map each of `fields` to `equal`, and each keyword to its own comparator."""
    return {**dict.fromkeys(fields, equal), **comparators}
