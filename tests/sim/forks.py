"""Snapshots: a fork of this process is a copy of everything, and what happens in it stays in it.

It needs a process without threads, which the harness is.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import pytest

_SKIPPED = "skipped: "


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a fork: its result, or how it failed, as text."""

    name: str
    result: Any = None
    failure: str | None = None

    def value(self) -> Any:
        """Return the result. What it failed with fails here."""
        if self.failure is not None:
            if self.failure.startswith(_SKIPPED):
                pytest.skip(self.failure.removeprefix(_SKIPPED))
            pytest.fail(self.failure, pytrace=False)
        return self.result


class _Child:
    """A fork that runs."""

    def __init__(self, name: str, pid: int, pipe: int) -> None:
        self.name, self.pid, self._pipe = name, pid, pipe

    def wait(self) -> Ended:
        """Wait for its end."""
        with os.fdopen(self._pipe, "rb") as pipe:
            said = pipe.read()
        _, status = os.waitpid(self.pid, 0)
        if not said:
            return Ended(self.name, failure=f"ended without a word: {os.waitstatus_to_exitcode(status)}")
        result, failure = pickle.loads(said)
        return Ended(self.name, result, failure)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.close(self._pipe)
        os.waitpid(self.pid, 0)


class Forks:
    """Forks that run beside each other, `most` at a time."""

    def __init__(self, most: int = 2) -> None:
        self._most = most
        self._running: list[_Child] = []
        self._ended: list[Ended] = []
        self._answer: int | None = None

    def split(self, name: str) -> bool:
        """Fork here, and tell whether this is the fork. A fork ends by `leave`."""
        while len(self._running) >= self._most:
            self._ended.append(self._running.pop(0).wait())
        ours, theirs = os.pipe()
        # What is there already is nothing that a fork's collector should walk through, and so copy.
        gc.freeze()
        sys.stdout.flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # libraries' idle threads, which nothing here waits for
            pid = os.fork()
        if pid:
            os.close(theirs)
            self._running.append(_Child(name, pid, ours))
            return False
        os.close(ours)
        self._running, self._ended, self._answer = [], [], theirs
        return True

    def leave(self, work: Callable[[], Any]) -> NoReturn:
        """In a fork: do the rest of its work, tell the result, and end."""
        assert self._answer is not None
        try:
            said = (work(), None)
        except BaseException as error:
            said = (None, _rendered(error))
        try:
            with os.fdopen(self._answer, "wb") as pipe:
                pickle.dump(said, pipe)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(0)

    def ended(self) -> list[Ended]:
        """Wait for all, and return what became of them, in the order of their beginning."""
        while self._running:
            self._ended.append(self._running.pop(0).wait())
        return self._ended

    def stop(self) -> None:
        """Kill those that run."""
        while self._running:
            self._running.pop().kill()


def _rendered(error: BaseException) -> str:
    if isinstance(error, pytest.skip.Exception):
        return f"{_SKIPPED}{error}"
    try:
        return str(pytest.ExceptionInfo.from_exception(error).getrepr(style="short"))
    except Exception:
        return "".join(traceback.format_exception(error))


def each(cases: dict[str, Callable[[], Any]], most: int = 2) -> Iterator[Ended]:
    """Run each piece of work in a fork that begins here; give what became of them."""
    forks = Forks(most)
    try:
        for name, work in cases.items():
            if forks.split(name):
                forks.leave(work)
        yield from forks.ended()
    finally:
        forks.stop()


def apart(work: Callable[[], Any]) -> Any:
    """Do some work in a fork, and return its result. What it fails with fails here."""
    [ended] = each({"": work})
    return ended.value()
