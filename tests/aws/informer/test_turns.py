"""The turns of stacks that are new to a process."""

from __future__ import annotations

import pytest

from missyou_operator.aws.informer.turns import AT_ONCE, Turn, Turns


def test_turns_are_apart_but_for_the_first() -> None:
    turns, now = Turns(), 1000.0
    assert {turns.give(now) for _ in range(5)} == {Turn(now, now)}
    twice = [turns.give(now), turns.give(now)]
    assert [each.soon - now for each in twice] == pytest.approx([0.12, 0.24])
    assert [each.whole - now for each in twice] == pytest.approx([1.8, 3.6])
    now += 1.0
    later = turns.give(now)
    assert [later.soon - now, later.whole - now] == pytest.approx([0.12, 4.4])
    # One of three operators has a third of AWS's limits.
    third = turns.give(now, 1 / 3)
    assert [third.soon - later.soon, third.whole - later.whole] == pytest.approx([0.36, 5.4])


def test_a_turn_that_is_advanced_is_now() -> None:
    turn = Turn(soon=1001.0, whole=1002.0)
    assert [turn.next(1000.0), turn.next(1001.0)] == [1001.0, 1002.0]
    sooner = turn.advanced(1000.0)
    assert [sooner, sooner.advanced(1000.5)] == [Turn(1000.0, 1002.0), AT_ONCE]
