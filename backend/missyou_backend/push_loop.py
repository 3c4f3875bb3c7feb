"""An event loop on its own thread, for SDKs of which only the asynchronous half can be cancelled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
LoopFactory = Callable[[], asyncio.AbstractEventLoop]

# The loop enforces the deadline. This much later, the caller concludes that the loop is dead.
_GRACE_SECONDS = 1.0


class LoopThread:
    """Runs coroutines for any number of threads, and really ends each at its deadline.

    A blocking call can be abandoned but not ended: its thread lingers in a socket or in a `Retry-After` sleep, and
    Python joins it at exit. A cancelled task closes its connection and is gone.

    The thread is a daemon and starts with the first call: gunicorn forks its workers, and threads do not survive that.
    """

    def __init__(self, name: str, loop_factory: LoopFactory = asyncio.new_event_loop) -> None:
        self._name = name
        self._loop_factory = loop_factory
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], Coroutine[Any, Any, T]], seconds: float) -> T:
        """Run the coroutine that `work` returns, and return its result.

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
        """Stop the loop; running calls time out. Only tests need this: a process just exits."""
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
