"""Shows that a long step is still going on, for how long, and how far it is."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

#: Seconds between two signs of life: of a line that moves, and of lines that stay.
_MOVING, _STAYING = 1.0, 15.0


class Progress:
    """A step under way, as a context manager. `detail` is shown beside the time; set it whenever there is news.

    On a terminal one line moves, and is gone afterwards; elsewhere `say` gets a line now and then.
    """

    def __init__(self, what: str, say: Callable[[str], None], every: float | None = None) -> None:
        self.detail = ""
        self._what, self._say = what, say
        self._moving = sys.stdout.isatty()
        self._every = every or (_MOVING if self._moving else _STAYING)
        self._began = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def __enter__(self) -> Progress:
        """Start showing the step."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop showing the step."""
        self._ended.set()
        self._thread.join()
        if self._moving:
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            line = f"{self._what}: {duration(time.monotonic() - self._began)}"
            line += f", {self.detail}" if self.detail else ""
            if self._moving:
                sys.stdout.write(f"\r\x1b[K… {line}")
                sys.stdout.flush()
            else:
                self._say(line)


def duration(seconds: float) -> str:
    """Return a time as people say it: `45 s`, `3 min 20 s`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
