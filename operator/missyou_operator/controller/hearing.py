"""What an app does when it is told of an event: it remembers what to read and who did it, and runs a pass."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from missyou_operator.aws.clock import seconds, utc_now
from missyou_operator.controller.listening import Listener
from missyou_operator.controller.memory import Memory
from missyou_operator.controller.pace import Bucket
from missyou_operator.controller.place import recorded
from missyou_operator.controller.report import known_resources
from missyou_operator.events.deeds import Deed
from missyou_operator.events.index import Key

#: Passes that events may ask for at once, and the seconds until another: whoever floods the queue causes no more.
_AT_ONCE, _EVERY = 10, 5.0


class Elsewhere:
    """An app that another replica works on: what is said of it is passed on."""

    ours = False

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = body
        seen = {"metadata": dict(body["metadata"]), "status": dict(body.get("status") or {})}
        self.known, self.place = known_resources(seen), recorded(seen)

    def hear(self, types: Collection[str], deeds: Sequence[Deed], again_in: float | None) -> None:
        """Do nothing: nobody here has a memory of the app."""


class Ears:
    """All apps that events may be about, those of other replicas included. Any thread may ask."""

    def __init__(self) -> None:
        self._elsewhere: dict[Key, Elsewhere] = {}

    def all(self, ours: Mapping[Key, Listener], bodies: Mapping[Key, Mapping[str, Any]]) -> Mapping[Key, Listener]:
        """Return what is told of events, by app. `bodies`: those of the apps as the watch has shown them."""
        self._elsewhere = {
            key: each if (each := self._elsewhere.get(key)) and each.body is body else Elsewhere(body)
            for key, body in dict(bodies).items()
            if key not in ours
        }
        return {**self._elsewhere, **ours}


class Hearing:
    """The ear of one app. `wake` has the next pass run at once. All methods belong to the event loop."""

    def __init__(self, memory: Memory, wake: Callable[[], None]) -> None:
        self._memory, self._wake = memory, wake
        self._bucket = Bucket(_AT_ONCE, _EVERY)
        self._waits: asyncio.TimerHandle | None = None
        #: What is to be read once more, when AWS must show it.
        self._again: set[str] = set()

    def hear(self, types: Collection[str], deeds: Sequence[Deed], again_in: float | None) -> None:
        """Have types read now, and once more after some seconds if AWS may not show yet what has happened."""
        for deed in deeds:
            self._memory.deeds.add(deed, utc_now())
        self._read(types)
        if again_in is not None:
            if not self._again:
                asyncio.get_running_loop().call_later(again_in, self._read_again)
            self._again.update(types)

    def _read_again(self) -> None:
        types, self._again = self._again, set()
        self._read(types)

    def _read(self, types: Collection[str]) -> None:
        now = seconds()
        self._memory.touch(dict.fromkeys(types, now))
        if self._waits is not None:
            return
        if self._bucket.take(now):
            self._wake()
        else:
            self._waits = asyncio.get_running_loop().call_later(self._bucket.wait(now), self._late)

    def _late(self) -> None:
        self._waits = None
        self._bucket.take(seconds())
        self._wake()
