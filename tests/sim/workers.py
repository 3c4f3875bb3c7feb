"""Workers that are the calling thread: one thing after the other, in an order drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from concurrent.futures import Future
from functools import partial
from typing import Any


class Seeded:
    """Nothing starts before somebody waits; then the seed draws which of the things that could run does."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._left: dict[Future[Any], Callable[[], Any]] = {}

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._left[future] = partial(fn, *args, **kwargs)
        return future

    def first(self, running: Collection[Future[Any]]) -> Collection[Future[Any]]:
        future = self._random.choice([each for each in running if each in self._left])
        work = self._left.pop(future)
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)
        return [future]
