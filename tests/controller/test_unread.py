"""How long the last good reading, or the status of an operator before, speaks for what could not be read."""

from __future__ import annotations

import pytest

from missyou_operator.aws.clock import seconds
from missyou_operator.controller import unread
from missyou_operator.controller.memory import Memory
from missyou_operator.engine.resource import failed, pending

THROTTLED = failed("Throttled", "AWS throttles", stalled=False)
PUT_OFF = pending("RateLimited", "waits for its turn")
READY = {
    "metadata": {"generation": 3},
    "status": {"observedGeneration": 3, "conditions": [{"type": "Ready", "reason": "Ready"}]},
}


def memory(began: float, **read_at: float) -> Memory:
    return Memory(began=began, read_at=read_at)


@pytest.mark.parametrize(
    ("health", "age", "known"), [(THROTTLED, 179, True), (THROTTLED, 181, False), (PUT_OFF, 1800, True)]
)
def test_a_read_that_failed_leaves_the_last_one_for_minutes_and_one_that_waits_for_its_turn_for_good(
    health, age, known
):
    now = seconds()
    judged = unread.judge({"rds": health}, memory(now - 5000, rds=now - age), now)
    assert bool(judged.recent) is known
    assert bool(judged.outdated) is not known


@pytest.mark.parametrize(
    ("others", "age", "unsaid"), [({}, 1800, True), ({"ecs": THROTTLED}, 1800, False), ({"ecs": THROTTLED}, 60, True)]
)
def test_after_a_start_the_status_stands_while_reads_wait_for_their_turn(others, age, unsaid):
    now = seconds()
    started = memory(now - age)
    judged = unread.judge({"rds": PUT_OFF, **others}, started, now)
    assert unread.is_unsaid(judged, READY, started, now) is unsaid
