"""What EC2 refuses of VPC endpoints, and the nearest that it accepts; their states and what they hold."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import Place, Rule, each, hold, steps

S3, LOGS = "com.amazonaws.us-east-1.s3", "com.amazonaws.us-east-1.logs"


def gateway(s: Place, **changes: Any) -> str:
    given = {"VpcId": s.net.vpc, "ServiceName": S3, "RouteTableIds": [s.table], **changes}
    made = s.aws.ec2.create_vpc_endpoint(**given)["VpcEndpoint"]
    return str(s.keep("gateway", made["VpcEndpointId"]))


def interface(s: Place, **changes: Any) -> str:
    given = {"VpcId": s.net.vpc, "ServiceName": LOGS, "SubnetIds": s.net.subnets[:1], **changes}
    made = s.aws.ec2.create_vpc_endpoint(VpcEndpointType="Interface", **given)["VpcEndpoint"]
    return str(s.keep("interface", made["VpcEndpointId"]))


def named(s: Place, *, on: bool) -> None:
    s.aws.ec2.modify_vpc_attribute(VpcId=s.net.vpc, EnableDnsHostnames={"Value": on})


def table_lost(s: Place) -> None:
    s.aws.ec2.modify_vpc_endpoint(VpcEndpointId=s.kept["gateway"], RemoveRouteTableIds=[s.table])


def deleted(s: Place) -> None:
    s.aws.ec2.delete_vpc_endpoints(VpcEndpointIds=[s.kept["interface"]])
    s.aws.clock.advance(s.aws.timing.endpoint_delete + s.aws.timing.eni)


def settled(s: Place) -> None:
    s.aws.clock.advance(s.aws.timing.endpoint)


def beside(s: Place) -> str:
    """Another subnet, in the zone of the first."""
    zone = s.aws.ec2.describe_subnets(SubnetIds=s.net.subnets[:1])["Subnets"][0]["AvailabilityZone"]
    made = s.aws.ec2.create_subnet(VpcId=s.net.vpc, CidrBlock="10.0.99.0/24", AvailabilityZone=zone)
    return str(s.keep("beside", made["Subnet"]["SubnetId"]))


RULES = [
    Rule(
        "ec2:CreateVpcEndpoint",
        "the service does not exist in the region",
        "InvalidServiceName",
        "EC2 API error codes: InvalidServiceName",
        lambda s: gateway(s, ServiceName="com.amazonaws.eu-west-1.s3"),
        gateway,
    ),
    Rule(
        "ec2:CreateVpcEndpoint",
        "a gateway for a service that has none",
        "InvalidParameter",
        "AWS PrivateLink guide, Gateway endpoints: S3 and DynamoDB only",
        lambda s: gateway(s, ServiceName=LOGS),
        gateway,
    ),
    Rule(
        "ec2:CreateVpcEndpoint",
        "the route table leads there already",
        "RouteAlreadyExists",
        "EC2 API error codes: RouteAlreadyExists",
        gateway,
        steps(table_lost, gateway),
        gateway,
    ),
    Rule(
        "ec2:CreateVpcEndpoint",
        "private names in a VPC without DNS host names",
        "InvalidParameter",
        "API CreateVpcEndpoint: PrivateDnsEnabled",
        interface,
        steps(lambda s: named(s, on=True), interface),
        lambda s: named(s, on=False),
    ),
    Rule(
        "ec2:CreateVpcEndpoint",
        "another endpoint has the private name",
        "InvalidParameter",
        "AWS PrivateLink guide, Interface endpoints: one private name a VPC",
        interface,
        steps(deleted, interface),
        steps(lambda s: named(s, on=True), interface),
    ),
    Rule(
        "ec2:CreateVpcEndpoint",
        "two subnets of a zone",
        "DuplicateSubnetsInSameZone",
        "EC2 API error codes: DuplicateSubnetsInSameZone",
        lambda s: interface(s, SubnetIds=[s.net.subnets[0], s.kept["beside"]]),
        lambda s: interface(s, SubnetIds=[s.kept["beside"]]),
        steps(lambda s: named(s, on=True), beside),
    ),
    Rule(
        "ec2:ModifyVpcEndpoint",
        "it is pending",
        "IncorrectState",
        "EC2 API error codes: IncorrectState, the stricter reading",
        lambda s: s.aws.ec2.modify_vpc_endpoint(VpcEndpointId=s.kept["interface"], AddSubnetIds=s.net.subnets[1:2]),
        steps(
            settled,
            lambda s: s.aws.ec2.modify_vpc_endpoint(VpcEndpointId=s.kept["interface"], AddSubnetIds=s.net.subnets[1:2]),
        ),
        steps(lambda s: named(s, on=True), interface),
    ),
    Rule(
        "ec2:DeleteSubnet",
        "an endpoint's interface is in it",
        "DependencyViolation",
        "API DeleteSubnet",
        lambda s: s.aws.ec2.delete_subnet(SubnetId=s.kept["beside"]),
        steps(deleted, lambda s: s.aws.ec2.delete_subnet(SubnetId=s.kept["beside"])),
        steps(lambda s: named(s, on=True), beside, lambda s: interface(s, SubnetIds=[s.kept["beside"]])),
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)


def test_a_vpc_stays_while_it_has_an_endpoint(aws: Aws, name: str) -> None:
    s = Place(aws, name)
    vpc = aws.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    made = aws.ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=S3)["VpcEndpoint"]["VpcEndpointId"]
    with pytest.raises(aws.ec2.exceptions.ClientError, match="DependencyViolation"):
        aws.ec2.delete_vpc(VpcId=vpc)
    assert aws.ec2.delete_vpc_endpoints(VpcEndpointIds=[made])["Unsuccessful"] == []
    aws.clock.advance(aws.timing.endpoint_delete)
    aws.ec2.delete_vpc(VpcId=vpc)
    [refusal] = s.aws.ec2.delete_vpc_endpoints(VpcEndpointIds=[made])["Unsuccessful"]
    assert refusal["Error"]["Code"] == "InvalidVpcEndpoint.NotFound"


def test_a_token_makes_one_endpoint(aws: Aws, name: str) -> None:
    s = Place(aws, name)
    first = gateway(s, ClientToken="once")
    assert gateway(s, ClientToken="once") == first
    with pytest.raises(aws.ec2.exceptions.ClientError, match="IdempotentParameterMismatch"):
        gateway(s, ClientToken="once", ServiceName="com.amazonaws.us-east-1.dynamodb")


def test_an_interface_endpoint_comes_and_goes(aws: Aws, name: str) -> None:
    s = Place(aws, name)
    named(s, on=True)
    id_ = interface(s)

    def state() -> list[str]:
        rows = aws.ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [s.net.vpc]}])["VpcEndpoints"]
        return [row["State"] for row in rows if row["VpcEndpointId"] == id_]

    assert state() == ["pending"]
    settled(s)
    assert state() == ["available"]
    aws.ec2.delete_vpc_endpoints(VpcEndpointIds=[id_])
    assert state() == ["deleting"]
    aws.clock.advance(aws.timing.endpoint_delete)
    assert state() == []


def test_routes_follow_the_route_tables_of_an_endpoint(aws: Aws, name: str) -> None:
    place = Place(aws, name)
    id_ = gateway(place)

    def leads() -> bool:
        [table] = aws.ec2.describe_route_tables(RouteTableIds=[place.table])["RouteTables"]
        return any(route.get("GatewayId") == id_ for route in table["Routes"])

    assert leads()
    aws.ec2.modify_vpc_endpoint(VpcEndpointId=id_, RemoveRouteTableIds=[place.table])
    assert not leads()
    aws.ec2.modify_vpc_endpoint(VpcEndpointId=id_, AddRouteTableIds=[place.table])
    assert leads()


def test_a_route_table_that_is_gone_can_be_taken_from_an_endpoint_and_none_can_be_added(aws: Aws, name: str) -> None:
    place = Place(aws, name)
    id_ = gateway(place)
    other = aws.ec2.create_route_table(VpcId=place.net.vpc)["RouteTable"]["RouteTableId"]
    gone = aws.ec2.create_route_table(VpcId=place.net.vpc)["RouteTable"]["RouteTableId"]
    aws.ec2.modify_vpc_endpoint(VpcEndpointId=id_, AddRouteTableIds=[gone])
    aws.ec2.delete_route_table(RouteTableId=gone)
    with pytest.raises(ClientError, match=r"InvalidRouteTableID\.NotFound"):
        aws.ec2.modify_vpc_endpoint(VpcEndpointId=id_, AddRouteTableIds=[gone])
    aws.ec2.modify_vpc_endpoint(VpcEndpointId=id_, RemoveRouteTableIds=[gone], AddRouteTableIds=[other])
    [table] = aws.ec2.describe_route_tables(RouteTableIds=[other])["RouteTables"]
    assert id_ in {route.get("GatewayId") for route in table["Routes"]}
