"""Stacks that rest share what is read of AWS: who reads that another's part has changed, wakes the other."""

from __future__ import annotations

import pytest

from tests.sim.app import changes
from tests.sim.fleet import Fleet


@pytest.fixture(scope="module")
def pair(aws):
    fleet = Fleet(aws, ["one", "two"], environment="Production")
    fleet.grow()
    for _ in range(4):
        fleet.clock.now += 45.0
        for app in fleet.apps:
            app.one_pass()
    assert all(app.memory.rest for app in fleet.apps)
    return fleet.apps


@pytest.fixture
def stirred(pair):
    """The apps that were woken, by name."""
    names = []
    for app in pair:
        app.memory.stir = lambda app=app: names.append(app.name)
        # It has no ear yet that hears for the last rest.
        app.memory.rest = None
        app.one_pass()
        assert app.memory.rest, app.body["status"]["conditions"]
    return names


def forgetful(app):
    """Have somebody else change something that a list shows."""
    name = next(row["name"] for row in app.body["status"]["resources"] if row["type"] == "logs.LogGroup")
    app.client("logs").put_retention_policy(logGroupName=name, retentionInDays=3)


MENDED = {"logs:PutRetentionPolicy": 1}


def test_who_reads_a_list_wakes_those_whose_part_has_changed(pair, stirred):
    one, two = pair
    forgetful(two)
    # Its own look would be due later.
    one.clock.now += 40.0
    one.memory.full_at = float("-inf")
    one.one_pass()
    assert stirred == ["two"]
    two.memory.full_at = float("-inf")
    assert changes(two.calls(two.one_pass)) == MENDED


def test_a_look_does_not_wake_itself(pair, stirred):
    one = pair[0]
    forgetful(one)
    one.clock.now += 45.0
    assert changes(one.calls(one.one_pass)) == MENDED
    assert stirred == []


def test_nobody_wakes_who_works(pair, stirred):
    one, two = pair
    forgetful(two)
    two.edit(monitoring={"logRetentionDays": 14})
    two.one_pass()
    assert two.memory.rest is None
    one.clock.now += 45.0
    one.one_pass()
    assert stirred == []
