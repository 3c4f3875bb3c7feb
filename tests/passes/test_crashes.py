"""The operator may end at any moment: between any two calls to AWS, and nothing is made twice or lost."""

from __future__ import annotations

import pytest

from missyou_operator.aws.clock import utc_now
from tests.sim.app import App, changes
from tests.sim.process import Killed, When


def test_just_after_a_start_nothing_is_made_that_could_be_there_already(aws):
    app = App(aws, "settling", environment="Development")
    app.body["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    app.restart(ago=1.0)
    calls = changes(app.calls(app.one_pass))
    assert {"ec2:CreateVpc", "ec2:AllocateAddress", "ec2:CreateInternetGateway"}.isdisjoint(calls)
    assert app.reason("NetworkReady") == "Settling"
    app.restart(ago=11.0)
    app.grow()


def test_a_new_app_does_not_wait_after_a_start(aws):
    aws.clock.now = int(aws.clock.now) + 1.9
    app = App(aws, "newborn", environment="Development")
    app.restart(ago=0.0)
    # As Kubernetes writes it: the fraction of the second is cut off, so that it seems older than it is.
    app.body["metadata"]["creationTimestamp"] = utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert changes(app.calls(app.one_pass))["ec2:CreateVpc"] == 1


def counted(app: App) -> dict[str, int]:
    """Count what could have been made twice."""
    mine = [{"Name": "tag:missyou.app/stack", "Values": [f"default/{app.name}"]}]
    ec2 = app.client("ec2")
    gateways = ec2.describe_nat_gateways(Filters=mine)["NatGateways"]
    return {
        "vpcs": len(ec2.describe_vpcs(Filters=mine)["Vpcs"]),
        "subnets": len(ec2.describe_subnets(Filters=mine)["Subnets"]),
        "addresses": len(ec2.describe_addresses(Filters=mine)["Addresses"]),
        "gateways": len([g for g in gateways if g["State"] in {"pending", "available"}]),
        "internet gateways": len(ec2.describe_internet_gateways(Filters=mine)["InternetGateways"]),
        "tables": len(ec2.describe_route_tables(Filters=mine)["RouteTables"]),
        "groups": len(ec2.describe_security_groups(Filters=mine)["SecurityGroups"]),
    }


@pytest.mark.parametrize("after", [1, 4, 9, 17, 26, 38, 51, 60])
def test_killed_after_any_call_nothing_is_made_twice(aws, after):
    """The process ends right after the n-th changing call: AWS has carried it out, nobody has seen the answer."""
    app = App(aws, f"killed-{after}", environment="Development")

    def moment(when: When, call: str) -> None:
        if when == "after" and len(app.process.calls) == after:
            raise Killed

    app.process.moment = moment
    with pytest.raises(Killed):
        app.grow()
    app.restart()
    app.grow()
    assert counted(app) == {
        "vpcs": 1,
        "subnets": 6,
        "addresses": 1,
        "gateways": 1,
        "internet gateways": 1,
        "tables": 4,
        "groups": 3,
    }
    assert app.condition("InSync")["status"] == "True"
    app.delete()
    assert not any(counted(app).values())
