"""One event loop on a thread of its own, for SDKs whose asynchronous half is the one that can be cancelled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
LoopFactory = Callable[[], asyncio.AbstractEventLoop]

# The loop itself enforces the deadline; this much later the caller stops believing that the loop is alive.
_GRACE_SECONDS = 1.0


class LoopThread:
    """Runs coroutines for any number of threads, each within a deadline that really ends it.

    A blocking call can be abandoned but not ended: its thread lingers in a socket or in a `Retry-After` sleep, and
    Python joins it at exit. A cancelled task closes its connection and is gone.

    The thread starts with the first call and is a daemon: gunicorn forks its workers before it serves, and a thread
    that exists before a fork does not exist after it.
    """

    def __init__(self, name: str, loop_factory: LoopFactory = asyncio.new_event_loop) -> None:
        self._name = name
        self._loop_factory = loop_factory
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], Coroutine[Any, Any, T]], seconds: float) -> T:
        """Run the coroutine that `work` makes and return its result.

        Raises TimeoutError after `seconds`, and whatever the coroutine raises.
        """

        async def within_deadline() -> T:
            async with asyncio.timeout(seconds):
                return await work()

        future = asyncio.run_coroutine_threadsafe(within_deadline(), self._running())
        try:
            return future.result(seconds + _GRACE_SECONDS)
        finally:
            future.cancel()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = self._loop_factory()
                self._thread = threading.Thread(target=_serve, args=(self._loop,), name=self._name, daemon=True)
                self._thread.start()
            return self._loop

    def close(self) -> None:
        """Stop the loop; calls under way time out. Only tests need it: a process just exits."""
        with self._lock:
            if self._loop is not None and self._thread is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
                self._loop = self._thread = None


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
        loop.run_until_complete(_cancel_all())
    finally:
        loop.close()


async def _cancel_all() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
