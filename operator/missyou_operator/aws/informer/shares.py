"""Lists of a whole account, split by owner."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from sys import intern
from typing import Any

from missyou_operator.aws.informer.rhythm import LISTED, Rhythm
from missyou_operator.aws.informer.volatile import steady
from missyou_operator.aws.pages import Page, Pages, remembering
from missyou_operator.engine.packing import Packed, pack

#: A row of a list: a mapping, but for a few APIs.
Row = Any


def key_of(service: str, operation: str, arguments: Mapping[str, Any]) -> str:
    """Return the key of the read that a call makes."""
    return intern("/".join((f"{service}.{operation}", *(str(value) for value in arguments.values()))))


def packed(key: str, value: object) -> Packed:
    """Pack what a read has returned, or a part of it, by the key of the read: what one call returns is much alike."""
    return pack(value, key.partition("/")[0])


@dataclass(frozen=True, slots=True)
class Alone:
    """How AWS lists what up to `most` owners have, and nothing else: by `arguments` made of their names."""

    most: int
    arguments: Callable[[Sequence[str]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Source:
    """A call that lists something of a whole account, by its boto3 name; `result` is the key of the rows.

    `owner`: the key of a row's name, or a function that returns whose it is. `arguments` narrow the list on AWS's side.
    `fetch`, given a client, reads the rows of what botocore cannot page. `alone`: how some rows are
    listed, where the list of all may take long.
    """

    service: str
    operation: str
    result: str
    owner: str | Callable[[Row], str]
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)
    rhythm: Rhythm = LISTED
    fetch: Callable[[Any], Sequence[Row]] | None = None
    alone: Alone | None = None

    @property
    def key(self) -> str:
        """The key of the read."""
        return key_of(self.service, self.operation, self.arguments)

    def owner_of(self, row: Row) -> str:
        """Return whose a row is."""
        return str(row[self.owner]) if isinstance(self.owner, str) else self.owner(row)


@dataclass(frozen=True, slots=True)
class Share:
    """The rows of one owner, packed. `version` differs from that of every earlier share with other rows."""

    chunks: tuple[Packed, ...]
    version: int


_NOTHING = Share((), 0)


class Shares:
    """The rows of a list by owner. What is as it was before is the same object as before."""

    __slots__ = ("_names", "_of", "_pages")

    def __init__(self, source: Source, read: Callable[[], Sequence[Any]], before: Shares | None) -> None:
        """Make a list of what `read` returns: rows, or large pages, of which those of `before` are not parsed again."""
        known = before.pages if before is not None else {}
        grouped, self._pages = read_split(known, source.result, partial(by_owner, source.key, source.owner_of), read)
        self._of = {owner: Share(tuple(chunks), 0) for owner, chunks in grouped.items()}
        self._names: list[str] | None = None

    @property
    def pages(self) -> Mapping[bytes, Page]:
        """The large pages, by their content."""
        return self._pages

    def stamp_all(self, before: Shares | None, version: int) -> None:
        """Give each share its version: that of the one before, or a new one."""
        for owner, share in self._of.items():
            old = before.share(owner) if before is not None else _NOTHING
            self._of[owner] = old if old.chunks == share.chunks else Share(share.chunks, version)

    def same_as(self, other: Shares) -> bool:
        """Return whether every owner has the same share as in another list."""
        return len(self._of) == len(other) and all(share is other.share(owner) for owner, share in self._of.items())

    def __len__(self) -> int:
        """Return how many owners there are."""
        return len(self._of)

    def share(self, owner: str) -> Share:
        """Return the share of an owner."""
        return self._of.get(owner, _NOTHING)

    def rows(self, owner: str) -> Iterator[Row]:
        """Yield the rows of an owner, or of all whose name fits where `owner` has a `*`."""
        for _, share in self._matching(owner):
            for chunk in share.chunks:
                yield from chunk.unpack()

    def stamp(self, owner: str) -> Hashable:
        """Return what differs as soon as `rows` returns something else."""
        if "*" not in owner:
            return self.share(owner).version
        return tuple((name, share.version) for name, share in self._matching(owner))

    def _matching(self, owner: str) -> list[tuple[str, Share]]:
        prefix, star, _ = owner.partition("*")
        if not star:
            return [(owner, self._of[owner])] if owner in self._of else []
        if self._names is None:
            self._names = sorted(self._of)
        names, found = self._names, []
        for name in names[bisect_left(names, prefix) :]:
            if not name.startswith(prefix):
                break
            if fnmatchcase(name, owner):
                found.append((name, self._of[name]))
        return found


def read_split(
    known: Mapping[bytes, Page],
    result: str,
    split: Callable[[Sequence[Row]], dict[str, Packed]],
    read: Callable[[], Sequence[Any]],
) -> tuple[dict[str, list[Packed]], Mapping[bytes, Page]]:
    """Return what `read` returns by owner, and its large pages, of which those that are `known` are not parsed again.

    `result`: the key of the rows in an answer. The rows of one owner are in several parts if they are on several pages.
    """
    pages = Pages(known, result, split)
    with remembering(pages):
        rows = read()
    loose = split([row for row in rows if not isinstance(row, Page)])
    grouped: dict[str, list[Packed]] = {}
    for part in (loose, *(row.split for row in rows if isinstance(row, Page))):
        for owner, chunk in part.items():
            grouped.setdefault(owner, []).append(chunk)
    return grouped, pages.seen


def by_owner(key: str, owner_of: Callable[[Row], str], rows: Sequence[Row]) -> dict[str, Packed]:
    """Return rows by owner, packed. `key`: of the read that has returned them."""
    grouped: dict[str, list[Row]] = {}
    for row in map(steady, rows):
        grouped.setdefault(intern(owner_of(row)), []).append(row)
    return {owner: packed(key, tuple(theirs)) for owner, theirs in grouped.items()}
