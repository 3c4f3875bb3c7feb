"""The first observation of a region is one stack's: others would wait for its lists with the threads that it needs."""

from __future__ import annotations

import threading

import pytest

from missyou_operator.aws.informer.turns import Turns


def entered(turns: Turns, *, waits: bool) -> threading.Event:
    """Begin an observation in a thread, and return what is set once it is under way."""
    under_way = threading.Event()

    def observe() -> None:
        with turns.opening(waits=waits):
            under_way.set()

    threading.Thread(target=observe, daemon=True).start()
    return under_way


def test_others_wait_for_the_first_and_a_change_does_not() -> None:
    turns = Turns()
    with turns.opening(waits=True):
        others = [entered(turns, waits=True) for _ in range(3)]
        assert entered(turns, waits=False).wait(10.0)
        assert not any(each.is_set() for each in others)
    assert all(each.wait(10.0) for each in others)
    # From then on, they are side by side.
    with turns.opening(waits=True):
        assert entered(turns, waits=True).wait(10.0)


def test_a_first_observation_that_fails_holds_nobody_up() -> None:
    turns = Turns()
    with pytest.raises(OSError, match="no way"), turns.opening(waits=True):
        raise OSError("no way")
    with turns.opening(waits=True):
        assert entered(turns, waits=True).wait(10.0)
