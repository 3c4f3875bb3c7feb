"""Values packed small, for what is kept of a thousand stacks and looked at seldom.

Secrets are not packed: what is about to be logged is searched for those that the process holds (`redact`).
"""

from __future__ import annotations

import io
import pickle  # of values of this very process
import zlib
from dataclasses import dataclass
from typing import Any

from missyou_operator.engine.values import Sensitive


@dataclass(frozen=True, slots=True)
class Packed:
    """A value of this process: never written anywhere."""

    content: bytes
    kept: tuple[object, ...]

    def unpack(self) -> Any:
        """Return a copy of the value."""
        content = zlib.decompress(self.content)
        return _Unpickler(content, self.kept).load() if self.kept else pickle.loads(content)  # noqa: S301 - our own


def pack(value: object) -> Packed:
    """Pack a value of dataclasses and plain types."""
    content = io.BytesIO()
    pickler = _Pickler(content)
    pickler.dump(value)
    return Packed(zlib.compress(content.getvalue(), 1), tuple(pickler.kept))


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
