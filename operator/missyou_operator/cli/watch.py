"""Follows one MissYouApp until it is Ready: redrawn in place on a terminal, one line per change elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TextIO

from missyou_operator.cli.cluster import App, Cluster, Unreachable
from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.cli.progress import Row, View, view
from missyou_operator.cli.render import Style, changed_lines, live_lines

#: Seconds between two frames of the live view, and between two tries to reach a lost API server.
_FRAME, _RETRY = 0.2, 1.0

News = App | None | Exception


def watch(cluster: Cluster, namespace: str, name: str, timeout: float, screen: Screen) -> None:
    """Return when the app is Ready for its current generation.

    Raises Failure when it is stalled, deleted, or not ready after `timeout` seconds.
    """
    cluster.get(namespace, name)
    stop, news = threading.Event(), SimpleQueue[News]()
    follower = threading.Thread(target=_follow, args=(cluster, namespace, name, stop, news), daemon=True)
    follower.start()
    try:
        _until_ready(news, f"{name} in {namespace}", timeout, screen)
    finally:
        # The thread may be blocked in a read for up to a minute; it is a daemon, so that nobody waits for it.
        stop.set()


def _until_ready(news: SimpleQueue[News], title: str, timeout: float, screen: Screen) -> None:
    started = time.monotonic()
    current: View | None = None
    trouble = ""
    while True:
        elapsed = time.monotonic() - started
        if elapsed > timeout:
            waits_for = current.waits_for if current else "the first answer of the API server"
            raise Failure(Exit.TIMEOUT, f"not ready after {timeout:g} s: {waits_for}{trouble}")
        try:
            item = news.get(timeout=min(_FRAME, timeout - elapsed + 0.001))
        except Empty:
            screen.tick(time.monotonic() - started)
            continue
        elapsed = time.monotonic() - started
        if isinstance(item, Unreachable):
            trouble = f" (and the API server cannot be reached: {item})"
            continue
        if isinstance(item, Exception):
            raise item
        if item is None:
            raise Failure(Exit.NOT_FOUND, f"{title}: the MissYouApp has been deleted")
        trouble, current = "", view(item)
        screen.show(f"{title} · generation {item['metadata'].get('generation')}", current.rows, elapsed)
        if current.verdict is not None:
            code, sentence = current.verdict
            if code is Exit.STALLED:
                raise Failure(code, sentence)
            screen.write_line(f"{sentence} (after {elapsed:.1f} s)")
            return


def _follow(cluster: Cluster, namespace: str, name: str, stop: threading.Event, news: SimpleQueue[News]) -> None:
    """Put every state of the app, and every loss of the connection, into the queue until `stop` is set."""
    while not stop.is_set():
        try:
            for app in cluster.follow(namespace, name):
                news.put(app)
            # Pause, or a server that ends every watch at once would be flooded with requests.
            stop.wait(_FRAME)
        except Unreachable as error:
            news.put(error)
            stop.wait(_RETRY)
        except Exception as error:  # raised again by the thread that reads the queue
            news.put(error)
            return


@dataclass(slots=True)
class Screen:
    """The output of progress. `live` redraws in place; `width` returns the present columns of the terminal."""

    out: TextIO
    live: bool
    colour: bool
    width: Callable[[], int]
    _title: str = ""
    _rows: tuple[Row, ...] = ()
    _since: dict[str, float] = field(default_factory=dict)
    _drawn: int = 0

    def show(self, title: str, rows: tuple[Row, ...], elapsed: float) -> None:
        """Show a new state, `elapsed` seconds after the start."""
        before = {row.name: (row.mark, row.reason) for row in self._rows}
        for row in rows:
            if before.get(row.name) != (row.mark, row.reason):
                self._since[row.name] = elapsed
        if not self.live:
            for line in changed_lines(self._rows, rows, elapsed):
                self.write_line(line)
        self._title, self._rows = title, rows
        self.tick(elapsed)

    def tick(self, elapsed: float) -> None:
        """Redraw the live view with the time moved on; do nothing without one."""
        if not self.live:
            return
        times = {
            row.name: elapsed if row.mark == "working" else self._since[row.name]
            for row in self._rows
            if row.mark != "absent"
        }
        lines = live_lines(f"{self._title} · {elapsed:.1f}s", self._rows, times, Style(self.colour, self.width()))
        up = f"\x1b[{self._drawn}F" if self._drawn else ""
        self.out.write(up + "".join(f"\x1b[2K{line}\n" for line in lines))
        self.out.flush()
        self._drawn = len(lines)

    def write_line(self, line: str) -> None:
        """Write a line that later frames do not overwrite."""
        self.out.write(line + "\n")
        self.out.flush()
        self._drawn = 0
