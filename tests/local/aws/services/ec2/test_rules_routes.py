"""What EC2 refuses of route tables and routes, and the nearest that it accepts."""

from __future__ import annotations

from typing import Any

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import Place, Rule, each, hold, steps
from tests.local.aws.services.ec2.rules_network import associate, main, nat_gone


def _route(s: Place, block: str = "0.0.0.0/0", **target: Any) -> None:
    s.aws.ec2.create_route(RouteTableId=s.table, DestinationCidrBlock=block, **(target or {"GatewayId": s.net.gateway}))


def _pending_nat(s: Place) -> str:
    made = s.aws.ec2.create_nat_gateway(SubnetId=s.net.subnets[0], AllocationId=s.address)
    return str(s.keep("nat", made["NatGateway"]["NatGatewayId"]))


def _other_network(s: Place) -> Any:
    return Place(s.aws, s.name + "-other").net


RULES = [
    Rule(
        "ec2:CreateRoute",
        "the destination has a route",
        "RouteAlreadyExists",
        "EC2 API error codes: RouteAlreadyExists",
        _route,
        lambda s: s.aws.ec2.replace_route(
            RouteTableId=s.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=s.net.gateway
        ),
        _route,
    ),
    Rule(
        "ec2:CreateRoute",
        "the NAT gateway is pending",
        "InvalidNatGatewayID.NotFound",
        "aws-behaviour 2.6, the stricter reading",
        lambda s: _route(s, NatGatewayId=s.kept["nat"]),
        steps(lambda s: s.aws.clock.advance(s.aws.timing.nat), lambda s: _route(s, NatGatewayId=s.kept["nat"])),
        _pending_nat,
    ),
    Rule(
        "ec2:CreateRoute",
        "the NAT gateway is deleted",
        "InvalidNatGatewayID.NotFound",
        "EC2 API error codes: InvalidNatGatewayID.NotFound",
        lambda s: _route(s, NatGatewayId=s.nat),
        _route,
        nat_gone,
    ),
    Rule(
        "ec2:CreateRoute",
        "the internet gateway is another VPC's",
        "InvalidParameterValue",
        "API CreateRoute",
        lambda s: _route(s, GatewayId=_other_network(s).gateway),
        _route,
        words="belong to different networks",
    ),
    Rule(
        "ec2:ReplaceRoute",
        "the internet gateway is another VPC's",
        "InvalidParameterValue",
        "API ReplaceRoute",
        lambda s: s.aws.ec2.replace_route(
            RouteTableId=s.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=_other_network(s).gateway
        ),
        lambda s: s.aws.ec2.replace_route(
            RouteTableId=s.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=s.net.gateway
        ),
        _route,
    ),
    Rule(
        "ec2:DeleteRoute",
        "the route is the local one",
        "InvalidParameterValue",
        "API DeleteRoute",
        lambda s: s.aws.ec2.delete_route(RouteTableId=s.table, DestinationCidrBlock="10.0.0.0/16"),
        lambda s: s.aws.ec2.delete_route(RouteTableId=s.table, DestinationCidrBlock="0.0.0.0/0"),
        _route,
    ),
    Rule(
        "ec2:DeleteRoute",
        "there is no such route",
        "InvalidRoute.NotFound",
        "EC2 API error codes: InvalidRoute.NotFound",
        lambda s: s.aws.ec2.delete_route(RouteTableId=s.table, DestinationCidrBlock="192.168.0.0/24"),
        lambda s: s.aws.ec2.delete_route(RouteTableId=s.table, DestinationCidrBlock="0.0.0.0/0"),
        _route,
    ),
    Rule(
        "ec2:AssociateRouteTable",
        "the subnet has another table",
        "Resource.AlreadyAssociated",
        "EC2 API error codes: Resource.AlreadyAssociated",
        lambda s: s.aws.ec2.associate_route_table(RouteTableId=s.kept["second"], SubnetId=s.net.subnets[0]),
        lambda s: s.aws.ec2.replace_route_table_association(
            AssociationId=s.kept["association"], RouteTableId=s.kept["second"]
        ),
        steps(
            associate,
            lambda s: s.keep("second", s.aws.ec2.create_route_table(VpcId=s.net.vpc)["RouteTable"]["RouteTableId"]),
        ),
    ),
    Rule(
        "ec2:AssociateRouteTable",
        "the subnet is another VPC's",
        "InvalidParameterValue",
        "API AssociateRouteTable",
        lambda s: s.aws.ec2.associate_route_table(RouteTableId=s.table, SubnetId=_other_network(s).subnets[0]),
        associate,
        words="belong to different networks",
    ),
    Rule(
        "ec2:DisassociateRouteTable",
        "the association is the main one",
        "InvalidParameterValue",
        "API DisassociateRouteTable",
        lambda s: s.aws.ec2.disassociate_route_table(
            AssociationId=main(s)["Associations"][0]["RouteTableAssociationId"]
        ),
        lambda s: s.aws.ec2.disassociate_route_table(AssociationId=s.kept["association"]),
        associate,
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)
