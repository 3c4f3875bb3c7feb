"""Calls that describe several resources at once, each of which is a read of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from missyou_operator.aws.errors import code_of, is_throttling
from missyou_operator.aws.informer.inventory import Again, Inventory, Making, Read
from missyou_operator.aws.informer.rhythm import Freshness, Rhythm
from missyou_operator.aws.informer.shares import Row, by_owner, packed, read_split
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.packing import Packed

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
            # What was read with these last time is so again: the answer may be as it was. A call that is not full takes
            # along what is due soon.
            others = inventory.fellows(self.group, keys[0])
            if len(others) < self.most / 2:
                others += inventory.oldest(self.group, freshness.soon(self.rhythm), self.most)
            more = [key for key in dict.fromkeys(others) if key not in keys][: self.most - len(keys)]
            try:
                return self._described(inventory, [*keys, *more], fetch)
            except Exception as error:
                if not more or isinstance(error, NotYetError) or is_throttling(code_of(error)):
                    raise
                # One that is gone, or that AWS cannot describe, makes the call fail for all.
                inventory.forget(self.group, more)
                return self._described(inventory, keys, fetch)

        return inventory.reads(since, Making(described, again, self.rhythm, self.group))

    def _described(self, inventory: Inventory, keys: Sequence[str], fetch: Fetch) -> Mapping[str, Packed]:
        # In one order, however the keys have come together.
        arguments = self.arguments(sorted(key.removeprefix(self.group) for key in keys))
        known = inventory.pages.get(self.group, {})
        found, pages = read_split(
            known, self.result, partial(by_owner, self.group, self._key_of), partial(fetch, arguments)
        )
        inventory.remember_pages(self.group, pages)
        return {key: self._joined(found.get(key, ())) for key in keys}

    def _key_of(self, row: Row) -> str:
        return f"{self.group}{row[self.id_key]}"

    def _joined(self, chunks: Sequence[Packed]) -> Packed:
        """Return the rows of one ID, which may be on two pages."""
        if len(chunks) == 1:
            return chunks[0]
        return packed(self.group, tuple(row for chunk in chunks for row in chunk.unpack()))
