"""The one scheduler: run what can run, and what comes after it as soon as that is possible.

Observing, creating and deleting are all this: nodes, what each needs first, and work that is done on workers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Hashable, Mapping
from concurrent.futures import Future
from graphlib import CycleError, TopologicalSorter
from typing import Protocol, TypeVar

N = TypeVar("N", bound=Hashable)
T = TypeVar("T")


class Workers(Protocol):
    """Runs calls to the cloud side by side."""

    def submit(self, fn: Callable[[], T], /) -> Future[T]:
        """Start a call."""

    def first(self, running: Collection[Future[T]]) -> Collection[Future[T]]:
        """Return the calls that have ended, at least one; wait for it if need be."""


class Inline:
    """The calling thread: for work that hardly ever waits for the cloud, and is not worth handing over."""

    def submit(self, fn: Callable[[], T], /) -> Future[T]:
        """Do it now."""
        future: Future[T] = Future()
        try:
            future.set_result(fn())
        except Exception as error:
            future.set_exception(error)
        return future

    def first(self, running: Collection[Future[T]]) -> Collection[Future[T]]:
        """Return all calls: they have ended."""
        return [*running]


def run(
    needs: Mapping[N, Collection[N]],
    workers: Workers,
    start: Callable[[N], Callable[[], T] | bool],
    settle: Callable[[N, T], bool],
) -> None:
    """Run every node whose needs are done, until no node can run.

    `start` returns the work of a node, or, where there is none, whether the node is done. `settle` takes the result
    of a node's work and returns whether the node is done. Nodes that need one that is not done are never started, and
    neither are nodes that need each other. `start` and `settle` run on the calling thread, so they need no locks.
    """
    sorter: TopologicalSorter[N] = TopologicalSorter(needs)
    with contextlib.suppress(CycleError):
        sorter.prepare()
    running: dict[Future[T], N] = {}
    while True:
        while ready := sorter.get_ready():
            for node in ready:
                work = start(node)
                if callable(work):
                    running[workers.submit(work)] = node
                elif work:
                    sorter.done(node)
        if not running:
            return
        for future in workers.first(running):
            node = running.pop(future)
            if settle(node, future.result()):
                sorter.done(node)
