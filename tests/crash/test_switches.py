"""What can be switched on and off in a running stack, killed at any of its calls and in a storm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from missyou_local.aws import Server

from .chosen import SEED
from .stepped import Clock, Stepped, When
from .test_crash import production, settle
from .test_storm import calm, storm

SWITCHES: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "firewall": ({"waf": {"enabled": True}}, {"waf": {"enabled": False}}),
    "access logs": (
        {"loadBalancer": {"accessLogs": {"enabled": True}}},
        {"loadBalancer": {"accessLogs": {"enabled": False}}},
    ),
}

#: More than switching anything takes.
_MOST_CALLS = 20


@pytest.fixture(autouse=True)
def _calm(aws: Server) -> Iterator[None]:
    yield
    calm(aws)


def extras(app: Stepped) -> dict[str, Any]:
    """Give what the switches make, without what AWS chooses."""
    waf, elb, s3 = app.client("wafv2"), app.client("elbv2"), app.client("s3")
    [row] = elb.describe_load_balancers()["LoadBalancers"]
    arn = row["LoadBalancerArn"]
    found = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    return {
        "web acls": [acl["Name"] for acl in waf.list_web_acls(Scope="REGIONAL")["WebACLs"]],
        "in front": waf.get_web_acl_for_resource(ResourceArn=arn).get("WebACL", {}).get("Name"),
        "buckets": {row["Name"]: settings(s3, row["Name"]) for row in s3.list_buckets()["Buckets"]},
        "logging": [row["Value"] for row in found if row["Key"] == "access_logs.s3.enabled"],
    }


def settings(s3: Any, name: str) -> tuple[Any, ...]:
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=name)["TagSet"]}
    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    return tags["missyou.app/stack"], s3.get_bucket_policy(Bucket=name)["Policy"], rules[0]["Expiration"]


def switched(app: Stepped, spec: Mapping[str, Any]) -> None:
    """Have a part switched on or off, to the end; what has just been deleted may keep its name for a while."""
    if any(app.body["spec"].get(key) != {**app.body["spec"].get(key, {}), **value} for key, value in spec.items()):
        app.edit(**spec)
    settle(app)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("what", SWITCHES)
def test_killed_at_any_call_it_ends_where_it_would_have_ended(aws: Server, clock: Clock, what: str) -> None:
    on, off = SWITCHES[what]
    app = production(aws, clock)
    settle(app)
    without = extras(app)
    switched(app, on)
    with_it = extras(app)
    switched(app, off)
    assert extras(app) == without
    assert with_it != without
    kinds: tuple[When, ...] = ("before", "after")
    for spec, expected in ((on, with_it), (off, without)):
        for number, when in ((number, when) for number in range(1, _MOST_CALLS) for when in kinds):
            switched(app, off if spec is on else on)
            if not app.survive(number, when, lambda spec=spec: switched(app, spec)):
                break
            assert extras(app) == expected, f"killed {when} call {number}"
    switched(app, off)
    assert extras(app) == without


@pytest.mark.timeout(600)
def test_in_a_storm_all_of_them_go_on_and_off(aws: Server, clock: Clock) -> None:
    app = production(aws, clock)
    settle(app)
    without = extras(app)
    for on, _ in SWITCHES.values():
        app.edit(**on)
    settle(app)
    with_it = extras(app)
    for _, off in SWITCHES.values():
        app.edit(**off)
    settle(app)
    storm(aws, SEED)
    for on, _ in SWITCHES.values():
        app.edit(**on)
    settle(app)
    calm(aws)
    app.clock.now += 60.0
    assert extras(app) == with_it
    storm(aws, SEED + 1)
    for _, off in SWITCHES.values():
        app.edit(**off)
    settle(app)
    calm(aws)
    app.clock.now += 60.0
    assert extras(app) == without
