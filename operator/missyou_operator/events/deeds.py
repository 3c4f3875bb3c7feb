"""Who did what to a stack's resources lately, for `status.drift`. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from missyou_operator.events.index import Touched
from missyou_operator.events.notice import Notice

#: The deeds that are kept of a stack, and for how long: CloudTrail is seldom later than a quarter of an hour.
_MOST, _KEPT = 50, timedelta(hours=1)
#: How much later than the deed itself drift is found by a look, at most, and how far two clocks may be apart.
_FOUND_AFTER, _SKEW = timedelta(hours=1), timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Deed:
    """A call of somebody else: by whom, when, which resources of ours it named (type/name), and which IDs at all."""

    by: str
    at: datetime
    addresses: frozenset[str]
    ids: frozenset[str]

    @classmethod
    def of(cls, notice: Notice, touched: Touched) -> Deed:
        """Return the deed that a notice tells of."""
        return cls(notice.by, notice.at, touched.addresses, notice.ids)


class Deeds:
    """The last deeds to one stack. One thread adds, another one asks."""

    def __init__(self) -> None:
        self._deeds: tuple[Deed, ...] = ()

    def __iter__(self) -> Iterator[Deed]:
        """Yield the deeds, the latest last."""
        return iter(self._deeds)

    def add(self, deed: Deed, now: datetime) -> None:
        """Remember a deed; one that is told twice is one."""
        kept = [each for each in self._deeds if each != deed and now - each.at < _KEPT]
        self._deeds = tuple(sorted([*kept, deed], key=lambda each: each.at)[-_MOST:])

    def behind(self, address: str, id_: str, parts_of: Collection[str], found_at: datetime) -> Deed | None:
        """Return the latest deed that explains a difference, of those before it was found.

        `parts_of`: the addresses of what the resource lives in. Who changed a security group's rules named the group.
        """
        near = [each for each in self._deeds if each.at - _SKEW <= found_at <= each.at + _FOUND_AFTER]
        exact = [each for each in near if address in each.addresses or (id_ and id_ in each.ids)]
        around = [each for each in near if each.addresses.intersection(parts_of)]
        return next(reversed(exact or around), None)
