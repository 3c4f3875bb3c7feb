"""An app as the watch has shown it, kept small: of a thousand, hardly any is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from missyou_operator.engine.packing import pack


class Shown(Mapping[str, Any]):
    """An object of Kubernetes. Its status, most of it, is packed, and a copy each time that it is asked for."""

    __slots__ = ("_rest", "_status")

    def __init__(self, shown: Mapping[str, Any]) -> None:
        # Who wrote which field is as long as the rest of an app, and nobody here asks.
        meta = {key: value for key, value in shown["metadata"].items() if key != "managedFields"}
        self._rest = {key: value for key, value in shown.items() if key != "status"} | {"metadata": meta}
        self._status = pack(dict(shown.get("status") or {}), "status")

    def __getitem__(self, key: str) -> Any:
        """Return a part of it. Error: KeyError."""
        return self._status.unpack() if key == "status" else self._rest[key]

    def __iter__(self) -> Iterator[str]:
        """Yield the names of its parts."""
        yield from (*self._rest, "status")

    def __len__(self) -> int:
        """Return how many parts it has."""
        return len(self._rest) + 1
