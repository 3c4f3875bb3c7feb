"""What an app does with events: it reads at once, once more where AWS may lag, and not more often than it should."""

from __future__ import annotations

import asyncio

import pytest

from missyou_operator.controller.hearing import Hearing
from missyou_operator.controller.memory import Memory


@pytest.fixture
def turned(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, object]]:
    """The timers that were set on the event loop: seconds, and what they call."""
    timers: list[tuple[float, object]] = []

    class Loop:
        def call_later(self, delay: float, work: object) -> object:
            timers.append((delay, work))
            return work

    monkeypatch.setattr(asyncio, "get_running_loop", Loop)
    return timers


def test_what_aws_may_not_show_yet_is_read_once_more(turned) -> None:
    memory, woken = Memory(), []
    hearing = Hearing(memory, lambda: woken.append(1))
    hearing.hear({"ec2.Vpc"}, (), 12.0)
    hearing.hear({"ecs.Service"}, (), 8.0)
    assert len(woken) == 2
    memory.touched = {}
    [(delay, again)] = turned
    again()
    assert delay == 12.0
    assert set(memory.touched) == {"ec2.Vpc", "ecs.Service"}
    assert len(woken) == 3


def test_a_flood_of_events_causes_few_passes_and_none_of_it_is_lost(turned) -> None:
    memory, woken = Memory(), []
    hearing = Hearing(memory, lambda: woken.append(1))
    for number in range(1000):
        hearing.hear({f"ec2.T{number}"}, (), None)
    assert len(woken) == 10
    assert len(memory.touched) == 1000
    [(delay, late)] = turned
    assert 0.0 < delay <= 5.0
    late()
    assert len(woken) == 11
