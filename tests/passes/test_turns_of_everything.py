"""A start with many stacks: one that has everything waits for its turn, too, and is left alone until then."""

from __future__ import annotations

from functools import reduce

import pytest

from missyou_operator.aws.informer.turns import Turn, Turns
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
    """The stack after a start of the operator, its turns in two and in ten minutes."""
    monkeypatch.setattr(Turns, "give", lambda _self, now, _part: Turn(now + 120.0, now + 600.0))
    # As if the first stacks were observed: until one is, what lists do not show to be settled comes after the others.
    monkeypatch.setattr(Turns, "opened", lambda _self, _since: True)
    app.restart()
    return app


def test_it_is_left_alone_until_its_turn(waiting):
    app, before = waiting, waiting.body["status"]
    calls = [app.calls(app.one_pass)]
    assert app.memory.rest is not None
    for moment in (app.memory.turn.soon - 1.0, app.memory.turn.soon + 1.0, app.memory.turn.whole + 1.0):
        app.clock.now = moment
        calls.append(app.calls(app.one_pass))
    assert [changes(each) for each in calls] == [{}, {}, {}, {}]
    assert app.body["status"]["conditions"] == before["conditions"]
    assert app.memory.rest is None or app.memory.rest.until > app.memory.turn.whole
    lists, _, soon, whole = (each.keys() for each in calls)
    # Which of its target groups serves, only the service of a canary tells.
    shifts = app.body["spec"]["service"]["deployment"]["strategy"] == "Canary"
    assert {"ecs:DescribeServices", "elbv2:DescribeTargetHealth"} <= (lists if shifts else soon - lists)
    assert {"elbv2:DescribeLoadBalancerAttributes", "cloudwatch:ListTagsForResource"} <= whole - soon - lists


def test_a_broken_service_is_told_soon(waiting):
    app = waiting
    app.one_pass()
    app.client("ecs").update_service(cluster=f"{app.stack}-cluster", service=f"{app.stack}-service", desiredCount=0)
    app.clock.now = app.memory.turn.soon + 1.0
    app.one_pass()
    app.grow()
    assert any(entry["resource"].startswith("ecs.Service") for entry in app.body["status"]["drift"])
