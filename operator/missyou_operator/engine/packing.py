"""Values packed small, for what is kept of a thousand stacks and looked at seldom.

What is kept of one stack is mostly, word by word, what is kept of all others: of each kind, one value is kept as it is,
and the others say where they differ from it.

Secrets are not packed: what is about to be logged is searched for those that the process holds (`redact`).
"""

from __future__ import annotations

import io
import pickle  # of values of this very process
import zlib
from dataclasses import dataclass
from typing import Any

from missyou_operator.engine.values import Sensitive

#: Bytes of a value that others are packed by, at most: zlib looks back on 32506, and some values are longer than it.
_LONGEST = 28 * 1024
#: A value of each kind: the first, until one is twice as long.
_models: dict[str, bytes] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """A value of this process: never written anywhere. `model`: what it is packed by."""

    content: bytes
    kept: tuple[object, ...]
    model: bytes

    def __eq__(self, other: object) -> bool:
        """Return whether another one is of an equal value, made in the same way."""
        if not isinstance(other, Packed) or self.kept != other.kept:
            return False
        return self.content == other.content if self.model is other.model else self._pickled() == other._pickled()

    __hash__ = None  # type: ignore[assignment]  # Python's own word for it

    def unpack(self) -> Any:
        """Return a copy of the value."""
        content = self._pickled()
        return _Unpickler(content, self.kept).load() if self.kept else pickle.loads(content)  # noqa: S301 - our own

    def _pickled(self) -> bytes:
        return zlib.decompressobj(zdict=self.model).decompress(self.content)


def pack(value: object, kind: str) -> Packed:
    """Pack a value of dataclasses and plain types. `kind`: of a small set, by what values have in common."""
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(value)
    content = file.getvalue()
    model = _models.get(kind, b"")
    if min(len(content), _LONGEST) > 2 * len(model):
        model = _models[kind] = content[:_LONGEST]
    packer = zlib.compressobj(1, zdict=model)
    return Packed(packer.compress(content) + packer.flush(), tuple(pickler.kept), model)


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
