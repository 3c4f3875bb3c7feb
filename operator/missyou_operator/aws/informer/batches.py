"""Calls that describe several resources at once, each of which is a read of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from missyou_operator.aws.informer.inventory import Again, Inventory, Making, Read
from missyou_operator.aws.informer.rhythm import Freshness, Rhythm
from missyou_operator.aws.informer.shares import Row
from missyou_operator.aws.informer.volatile import steady
from missyou_operator.engine.packing import Packed, pack

#: Makes the call, with its arguments, and returns the rows.
Fetch = Callable[[Mapping[str, Any]], Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Batch:
    """A call that describes up to `most` resources at once, by its boto3 name.

    `arguments` returns the call's arguments for some IDs; `result` and `id_key` are the keys of the rows, and of the ID
    in each.
    """

    service: str
    operation: str
    result: str
    id_key: str
    most: int
    arguments: Callable[[Sequence[str]], Mapping[str, Any]]
    rhythm: Rhythm

    @property
    def group(self) -> str:
        """The beginning of the keys of its reads."""
        return f"{self.service}.{self.operation}/"

    def since(self, ids: Sequence[str], freshness: Freshness) -> dict[str, float]:
        """Return since when the read of each ID counts, by its key."""
        keys = [f"{self.group}{id_}" for id_ in ids]
        return {key: freshness.since(self.rhythm, key) for key in keys}

    def read(self, inventory: Inventory, ids: Sequence[str], fetch: Fetch, freshness: Freshness) -> dict[str, Read]:
        """Return the read of each resource by its ID. Its value are the rows of the ID. Errors: those of the call."""
        found: dict[str, Read] = {}
        for start in range(0, len(ids), self.most):
            since = self.since(ids[start : start + self.most], freshness)
            found |= self._read(inventory, since, fetch, freshness)
        return {key.removeprefix(self.group): read for key, read in found.items()}

    def _read(
        self, inventory: Inventory, since: Mapping[str, float], fetch: Fetch, freshness: Freshness
    ) -> dict[str, Read]:
        def again(key: str) -> Again:
            return lambda later: self._read(inventory, {key: later.since(self.rhythm, key)}, fetch, later)

        def described(keys: Sequence[str]) -> Mapping[str, Packed]:
            # A call that is not full takes along what is due soon.
            others = inventory.oldest(self.group, freshness.soon(self.rhythm), self.most)
            more = [key for key in others if key not in keys][: self.most - len(keys)]
            try:
                return self._described([*keys, *more], fetch)
            except Exception:
                if not more:
                    raise
                # One that is gone may make the call fail for all.
                inventory.forget(self.group, more)
                return self._described(keys, fetch)

        return inventory.reads(since, Making(described, again, self.rhythm, self.group))

    def _described(self, keys: Sequence[str], fetch: Fetch) -> Mapping[str, Packed]:
        rows: dict[str, list[Row]] = {key: [] for key in keys}
        for row in fetch(self.arguments([key.removeprefix(self.group) for key in keys])):
            if (key := f"{self.group}{row[self.id_key]}") in rows:
                rows[key].append(row)
        return {key: pack(tuple(steady(found))) for key, found in rows.items()}
