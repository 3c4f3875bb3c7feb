"""The strings of one stack, rewritten into those of another one: its names, its IDs, and what is derived from them.

An ID keeps its beginning and gets the number of the copy as its end, so that copies sort as the original does. A hash
that the operator has derived from such strings is derived again from the rewritten ones: `Derivations` remembers of
what each was made.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

#: What AWS chooses: IDs such as `subnet-0123456789abcdef0` and IAM's `AROA…`, UUIDs, and runs of at least 16 letters
#: and digits.
_CHOSEN = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\b[a-z]+-[0-9a-f]{17}\b"
    r"|\bA[A-Z]{3}[0-9A-Z]{17}\b"
    r"|\b(?=[A-Za-z]*[0-9])[0-9A-Za-z]{16,63}\b"
)
#: Hashes in full or cut.
_HASH = re.compile(r"\b[0-9a-f]{8,64}\b")
#: Addresses that moto gives as public ones.
_PUBLIC_IP = re.compile(r"\b127\.(?!0\.0\.)\d+\.\d+\.\d+\b")
_DIGITS = 5


@dataclass(slots=True)
class Derivations:
    """Hashes (SHA-256) by the text that they were made of."""

    made_of: dict[str, str] = field(default_factory=dict)

    @contextlib.contextmanager
    def recorded(self) -> Iterator[None]:
        """Remember each hash that anybody makes by `hashlib.sha256(text)` meanwhile."""
        real = hashlib.sha256

        def sha256(data: bytes = b"", **options: Any) -> Any:
            made = real(data, **options)
            with contextlib.suppress(UnicodeDecodeError):
                self.made_of[made.hexdigest()] = bytes(data).decode()
            return made

        with mock.patch.object(hashlib, "sha256", sha256):
            yield

    def cut(self, lengths: Iterable[int]) -> dict[str, str]:
        """Return the texts by their hashes, cut to these lengths."""
        return {full[:length]: text for length in lengths for full, text in self.made_of.items()}


class Renaming:
    """What changes from one stack to its copies. `shared`: returns whether a string belongs to others, too."""

    def __init__(
        self, strings: Iterable[str], identity: Iterable[str], derivations: Derivations, shared: Callable[[str], bool]
    ) -> None:
        #: Name and UID of the original.
        self._identity = tuple(identity)
        strings = list(strings)
        texts = derivations.cut({len(found) for each in strings for found in _HASH.findall(each)})
        hashes = {found for each in strings for found in _HASH.findall(each) if found in texts}
        chosen = {found for each in strings for found in _CHOSEN.findall(each)} - hashes
        chosen = {each for each in chosen if not each.isdigit() and not shared(each)}
        addresses = sorted({found for each in strings for found in _PUBLIC_IP.findall(each)})
        self._addresses = {each: number for number, each in enumerate(addresses)}
        self._pattern = _any([*self._identity, *chosen, *addresses])
        # A hash of nothing that is renamed is the same for all.
        self._made_of: dict[str, str] = {}
        while more := {each for each in hashes - self._made_of.keys() if self._pattern.search(texts[each])}:
            self._made_of |= {each: texts[each] for each in more}
            self._pattern = _any([*self._identity, *chosen, *addresses, *self._made_of])
        inner = {found for text in self._made_of.values() for found in _HASH.findall(text)} - self._made_of.keys()
        every = derivations.cut({64})
        self._made_of |= {each: every[each] for each in inner if each in every and self._pattern.search(every[each])}
        self._pattern = _any([*self._identity, *chosen, *addresses, *self._made_of])

    def concerns(self, string: str) -> bool:
        """Return whether a string differs in a copy."""
        return self._pattern.search(string) is not None

    def copy(self, number: int, *identity: str) -> Callable[[str], str]:
        """Return what rewrites the strings for a copy: its number, and its name and UID."""
        new = dict(zip(self._identity, identity, strict=True))

        def token(found: re.Match[str]) -> str:
            old = found.group()
            if old not in new:
                new[old] = self._renamed(old, number, rewrite)
            return new[old]

        def rewrite(string: str) -> str:
            return self._pattern.sub(token, string)

        return rewrite

    def _renamed(self, old: str, number: int, rewrite: Callable[[str], str]) -> str:
        if old in self._made_of:
            return hashlib.sha256(rewrite(self._made_of[old]).encode()).hexdigest()[: len(old)]
        if old in self._addresses:
            return f"52.{self._addresses[old]}.{number >> 8}.{number & 255}"
        return f"{old[:-_DIGITS]}{number:0{_DIGITS}d}"


def _any(tokens: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(each) for each in sorted(set(tokens), key=len, reverse=True)))
