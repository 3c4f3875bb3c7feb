"""Calls on the network that several tests of rules need."""

from __future__ import annotations

from typing import Any

from tests.local.aws.rules_support import Place


def detach(s: Place) -> None:
    s.aws.ec2.detach_internet_gateway(InternetGatewayId=s.net.gateway, VpcId=s.net.vpc)


def nat_gone(s: Place) -> None:
    s.aws.ec2.delete_nat_gateway(NatGatewayId=s.nat)
    s.aws.clock.advance(s.aws.timing.nat_delete)


def associate(s: Place) -> None:
    made = s.aws.ec2.associate_route_table(RouteTableId=s.table, SubnetId=s.net.subnets[0])
    s.keep("association", made["AssociationId"])


def main(s: Place) -> dict[str, Any]:
    (table,) = s.aws.ec2.describe_route_tables(
        Filters=[{"Name": "vpc-id", "Values": [s.net.vpc]}, {"Name": "association.main", "Values": ["true"]}]
    )["RouteTables"]
    found: dict[str, Any] = table
    return found
