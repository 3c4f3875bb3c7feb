"""Threads that do the most urgent work first, and leave some of themselves, and of the CPU, for it.

Python runs one thread at a time. Dozens of them that have something to compute keep each other, and the event loop,
waiting: a change of a spec then waits at every step. So background work has few threads, however much of it there is.
"""

from __future__ import annotations

import contextvars
import heapq
import itertools
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Urgency(IntEnum):
    """How urgent work is, the most urgent first."""

    #: A person waits for it: a change of a spec, a deletion, `missyou.app/reconcile`.
    CHANGE = 0
    #: A new app. A thousand of them at once keep no change of another app waiting.
    CREATION = 1
    #: Everything that nobody has asked for.
    BACKGROUND = 2


@dataclass(slots=True, eq=False)
class Haste:
    """How urgent something is that is under way. It may become more urgent meanwhile: see `Threads.hasten`."""

    urgency: Urgency = Urgency.BACKGROUND


#: How urgent that is for which a task works, and the threads that work for it.
haste: ContextVar[Haste] = ContextVar("haste", default=Haste())  # noqa: B039 - nobody changes this one


def hurries() -> bool:
    """Return whether a person waits for what this thread works for, by now."""
    return haste.get().urgency is Urgency.CHANGE


@dataclass(order=True, slots=True)
class _Work:
    """Something to do: in order of urgency, and then of arrival."""

    urgency: Urgency
    number: int
    haste: Haste = field(compare=False)
    future: Future[Any] = field(compare=False)
    run: Callable[[], Any] = field(compare=False)


class Threads(Executor):
    """Threads that work in the context of whoever gives them something to do, the most urgent first.

    `limits`: how many threads may be busy at a time with what is that urgent, or less; `width` where nothing is said.
    """

    def __init__(self, width: int, name: str = "", limits: Mapping[Urgency, int] | None = None) -> None:
        self._width, self._name, self._limits = width, name, dict(limits or {})
        self._queue: list[_Work] = []
        self._numbers = itertools.count()
        self._busy = dict.fromkeys(Urgency, 0)
        self._threads: list[threading.Thread] = []
        self._idle, self._closed = 0, False
        self._changed = threading.Condition()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function in a copy of the caller's context. Error: RuntimeError after `shutdown`."""
        future: Future[T] = Future()
        work = partial(contextvars.copy_context().run, fn, *args, **kwargs)
        with self._changed:
            if self._closed:
                raise RuntimeError("these threads have ended")
            now = haste.get()
            heapq.heappush(self._queue, _Work(now.urgency, next(self._numbers), now, future, work))
            self._changed.notify()
            # One that was notified a moment ago still counts as idle.
            if len(self._queue) > self._idle and len(self._threads) < self._width:
                name = f"{self._name}-{len(self._threads)}"
                self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
                self._threads[-1].start()
        return future

    def hasten(self, what: Haste) -> None:
        """Take what is waiting as being as urgent as it is by now."""
        with self._changed:
            for work in self._queue:
                if work.haste is what:
                    work.urgency = what.urgency
            heapq.heapify(self._queue)
            self._changed.notify_all()

    def first(self, running: Collection[Future[T]]) -> Collection[Future[T]]:
        """Wait until one has ended, and return those that have."""
        return wait(running, return_when=FIRST_COMPLETED).done

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work; wait until what there is has been done, or is cancelled if it has not begun."""
        with self._changed:
            self._closed = True
            if cancel_futures:
                for each in self._queue:
                    each.future.cancel()
                self._queue.clear()
            self._changed.notify_all()
        if wait:
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._may_begin():
                    if self._closed and not self._queue:
                        return
                    self._idle += 1
                    self._changed.wait()
                    self._idle -= 1
                work = heapq.heappop(self._queue)
                self._busy[urgent := work.urgency] += 1
            if work.future.set_running_or_notify_cancel():
                try:
                    work.future.set_result(work.run())
                except BaseException as error:
                    work.future.set_exception(error)
            # Nothing of it may be kept while this thread waits.
            del work
            with self._changed:
                self._busy[urgent] -= 1
                self._changed.notify()

    def _may_begin(self) -> bool:
        """Return whether the most urgent work may be begun now: enough threads are left for what is more urgent."""
        if not self._queue:
            return False
        urgent = self._queue[0].urgency
        busy = 0
        for level in sorted(Urgency, reverse=True):
            busy += self._busy[level]
            if level <= urgent and busy >= self._limits.get(level, self._width):
                return False
        return True
