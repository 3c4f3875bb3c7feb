"""Rates of requests: AWS's token buckets per account, region and API, on the clock, and off unless asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError

from tests.local.aws.conftest import Aws, Refused


@pytest.fixture
def limited(aws: Aws) -> Iterator[Aws]:
    aws.control(body={"rates": True})
    yield aws
    aws.control(body={"rates": False})


def test_a_bucket_that_is_empty_refuses_until_it_has_gained_another(limited: Aws, refused: Refused) -> None:
    def alarms() -> object:
        return limited.cloudwatch.describe_alarms()

    for _ in range(9):
        alarms()
    with refused("Throttling"):
        alarms()
    # Another API, and another region, have buckets of their own.
    limited.cloudwatch.list_dashboards()
    limited.client("cloudwatch", "eu-west-1").describe_alarms()
    limited.clock.advance(0.12)
    alarms()
    with refused("Throttling"):
        alarms()


def test_each_service_has_its_code(limited: Aws, refused: Refused) -> None:
    zones, gateways = limited.route53, limited.ec2
    assert {code_of(zones.list_hosted_zones) for _ in range(5)} == {""}
    with refused("Throttling"):
        zones.list_hosted_zones()
    assert "RequestLimitExceeded" not in {code_of(gateways.delete_nat_gateway, NatGatewayId="nat-1") for _ in range(10)}
    with refused("RequestLimitExceeded"):
        gateways.delete_nat_gateway(NatGatewayId="nat-1")


def code_of(call: Callable[..., object], **arguments: str) -> str:
    """Return the code that a call is refused with, "" if it is not."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_no_rate_is_in_force_at_first(aws: Aws) -> None:
    for _ in range(30):
        aws.cloudwatch.describe_alarms()
