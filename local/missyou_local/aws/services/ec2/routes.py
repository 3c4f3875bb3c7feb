"""Refusals of route tables, their routes and subnets that moto lacks, and client tokens of tables."""

from __future__ import annotations

from typing import Any

from missyou_local.aws.call import Call, Regional, Result, checks, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.ec2.requests import Tokens, made_by_token

_by_token: Regional[Tokens] = Regional(dict)


@handles("ec2:CreateRouteTable")
def create_route_table(call: Call) -> Result:
    """Create a table, or return the one that the same client token made, as long as it is there.

    Source: EC2 API reference, CreateRouteTable, and "Ensure idempotency in Amazon EC2 API requests". What a token gives
    whose table was deleted is not documented; here it makes another.
    """
    known, token = _by_token.of(call), call.params.get("ClientToken")
    tables = call.moto("ec2").route_tables
    if id_ := made_by_token(call, {key: made for key, made in known.items() if made[0] in tables}):
        [row] = call.ask("DescribeRouteTables", {"RouteTableIds": [id_]})["RouteTables"]
        return {"RouteTable": row, "ClientToken": token}
    result = call.forward()
    if token:
        known[token] = result["RouteTable"]["RouteTableId"], dict(call.params)
    return result


@checks("ec2:DeleteRouteTable")
def not_the_main_table(call: Call) -> None:
    """Refuse the main route table of a VPC."""
    table = _table(call)
    if table is not None and table.main_association_id:
        raise AwsError("DependencyViolation", f"The routeTable '{table.id}' has dependencies and cannot be deleted.")


@checks("ec2:AssociateRouteTable")
def subnet_fits(call: Call) -> None:
    """Refuse a subnet of another VPC, and one with another table, which takes ReplaceRouteTableAssociation."""
    ec2, subnet = call.moto("ec2"), call.params.get("SubnetId")
    table = _table(call)
    vpcs = [known.vpc_id for known in ec2.describe_subnets() if known.id == subnet]
    if table is not None and vpcs and vpcs[0] != table.vpc_id:
        raise _other_network(table.id, f"subnet {subnet}")
    for other in ec2.route_tables.values():
        if other.id != call.params["RouteTableId"] and subnet in other._associations.values():
            raise AwsError("Resource.AlreadyAssociated", f"the specified association for subnet {subnet} conflicts")


@checks("ec2:DisassociateRouteTable")
def not_the_main_association(call: Call) -> None:
    """Refuse to disassociate a VPC from its main table."""
    association = call.params["AssociationId"]
    if any(table.main_association_id == association for table in call.moto("ec2").route_tables.values()):
        message = f"cannot disassociate the main route table association {association}"
        raise AwsError("InvalidParameterValue", message)


@checks("ec2:CreateRoute", "ec2:ReplaceRoute")
def target_can_be_reached(call: Call) -> None:
    """Refuse a gateway of another VPC, and a NAT gateway that is not available.

    Whether AWS takes a NAT gateway that is still pending is not documented: this is the stricter reading.
    """
    ec2, table = call.moto("ec2"), _table(call)
    if nat_id := call.params.get("NatGatewayId"):
        nat = ec2.nat_gateways.get(nat_id)
        if nat is None or nat.state != "available":
            raise AwsError("InvalidNatGatewayID.NotFound", f"The natGateway ID '{nat_id}' does not exist")
        _check_network(table, nat.vpc_id, f"NAT gateway {nat_id}")
    gateway = ec2.internet_gateways.get(call.params.get("GatewayId"))
    if gateway is not None:
        _check_network(table, gateway.vpc.id if gateway.vpc else None, f"network gateway {gateway.id}")


@checks("ec2:DeleteRoute")
def not_the_local_route(call: Call) -> None:
    """Refuse the route to the VPC itself."""
    table, block = _table(call), call.params.get("DestinationCidrBlock")
    for route in table.routes if table is not None else ():
        if route.local and route.destination_cidr_block == block:
            raise AwsError("InvalidParameterValue", f"cannot remove local route {block} in route table {table.id}")


def _table(call: Call) -> Any:
    return call.moto("ec2").route_tables.get(call.params["RouteTableId"])


def _check_network(table: Any, vpc: str | None, what: str) -> None:
    if table is not None and table.vpc_id != vpc:
        raise _other_network(table.id, what)


def _other_network(table: str, what: str) -> AwsError:
    return AwsError("InvalidParameterValue", f"route table {table} and {what} belong to different networks")
