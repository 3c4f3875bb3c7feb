"""The demo's output: few, aligned words; colours only on a terminal that wants them."""

from __future__ import annotations

import os
import sys
import time


class Voice:
    """Prints steps with the time since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def seconds(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._began

    def step(self, what: str, detail: str = "") -> None:
        """Print what has just been done."""
        self.line(f"{self._paint('32', '✔')} {what:<24}{self._paint('2', detail)}")

    def note(self, text: str) -> None:
        """Print something that takes a while, or that a person should know."""
        self.line(f"{self._paint('33', '…')} {text}")

    def title(self, text: str) -> None:
        """Print the title of a section."""
        self.line(f"\n{self._paint('1', text)}")

    def line(self, text: str = "") -> None:
        """Print a line as it is."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text
