"""Values packed small, for what is kept of a thousand stacks and looked at seldom.

What is kept of one stack is mostly, word by word, what is kept of all others: of each kind, the first value is kept as
it is, and the others say where they differ from it. That takes a third of what each would take by itself.

Secrets are not packed: what is about to be logged is searched for those that the process holds (`redact`).
"""

from __future__ import annotations

import io
import pickle  # of values of this very process
import zlib
from dataclasses import dataclass
from typing import Any

from missyou_operator.engine.values import Sensitive

#: Bytes of the shortest value that others are compared with, and of it as much as zlib looks back on.
_SHORTEST, _LONGEST = 256, 32768
#: The first value of each kind: as long as the process runs, so that equal values are packed alike.
_first: dict[str, bytes] = {}


@dataclass(frozen=True, slots=True)
class Packed:
    """A value of this process: never written anywhere. `first`: what it is packed by."""

    content: bytes
    kept: tuple[object, ...]
    first: bytes

    def unpack(self) -> Any:
        """Return a copy of the value."""
        content = zlib.decompressobj(zdict=self.first).decompress(self.content)
        return _Unpickler(content, self.kept).load() if self.kept else pickle.loads(content)  # noqa: S301 - our own


def pack(value: object, kind: str) -> Packed:
    """Pack a value of dataclasses and plain types. `kind`: of a small set, by what values have in common."""
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(value)
    content = file.getvalue()
    first = _first.setdefault(kind, content[:_LONGEST]) if len(content) >= _SHORTEST else b""
    packer = zlib.compressobj(1, zdict=first)
    return Packed(packer.compress(content) + packer.flush(), tuple(pickler.kept), first)


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.kept: list[object] = []

    # Python is asked about objects of classes alone: about each string, it would take five times as long.
    def reducer_override(self, obj: object) -> Any:
        if not isinstance(obj, Sensitive):
            return NotImplemented
        self.kept.append(obj)
        return _kept, (len(self.kept) - 1,)


class _Unpickler(pickle.Unpickler):
    def __init__(self, content: bytes, kept: tuple[object, ...]) -> None:
        super().__init__(io.BytesIO(content))
        self._kept = kept

    def find_class(self, module: str, name: str) -> Any:
        return self._kept.__getitem__ if name == _kept.__name__ else super().find_class(module, name)


def _kept(number: int) -> object:
    """Stand for a secret in what is packed: only `_Unpickler` knows which."""
    raise LookupError(number)
