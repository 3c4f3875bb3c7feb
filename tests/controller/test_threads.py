"""Threads: the most urgent work first, and room for it however much of the rest there is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import pytest

from missyou_operator.controller.threads import Haste, Threads, Urgency, haste

PATIENCE = 30.0


@contextmanager
def meant_as(level: Urgency) -> Iterator[None]:
    token = haste.set(Haste(level))
    try:
        yield
    finally:
        haste.reset(token)


class Work:
    """Pieces of work that run until they are told to end."""

    def __init__(self, threads: Threads) -> None:
        self._threads, self.begun, self._end = threads, list[str](), threading.Event()
        self._changed = threading.Condition()

    def give(self, name: str, level: Urgency) -> Future[str]:
        with meant_as(level):
            return self._threads.submit(self.run, name)

    def run(self, name: str) -> str:
        with self._changed:
            self.begun.append(name)
            self._changed.notify_all()
        assert self._end.wait(PATIENCE)
        return f"{name}: {haste.get().urgency.name}"

    def until_begun(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.begun) >= number, PATIENCE), self.begun

    def end(self) -> None:
        self._end.set()


def test_a_change_is_begun_at_once_however_much_background_work_waits() -> None:
    with Threads(4, "test", {Urgency.CREATION: 3, Urgency.BACKGROUND: 2}) as threads:
        work = Work(threads)
        looks = [work.give(f"look {n}", Urgency.BACKGROUND) for n in range(50)]
        work.until_begun(2)
        new = [work.give(f"new {n}", Urgency.CREATION) for n in range(50)]
        work.until_begun(3)
        change = work.give("change", Urgency.CHANGE)
        work.until_begun(4)
        # Two looks, one more that is no more urgent than a creation, and the thread that is kept for a change.
        assert sorted(work.begun) == ["change", "look 0", "look 1", "new 0"]
        work.end()
        assert change.result(PATIENCE) == "change: CHANGE"
        assert all(each.result(PATIENCE) for each in (*looks, *new))


def test_what_waits_is_begun_in_order_of_urgency_and_then_of_arrival() -> None:
    with Threads(1, "test") as threads:
        work = Work(threads)
        work.give("first", Urgency.BACKGROUND)
        work.until_begun(1)
        done = [
            work.give(name, level)
            for name, level in (
                ("look 1", Urgency.BACKGROUND),
                ("new 1", Urgency.CREATION),
                ("look 2", Urgency.BACKGROUND),
                ("change", Urgency.CHANGE),
                ("new 2", Urgency.CREATION),
            )
        ]
        work.end()
        for each in done:
            each.result(PATIENCE)
        assert work.begun == ["first", "change", "new 1", "new 2", "look 1", "look 2"]


def test_what_is_under_way_and_has_become_urgent_goes_on_before_the_rest() -> None:
    """A look at a stack that somebody changes meanwhile: the change waits for it."""
    with Threads(1, "test") as threads:
        work = Work(threads)
        work.give("first", Urgency.BACKGROUND)
        work.until_begun(1)
        done = [work.give(f"look {n}", Urgency.BACKGROUND) for n in range(3)]
        own = Haste(Urgency.BACKGROUND)
        token = haste.set(own)
        done += [threads.submit(work.run, f"own {n}") for n in range(2)]
        haste.reset(token)
        own.urgency = Urgency.CHANGE
        threads.hasten(own)
        work.end()
        for each in done:
            each.result(PATIENCE)
        assert work.begun == ["first", "own 0", "own 1", "look 0", "look 1", "look 2"]


def test_a_failure_is_for_whoever_waits_and_ends_no_thread() -> None:
    with Threads(1, "test") as threads:
        with pytest.raises(ZeroDivisionError):
            threads.submit(lambda: 1 / 0).result(PATIENCE)
        assert threads.submit(lambda: 1).result(PATIENCE) == 1


def test_what_has_not_begun_may_be_cancelled_at_the_end() -> None:
    threads = Threads(1, "test")
    work = Work(threads)
    first = work.give("first", Urgency.BACKGROUND)
    work.until_begun(1)
    second = work.give("second", Urgency.BACKGROUND)
    threads.shutdown(wait=False, cancel_futures=True)
    work.end()
    assert first.result(PATIENCE)
    assert second.cancelled()
    threads.shutdown()
    with pytest.raises(RuntimeError):
        threads.submit(lambda: None)
