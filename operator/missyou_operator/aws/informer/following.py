"""Who is told when what stacks share has changed: a stack that rests does not wait for its own look to see it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable, Mapping

#: What an observation has used: the key of each read and, in a source, whose share; and what it was stamped with.
Uses = Mapping[tuple[str, str], Hashable]


class Followers:
    """The stacks that rest, by UID, each with what it has used and what is called once that is another. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, tuple[Uses, Callable[[], None]]] = {}

    def add(self, uid: str, uses: Uses, changed: Callable[[], None]) -> None:
        """Call `changed`, once, when something of `uses` is no longer as it is stamped."""
        with self._lock:
            self._all[uid] = uses, changed

    def drop(self, uid: str) -> None:
        """Tell a stack nothing any more."""
        with self._lock:
            self._all.pop(uid, None)

    def keep(self, uids: Collection[str]) -> None:
        """Tell only these stacks anything any more."""
        with self._lock:
            self._all = {uid: each for uid, each in self._all.items() if uid in uids}

    def tell(self, moved: Collection[str], stamp: Callable[[str, str], Hashable]) -> None:
        """Tell those that have used something else of the reads with the keys `moved` than what is there now."""
        with self._lock:
            following = list(self._all.items()) if moved else []
        for uid, (uses, changed) in following:
            if any(key in moved and stamp(key, owner) != known for (key, owner), known in uses.items()):
                self.drop(uid)
                changed()
