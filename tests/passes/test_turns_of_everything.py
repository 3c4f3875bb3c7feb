"""A start with many stacks: one that has everything waits for its turn, too, and is left alone until then."""

from __future__ import annotations

from functools import reduce

import pytest

from missyou_operator.aws.informer import Inventory
from tests.crash.switches import SWITCHES
from tests.sim.app import changes
from tests.sim.production import production

#: All that can be switched on, beside the name of a production stack.
EVERYTHING = [on for name, (on, _) in SWITCHES.items() if name != "dashboard"]


@pytest.fixture(scope="module", params=["Rolling", "Canary"])
def app(request, aws):
    app = production(aws)
    parts = [*EVERYTHING, {"service": {"deployment": {"strategy": request.param}}}]
    reduce(lambda _, part: app.edit(**part), parts, None)
    app.settle()
    return app


@pytest.fixture
def waiting(app, monkeypatch):
    """The stack after a start of the operator, its turn in ten minutes."""
    monkeypatch.setattr(Inventory, "turn", lambda self: self._clock() + 600.0)
    app.restart()
    return app


def test_it_is_left_alone_until_its_turn(waiting):
    app, before = waiting, waiting.body["status"]
    first = app.calls(app.one_pass)
    assert changes(first) == {}
    assert app.memory.rest is not None
    assert app.memory.rest.until == app.memory.turn
    assert app.body["status"] == before
    app.wait()
    second = app.calls(app.one_pass)
    assert changes(second) == {}
    app.clock.now = app.memory.turn + 1.0
    third = app.calls(app.one_pass)
    assert changes(third) == {}
    assert app.memory.rest is None or app.memory.rest.until > app.memory.turn
    later = third.keys() - first.keys()
    assert {"elbv2:DescribeLoadBalancerAttributes", "cloudwatch:ListTagsForResource"} <= later
    assert app.body["status"]["conditions"] == before["conditions"]


def test_a_broken_service_is_told_before_its_turn(waiting):
    app = waiting
    app.one_pass()
    app.client("ecs").update_service(cluster=f"{app.stack}-cluster", service=f"{app.stack}-service", desiredCount=0)
    app.clock.now += 91.0
    app.one_pass()
    app.grow()
    assert any(entry["resource"].startswith("ecs.Service") for entry in app.body["status"]["drift"])
