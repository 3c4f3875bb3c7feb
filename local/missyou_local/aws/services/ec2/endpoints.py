"""VPC endpoints: pending, available, deleting, gone; their client token, routes and network interfaces.

moto creates and lists them. What it lacks is here: time, refusals, the interfaces that hold subnets and groups, and
their hold on the VPC. Sources: EC2 API reference, CreateVpcEndpoint to DeleteVpcEndpoints; AWS PrivateLink
guide.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from missyou_local.aws.call import Call, Regional, Result, advances, checks, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.ec2 import interfaces
from missyou_local.aws.services.ec2.requests import Tokens, made_by_token

_FREE = ("s3", "dynamodb")
"""Services that have gateway endpoints."""


@dataclass(slots=True)
class _Endpoints:
    """What moto does not store: `due` maps an ID to the time and the state of its next change."""

    due: dict[str, tuple[float, str]] = field(default_factory=dict)
    by_token: Tokens = field(default_factory=dict)


_endpoints: Regional[_Endpoints] = Regional(_Endpoints)


@advances("ec2")
def advance(call: Call) -> None:
    """Bring the state of each endpoint up to the clock; a deleted one is no longer listed."""
    due = _endpoints.of(call).due
    for id_ in [key for key, (at, _) in due.items() if at <= call.now]:
        _, state = due.pop(id_)
        if state == "deleted":
            call.moto("ec2").vpc_end_points.pop(id_)
        else:
            call.moto("ec2").vpc_end_points[id_].state = state


@checks("ec2:CreateVpcEndpoint")
def kind_fits_the_service(call: Call) -> None:
    """Refuse services that do not exist here, and gateway endpoints for services that have none."""
    service, kind = call.params["ServiceName"], call.params.get("VpcEndpointType", "Gateway")
    prefix = f"com.amazonaws.{call.region}."
    if not service.startswith(prefix):
        raise AwsError("InvalidServiceName", f"The Vpc Endpoint Service '{service}' does not exist")
    if kind == "Gateway" and service.removeprefix(prefix) not in _FREE:
        message = f"Endpoint type ({kind}) does not match available service types ([Interface])."
        raise AwsError("InvalidParameter", message)


@checks("ec2:CreateVpcEndpoint")
def subnets_and_names_fit(call: Call) -> None:
    """Refuse two subnets in one zone, a private name that is taken, and private names in a VPC without DNS."""
    params, ec2 = call.params, call.moto("ec2")
    if _token(call) in _endpoints.of(call).by_token or params.get("VpcEndpointType") != "Interface":
        return
    zones = [ec2.get_subnet(subnet).availability_zone for subnet in params.get("SubnetIds", [])]
    if len(zones) != len(set(zones)):
        message = "Found another VPC endpoint subnet in the availability zone of one of the subnets"
        raise AwsError("DuplicateSubnetsInSameZone", message)
    if not params.get("PrivateDnsEnabled", True):
        return
    vpc = ec2.get_vpc(params["VpcId"])
    if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
        message = (
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true"
        )
        raise AwsError("InvalidParameter", f"{message} for {vpc.id}")
    if any(other.service_name == params["ServiceName"] for other in _of_vpc(call, vpc.id) if other.private_dns_enabled):
        name = ".".join(reversed(params["ServiceName"].removeprefix("com.").split("."))) + ".com"
        message = f"private-dns-enabled cannot be set because there is already a conflicting DNS domain for {name}"
        raise AwsError("InvalidParameter", f"{message} in the VPC {vpc.id}")


@checks("ec2:CreateVpcEndpoint", "ec2:ModifyVpcEndpoint")
def tables_are_there(call: Call) -> None:
    """Refuse unknown route tables. One that is to be removed may be gone already."""
    known = call.moto("ec2").route_tables
    for table in (*call.params.get("RouteTableIds", []), *call.params.get("AddRouteTableIds", [])):
        if table not in known:
            raise AwsError("InvalidRouteTableID.NotFound", f"The routeTable ID '{table}' does not exist")


@checks("ec2:CreateVpcEndpoint", "ec2:ModifyVpcEndpoint")
def tables_have_no_way_yet(call: Call) -> None:
    """Refuse a route table that already leads to the service."""
    ec2, params = call.moto("ec2"), call.params
    if _token(call) in _endpoints.of(call).by_token:
        return
    mine = ec2.vpc_end_points.get(params.get("VpcEndpointId"))
    service = mine.service_name if mine else params.get("ServiceName")
    wanted = {*params.get("RouteTableIds", []), *params.get("AddRouteTableIds", [])}
    for other in ec2.vpc_end_points.values():
        taken = wanted & set(other.route_table_ids) if other.service_name == service else set()
        if taken and other is not mine:
            message = f"route table {min(taken)} already has a route with destination-prefix-list-id of {service}"
            raise AwsError("RouteAlreadyExists", message)


@handles("ec2:CreateVpcEndpoint")
def create_vpc_endpoint(call: Call) -> Result:
    """Create an endpoint, or return the one that the client token made."""
    known, token, ec2 = _endpoints.of(call), _token(call), call.moto("ec2")
    if made := made_by_token(call, known.by_token):
        return _described(call, made, token)
    result = call.forward()
    endpoint = ec2.vpc_end_points[result["VpcEndpoint"]["VpcEndpointId"]]
    if endpoint.vpc_endpoint_type == "Interface":
        for eni in endpoint.network_interface_ids:
            ec2.enis.pop(eni, None)
        endpoint.network_interface_ids = []
        _attach(call, endpoint)
        endpoint.state = "pending"
        known.due[endpoint.id] = (call.now + call.timing.endpoint, "available")
    if token:
        known.by_token[token] = endpoint.id, dict(call.params)
    return _described(call, endpoint.id, token)


@handles("ec2:DescribeVpcEndpoints")
def describe_vpc_endpoints(call: Call) -> Result:
    """List endpoints, also by the filter `vpc-endpoint-id`, which moto lacks: API reference, DescribeVpcEndpoints."""
    filters = call.params.get("Filters", [])
    by_id = [each for each in filters if each["Name"] == "vpc-endpoint-id"]
    if not by_id:
        return call.forward()
    rest = [each for each in filters if each not in by_id]
    result = call.forward({**call.params, "Filters": rest})
    wanted = [set(each["Values"]) for each in by_id]
    rows = [row for row in result["VpcEndpoints"] if all(row["VpcEndpointId"] in ids for ids in wanted)]
    return {**result, "VpcEndpoints": rows}


@handles("ec2:ModifyVpcEndpoint")
def modify_vpc_endpoint(call: Call) -> Result:
    """Change an available endpoint. Its interfaces follow its subnets and groups, routes follow its route tables."""
    endpoint = call.moto("ec2").vpc_end_points.get(call.params["VpcEndpointId"])
    if endpoint is not None and endpoint.state != "available":
        message = f"The state of the endpoint {endpoint.id} is {endpoint.state}: it cannot be modified"
        raise AwsError("IncorrectState", message)
    led = set() if endpoint is None else set(endpoint.route_table_ids)
    result = call.forward()
    if endpoint is not None and "PrivateDnsEnabled" in call.params:
        endpoint.private_dns_enabled = call.params["PrivateDnsEnabled"]
    if endpoint is not None and call.params.get("ResetPolicy"):
        endpoint.policy_document = json.dumps(endpoint.DEFAULT_POLICY)
    if endpoint is not None and endpoint.destination_prefix_list_id:
        # moto makes the routes with the endpoint and does not change them with it.
        ec2, leads, prefix = call.moto("ec2"), set(endpoint.route_table_ids), endpoint.destination_prefix_list_id
        for table in sorted(leads - led):
            ec2.create_route(table, None, gateway_id=endpoint.id, destination_prefix_list_id=prefix)
        for table in sorted((led - leads) & ec2.route_tables.keys()):
            ec2.delete_route(table, prefix)
    if endpoint is not None and endpoint.vpc_endpoint_type == "Interface":
        interfaces.drop(call, endpoint.id)
        endpoint.network_interface_ids = []
        _attach(call, endpoint)
    return result


@handles("ec2:DeleteVpcEndpoints")
def delete_vpc_endpoints(call: Call) -> Result:
    """Start the deletion. Refusals are part of a successful answer."""
    ec2, unsuccessful = call.moto("ec2"), []
    for id_ in call.params["VpcEndpointIds"]:
        endpoint = ec2.vpc_end_points.get(id_)
        if endpoint is None:
            error = {"Code": "InvalidVpcEndpoint.NotFound", "Message": f"The VpcEndpoint {id_} does not exist"}
            unsuccessful.append({"ResourceId": id_, "Error": error})
        elif endpoint.state != "deleting":
            endpoint.state = "deleting"
            _endpoints.of(call).due[id_] = (call.now + call.timing.endpoint_delete, "deleted")
            interfaces.release(call, id_, call.now + call.timing.endpoint_delete - call.timing.eni)
    return {"Unsuccessful": unsuccessful}


@checks("ec2:DeleteVpc")
def vpc_has_no_endpoints(call: Call) -> None:
    """Refuse while an endpoint is there."""
    vpc = call.params["VpcId"]
    if any(_of_vpc(call, vpc)):
        raise AwsError("DependencyViolation", f"The vpc '{vpc}' has dependencies and cannot be deleted.")


def _described(call: Call, id_: str, token: str | None) -> Result:
    [row] = call.ask("DescribeVpcEndpoints", {"VpcEndpointIds": [id_]})["VpcEndpoints"]
    return {"VpcEndpoint": row, **({"ClientToken": token} if token else {})}


def _token(call: Call) -> Any:
    return call.params.get("ClientToken")


def _of_vpc(call: Call, vpc: str) -> Iterator[Any]:
    return (endpoint for endpoint in call.moto("ec2").vpc_end_points.values() if endpoint.vpc_id == vpc)


def _attach(call: Call, endpoint: Any) -> None:
    """Attach an interface in each of its subnets."""
    for subnet in endpoint.subnet_ids:
        place = interfaces.Place(subnet, tuple(endpoint.security_group_ids))
        eni = interfaces.attach(call, endpoint.id, place, f"VPC Endpoint Interface {endpoint.id}")
        endpoint.network_interface_ids.append(eni.id)
