"""What the tests of AWS's rules share: a rule as a value, and a place where its calls are made."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import botocore.exceptions
import pytest

from tests.local.aws import building
from tests.local.aws.conftest import Aws

ACCOUNT = "123456789012"
ECS_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


class Place:
    """Where a rule is tried: the test AWS, a name of its own, and the usual things, each made when first asked for."""

    def __init__(self, aws: Aws, name: str) -> None:
        self.aws, self.name = aws, name
        self.kept: dict[str, Any] = {}

    @cached_property
    def net(self) -> building.Network:
        return building.network(self.aws, self.name)

    @cached_property
    def app(self) -> building.App:
        return building.app(self.aws, self.name)

    @cached_property
    def balancer(self) -> str:
        return building.balancer(self.aws, self.name, self.net)

    @cached_property
    def group(self) -> str:
        return building.target_group(self.aws, self.name, self.net)

    def another_group(self, **changes: Any) -> str:
        return building.target_group(self.aws, self.name + "-2", self.net, **changes)

    @cached_property
    def listener(self) -> str:
        return building.listen(self.aws, self.balancer, self.group)

    @cached_property
    def role(self) -> str:
        self.aws.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=ECS_TRUST)
        return self.name

    @cached_property
    def subnet_group(self) -> str:
        self.aws.rds.create_db_subnet_group(
            DBSubnetGroupName=self.name, DBSubnetGroupDescription="x", SubnetIds=self.net.subnets
        )
        return self.name

    @cached_property
    def parameter_group(self) -> str:
        self.aws.rds.create_db_parameter_group(
            DBParameterGroupName=self.name, DBParameterGroupFamily="postgres15", Description="x"
        )
        return self.name

    def database(self, name: str = "", **changes: Any) -> str:
        """A database that is available; returns its name."""
        name = name or self.name
        building.database(self.aws, name, **changes)
        self.aws.clock.advance(self.aws.timing.rds)
        return name

    @cached_property
    def address(self) -> str:
        return str(self.aws.ec2.allocate_address(Domain="vpc")["AllocationId"])

    @cached_property
    def nat(self) -> str:
        """A NAT gateway that is available, in the first subnet."""
        made = self.aws.ec2.create_nat_gateway(SubnetId=self.net.subnets[0], AllocationId=self.address)
        self.aws.clock.advance(self.aws.timing.nat)
        return str(made["NatGateway"]["NatGatewayId"])

    @cached_property
    def table(self) -> str:
        return str(self.aws.ec2.create_route_table(VpcId=self.net.vpc)["RouteTable"]["RouteTableId"])

    def security_group(self, suffix: str, **changes: Any) -> str:
        params = {"VpcId": self.net.vpc, "GroupName": f"{self.name}-{suffix}", "Description": "x", **changes}
        return str(self.aws.ec2.create_security_group(**params)["GroupId"])

    def keep(self, key: str, value: Any) -> Any:
        """Remember a value for the calls that follow."""
        self.kept[key] = value
        return value


Act = Callable[[Place], object]


def nothing(_: Place) -> None:
    """Nothing is given beforehand."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One refusal of AWS: where it is written, the call that it refuses, and the nearest call that it accepts.

    `source` names AWS's API reference by operation ("API CreateVpc"), a page of a user guide, or a section of the
    project's notes on AWS. `given` prepares both calls.
    """

    operation: str
    says: str
    code: str
    source: str
    refused: Act
    accepted: Act
    given: Act = field(default=nothing)
    status: int = 400
    words: str = ""

    def __str__(self) -> str:
        return f"{self.operation}: {self.says}"


def each(rules: list[Rule]) -> Any:
    """Parametrise a test with rules."""
    return pytest.mark.parametrize("rule", rules, ids=str)


def hold(rule: Rule, aws: Aws, name: str) -> None:
    """Assert that one call is refused with AWS's code, and the other accepted."""
    place = Place(aws, name)
    rule.given(place)
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        rule.refused(place)
    response = refusal.value.response
    answered = (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"])
    assert answered == (rule.code, rule.status), refusal.value
    assert rule.words in response["Error"]["Message"], refusal.value
    rule.accepted(place)


def steps(*acts: Act) -> Act:
    """Make one act of several."""

    def act(place: Place) -> None:
        for each_act in acts:
            each_act(place)

    return act
