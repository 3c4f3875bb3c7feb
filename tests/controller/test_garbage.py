"""What survives a search for garbage is left out of the next ones, but for a thorough one now and then."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from missyou_operator.controller.garbage import Searches


class Thing:
    """One of two that keep each other."""

    other: Thing


@pytest.fixture
def clock() -> Iterator[list[float]]:
    """The seconds that searches go by, with everything as before afterwards."""
    now = [0.0]
    searches = Searches(lambda: now[0])
    gc.callbacks.append(searches)
    yield now
    gc.callbacks.remove(searches)
    gc.unfreeze()


def test_what_survived_is_searched_again_a_quarter_of_an_hour_later(clock: list[float]) -> None:
    one, two = Thing(), Thing()
    one.other, two.other = two, one
    gone = weakref.ref(one)
    gc.collect()
    del one, two
    gc.collect()
    assert gone() is not None
    clock[0] = 901.0
    gc.collect()
    assert gone() is None


def test_what_is_new_is_searched_at_once(clock: list[float]) -> None:
    gc.collect()
    one = Thing()
    one.other = one
    gone = weakref.ref(one)
    del one
    gc.collect()
    assert gone() is None
