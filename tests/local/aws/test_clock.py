"""The clock that everything in the test AWS goes by: faster, or stepped."""

from __future__ import annotations

from itertools import pairwise

import pytest

from missyou_local.aws import Timing, serve
from missyou_local.aws.clock import Clock
from tests.local.aws import building
from tests.local.aws.conftest import Aws


class Real:
    """Real seconds that the test chooses."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_it_goes_as_fast_as_told_and_never_back() -> None:
    real = Real()
    clock = Clock(speed=100, real=real)
    seen = [clock()]
    real.now += 1
    seen.append(clock())
    clock.run(0)
    real.now += 1
    seen.append(clock())
    clock.advance(60)
    clock.run(1)
    real.now += 1
    seen.append(clock())
    assert [after - before for before, after in pairwise(seen)] == [100, 0, 61]


@pytest.mark.parametrize("value", [-1, "fast", True, None])
def test_it_refuses_nonsense(value: object) -> None:
    clock = Clock()
    for turn in (clock.advance, clock.run):
        with pytest.raises(ValueError, match="must be a number >= 0"):
            turn(value)


def test_a_database_takes_minutes_that_are_stepped_through_the_control_endpoint(name: str) -> None:
    server = serve(timing=Timing.realistic())
    try:
        aws = Aws(server, server.control.clock)
        aws.control(body={"clock": {"speed": 0}})
        building.database(aws, name, MultiAZ=True)

        def status() -> str:
            return str(aws.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceStatus"])

        assert status() == "creating"
        aws.control(body={"clock": {"advance": 719}})
        assert status() != "available"
        aws.control(body={"clock": {"advance": 1}})
        assert status() == "available"
    finally:
        server.close()


def test_realistic_timing_leaves_nothing_at_nought() -> None:
    timing = Timing.realistic()
    assert all(getattr(timing, name) > 0 for name in Timing.__dataclass_fields__)
