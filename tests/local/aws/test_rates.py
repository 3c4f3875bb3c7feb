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


@pytest.mark.parametrize(
    ("service", "call", "size", "code"),
    [
        ("route53", lambda client: client.list_hosted_zones(), 5, "Throttling"),
        ("ec2", lambda client: client.delete_nat_gateway(NatGatewayId="nat-1"), 10, "RequestLimitExceeded"),
    ],
)
def test_each_service_has_its_code(
    limited: Aws, refused: Refused, service: str, call: Callable[[object], object], size: int, code: str
) -> None:
    client = limited.client(service)
    codes = [code_of(call, client) for _ in range(size)]
    assert code not in codes
    with refused(code):
        call(client)


def code_of(call: Callable[[object], object], client: object) -> str:
    """Return the code that a call is refused with, "" if it is not."""
    try:
        call(client)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_no_rate_is_in_force_at_first(aws: Aws) -> None:
    for _ in range(30):
        aws.cloudwatch.describe_alarms()
