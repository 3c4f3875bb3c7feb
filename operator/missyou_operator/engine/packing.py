"""Values packed small, for what is kept of a thousand stacks and looked at seldom.

Secrets are not packed: what is about to be logged is searched for those that the process holds (`redact`).
"""

from __future__ import annotations

import io
import pickle  # of values of this very process
import zlib
from dataclasses import dataclass
from typing import Any

from missyou_operator.engine.values import UNCHANGED, UNKNOWN, Sensitive

#: What has to stay the same object: secrets, and words that are compared by identity.
_WORDS = (UNKNOWN, UNCHANGED)


@dataclass(frozen=True, slots=True)
class Packed:
    """A value of this process: never written anywhere."""

    content: bytes
    kept: tuple[object, ...]

    def unpack(self) -> Any:
        """Return a copy of the value."""
        return _Unpickler(zlib.decompress(self.content), self.kept).load()


def pack(value: object) -> Packed:
    """Pack a value of dataclasses and plain types."""
    content = io.BytesIO()
    pickler = _Pickler(content)
    pickler.dump(value)
    return Packed(zlib.compress(content.getvalue(), 1), tuple(pickler.kept))


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.kept: list[object] = [*_WORDS]

    def persistent_id(self, obj: object) -> int | None:
        for number, word in enumerate(_WORDS):
            if obj is word:
                return number
        if not isinstance(obj, Sensitive):
            return None
        self.kept.append(obj)
        return len(self.kept) - 1


class _Unpickler(pickle.Unpickler):
    def __init__(self, content: bytes, kept: tuple[object, ...]) -> None:
        super().__init__(io.BytesIO(content))
        self._kept = kept

    def persistent_load(self, pid: int) -> object:
        return self._kept[pid]
