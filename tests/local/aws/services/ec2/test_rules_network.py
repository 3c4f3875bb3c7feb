"""What EC2 refuses of new networks and their parts, and the nearest that it accepts."""

from __future__ import annotations

from typing import Any

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import Rule, each, hold, steps
from tests.local.aws.services.ec2.rules_network import detach


def _vpc(block: str) -> Any:
    return lambda s: s.aws.ec2.create_vpc(CidrBlock=block)


def _subnet(block: str, **more: Any) -> Any:
    return lambda s: s.aws.ec2.create_subnet(VpcId=s.net.vpc, CidrBlock=block, **more)


def _tags(kind: str, key: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": "y"}]}]


RULES = [
    Rule(
        "ec2:CreateVpc",
        "the block is larger than /16",
        "InvalidVpc.Range",
        "API CreateVpc",
        _vpc("10.0.0.0/15"),
        _vpc("10.0.0.0/16"),
    ),
    Rule(
        "ec2:CreateVpc",
        "the block is smaller than /28",
        "InvalidVpc.Range",
        "API CreateVpc",
        _vpc("10.0.0.0/29"),
        _vpc("10.0.0.0/28"),
    ),
    Rule(
        "ec2:ModifyVpcAttribute",
        "two attributes in one call",
        "InvalidParameterCombination",
        "API ModifyVpcAttribute",
        lambda s: s.aws.ec2.modify_vpc_attribute(
            VpcId=s.net.vpc, EnableDnsSupport={"Value": True}, EnableDnsHostnames={"Value": True}
        ),
        lambda s: s.aws.ec2.modify_vpc_attribute(VpcId=s.net.vpc, EnableDnsHostnames={"Value": True}),
    ),
    Rule(
        "ec2:ModifyVpcAttribute",
        "DNS host names without DNS support",
        "InvalidParameterCombination",
        "API ModifyVpcAttribute",
        lambda s: s.aws.ec2.modify_vpc_attribute(VpcId=s.net.vpc, EnableDnsHostnames={"Value": True}),
        steps(
            lambda s: s.aws.ec2.modify_vpc_attribute(VpcId=s.net.vpc, EnableDnsSupport={"Value": True}),
            lambda s: s.aws.ec2.modify_vpc_attribute(VpcId=s.net.vpc, EnableDnsHostnames={"Value": True}),
        ),
        lambda s: s.aws.ec2.modify_vpc_attribute(VpcId=s.net.vpc, EnableDnsSupport={"Value": False}),
    ),
    Rule(
        "ec2:ModifySubnetAttribute",
        "two attributes in one call",
        "InvalidParameterCombination",
        "API ModifySubnetAttribute",
        lambda s: s.aws.ec2.modify_subnet_attribute(
            SubnetId=s.net.subnets[0], MapPublicIpOnLaunch={"Value": True}, AssignIpv6AddressOnCreation={"Value": True}
        ),
        lambda s: s.aws.ec2.modify_subnet_attribute(SubnetId=s.net.subnets[0], MapPublicIpOnLaunch={"Value": True}),
    ),
    Rule(
        "ec2:CreateSubnet",
        "the block is smaller than /28",
        "InvalidSubnet.Range",
        "API CreateSubnet",
        _subnet("10.0.9.0/29"),
        _subnet("10.0.9.0/28"),
    ),
    Rule(
        "ec2:CreateSubnet",
        "the block is outside the VPC",
        "InvalidSubnet.Range",
        "API CreateSubnet",
        _subnet("10.1.0.0/24"),
        _subnet("10.0.255.0/24"),
    ),
    Rule(
        "ec2:CreateSubnet",
        "the block overlaps another subnet",
        "InvalidSubnet.Conflict",
        "EC2 API error codes: InvalidSubnet.Conflict",
        _subnet("10.0.1.128/25"),
        _subnet("10.0.2.0/25"),
    ),
    Rule(
        "ec2:CreateSubnet",
        "an unknown zone",
        "InvalidParameterValue",
        "API CreateSubnet",
        _subnet("10.0.9.0/24", AvailabilityZone="us-east-1z"),
        _subnet("10.0.9.0/24", AvailabilityZone="us-east-1c"),
    ),
    Rule(
        "ec2:AttachInternetGateway",
        "the VPC has one",
        "InvalidParameterValue",
        "VPC guide: one internet gateway a VPC",
        lambda s: s.aws.ec2.attach_internet_gateway(InternetGatewayId=s.kept["spare"], VpcId=s.net.vpc),
        steps(detach, lambda s: s.aws.ec2.attach_internet_gateway(InternetGatewayId=s.kept["spare"], VpcId=s.net.vpc)),
        lambda s: s.keep("spare", s.aws.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]),
        words="already has an internet gateway",
    ),
    Rule(
        "ec2:AttachInternetGateway",
        "it is attached",
        "Resource.AlreadyAssociated",
        "EC2 API error codes: Resource.AlreadyAssociated",
        lambda s: s.aws.ec2.attach_internet_gateway(InternetGatewayId=s.net.gateway, VpcId=s.net.vpc),
        steps(detach, lambda s: s.aws.ec2.attach_internet_gateway(InternetGatewayId=s.net.gateway, VpcId=s.net.vpc)),
    ),
    Rule(
        "ec2:CreateNatGateway",
        "the address is taken",
        "Resource.AlreadyAssociated",
        "VPC guide, Troubleshoot NAT gateways",
        lambda s: s.aws.ec2.create_nat_gateway(SubnetId=s.net.subnets[0], AllocationId=s.address),
        lambda s: s.aws.ec2.create_nat_gateway(
            SubnetId=s.net.subnets[0], AllocationId=s.aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
        ),
        lambda s: s.nat,
    ),
    Rule(
        "ec2:CreateNatGateway",
        "a client token again, with other parameters",
        "IdempotentParameterMismatch",
        "EC2 API: Ensuring idempotency",
        lambda s: s.aws.ec2.create_nat_gateway(SubnetId=s.net.subnets[1], AllocationId=s.address, ClientToken=s.name),
        lambda s: s.aws.ec2.create_nat_gateway(SubnetId=s.net.subnets[0], AllocationId=s.address, ClientToken=s.name),
        lambda s: s.aws.ec2.create_nat_gateway(SubnetId=s.net.subnets[0], AllocationId=s.address, ClientToken=s.name),
    ),
    Rule(
        "ec2:CreateNatGateway",
        "a public one without an address",
        "MissingParameter",
        "API CreateNatGateway",
        lambda s: s.aws.ec2.create_nat_gateway(SubnetId=s.net.subnets[0]),
        lambda s: s.aws.ec2.create_nat_gateway(SubnetId=s.net.subnets[0], ConnectivityType="private"),
    ),
    Rule(
        "ec2:CreateNatGateway",
        "an unknown address",
        "InvalidAllocationID.NotFound",
        "EC2 API error codes: InvalidAllocationID.NotFound",
        lambda s: s.aws.ec2.create_nat_gateway(SubnetId=s.net.subnets[0], AllocationId="eipalloc-0123456789abcdef0"),
        lambda s: s.aws.ec2.create_nat_gateway(SubnetId=s.net.subnets[0], AllocationId=s.address),
    ),
    Rule(
        "ec2:CreateTags",
        "a key that starts with aws:",
        "InvalidParameterValue",
        "EC2 guide, Tag restrictions",
        lambda s: s.aws.ec2.create_tags(Resources=[s.net.vpc], Tags=[{"Key": "aws:x", "Value": "y"}]),
        lambda s: s.aws.ec2.create_tags(Resources=[s.net.vpc], Tags=[{"Key": "awsx", "Value": "y"}]),
    ),
    Rule(
        "ec2:CreateVpc",
        "a tag with a key that starts with aws:",
        "InvalidParameterValue",
        "EC2 guide, Tag restrictions",
        lambda s: s.aws.ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=_tags("vpc", "AWS:x")),
        lambda s: s.aws.ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=_tags("vpc", "x:aws:")),
    ),
    Rule(
        "ec2:CreateTags",
        "more than 50 tags",
        "TagLimitExceeded",
        "EC2 API error codes: TagLimitExceeded",
        lambda s: s.aws.ec2.create_tags(Resources=[s.net.vpc], Tags=[{"Key": "51", "Value": ""}]),
        lambda s: s.aws.ec2.create_tags(Resources=[s.net.vpc], Tags=[{"Key": "50", "Value": "changed"}]),
        lambda s: s.aws.ec2.create_tags(
            Resources=[s.net.vpc], Tags=[{"Key": str(i), "Value": ""} for i in range(1, 51)]
        ),
    ),
    Rule(
        "ec2:CreateVpc",
        "tags for another kind of resource",
        "InvalidParameterValue",
        "API CreateVpc",
        lambda s: s.aws.ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=_tags("subnet", "a")),
        lambda s: s.aws.ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=_tags("vpc", "a")),
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)
