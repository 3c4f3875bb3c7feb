"""Stacks that come and go together: each costs what one does, and AWS's limits of requests are never reached."""

from __future__ import annotations

import dataclasses

import pytest

from missyou_local.aws import Timing
from tests.sim.fleet import Fleet

STACKS = 8

pytestmark = pytest.mark.timeout(600)


def test_stacks_that_come_and_go_together_are_not_throttled_and_cost_what_one_does(aws):
    aws.tell(rates=True, timing=dict.fromkeys(dataclasses.asdict(aws.timing), 0.1))
    fleet = Fleet(aws, [f"one-of-{number}" for number in range(STACKS)], environment="Production")
    calls = fleet.apps[0].calls(fleet.grow)
    assert fleet.throttled() == []
    assert sum(calls.values()) <= 170 * STACKS, calls
    # Most were only made once others were: of 8 alarms each, three a second may be written.
    assert calls["cloudwatch:PutMetricAlarm"] == 8 * STACKS

    aws.timing.update(dataclasses.asdict(Timing.realistic()))
    calls = fleet.apps[0].calls(fleet.delete)
    assert fleet.throttled() == []
    assert sum(calls.values()) <= 300 * STACKS, calls
