"""Lists that many stacks need are read by one of them: others would wait for them with the threads that it needs."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from missyou_operator.aws.informer.turns import Turns


def entered(turns: Turns, since: float, hurries: Callable[[], bool] = lambda: False) -> threading.Event:
    """Begin an observation in a thread, and return what is set once it is under way."""
    under_way = threading.Event()

    def observe() -> None:
        with turns.opening(since, since, hurries):
            under_way.set()

    threading.Thread(target=observe, daemon=True).start()
    return under_way


def never() -> bool:
    return False


def test_who_needs_the_same_lists_waits_for_the_first() -> None:
    turns, hurried = Turns(), threading.Event()
    with turns.opening(5.0, 6.0, never):
        others = [entered(turns, 5.0) for _ in range(3)]
        hastened = entered(turns, 5.0, hurried.is_set)
        # Who needs no new list, or hurries, does not.
        assert entered(turns, float("-inf")).wait(10.0)
        assert entered(turns, 5.0, lambda: True).wait(10.0)
        assert not any(each.is_set() for each in (*others, hastened))
        hurried.set()
        assert hastened.wait(10.0)
        assert not any(each.is_set() for each in others)
    assert all(each.wait(10.0) for each in others)
    assert turns.opened(6.0)
    # From then on they are side by side, until newer ones are needed.
    with turns.opening(6.0, 7.0, never):
        assert entered(turns, 6.0).wait(10.0)
    with turns.opening(8.0, 9.0, never):
        assert entered(turns, 6.0).wait(10.0)


def test_a_first_observation_that_fails_holds_nobody_up() -> None:
    turns = Turns()
    with pytest.raises(OSError, match="no way"), turns.opening(5.0, 6.0, never):
        raise OSError("no way")
    with turns.opening(5.0, 6.0, never):
        assert entered(turns, 5.0).wait(10.0)
