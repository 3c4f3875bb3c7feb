"""Zones that lack a service of the stack: others are taken, or the spec is refused, before anything is made."""

from __future__ import annotations

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from tests.sim.app import App, changes


@pytest.fixture(autouse=True)
def _first_zone_is_unsuitable(monkeypatch):
    """The IDs of an account's zones: its `us-east-1a` has no load balancers, and `us-east-1b` no new hardware."""
    ids = {"us-east-1a": "apne1-az3", "us-east-1b": "use1-az3"}
    for zone in RegionsAndZonesBackend.zones["us-east-1"]:
        monkeypatch.setattr(zone, "zone_id", ids.get(zone.name, zone.zone_id))


def zones(app: App) -> set[str]:
    assert DEFAULT_ACCOUNT_ID
    return {row["AvailabilityZone"] for row in app.client("ec2").describe_subnets()["Subnets"] if row.get("Tags")}


def test_other_zones_are_taken(aws):
    app = App(aws, "zoned", environment="Development")
    app.settle()
    assert zones(app) == {"us-east-1c", "us-east-1d"}


def test_an_unsuitable_zone_of_the_spec_is_refused_before_anything_is_made(aws):
    app = App(aws, "given", environment="Development", network={"availabilityZones": ["us-east-1a", "us-east-1c"]})
    calls = app.calls(lambda: app.passes(3))
    assert changes(calls) == {}
    message = app.condition("Stalled")["message"]
    assert app.reason("Stalled") == "InvalidSpec"
    assert "spec.network.availabilityZones: us-east-1a (apne1-az3)" in message
    assert "us-east-1c" in message


def test_a_zone_that_is_not_there_is_refused_before_anything_is_made(aws):
    app = App(aws, "absent", environment="Development", network={"availabilityZones": ["us-east-1c", "us-east-1x"]})
    calls = app.calls(lambda: app.passes(3))
    assert changes(calls) == {}
    assert "us-east-1x is not an available availability zone" in app.condition("Stalled")["message"]
