"""NAT gateways: pending, available or failed, deleting, deleted; client tokens; deleted ones that stay listed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from missyou_local.aws.call import Call, Regional, Result, advances, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.ec2 import interfaces
from missyou_local.aws.services.ec2.requests import Tokens, made_by_token


@dataclass(slots=True)
class _Gateways:
    """What moto does not store about gateways: `due` maps an ID to the time and the state of its next change."""

    due: dict[str, tuple[float, str]] = field(default_factory=dict)
    failure: dict[str, tuple[str, str]] = field(default_factory=dict)
    by_token: Tokens = field(default_factory=dict)


_gateways: Regional[_Gateways] = Regional(_Gateways)


@advances("ec2")
def advance(call: Call) -> None:
    """Bring the state of each gateway up to the clock; a deleted one releases its interface and address."""
    due = _gateways.of(call).due
    for gateway_id in [key for key, (at, _) in due.items() if at <= call.now]:
        _, state = due.pop(gateway_id)
        gateway = call.moto("ec2").nat_gateways[gateway_id]
        gateway.state = state
        if state in ("deleted", "failed"):
            _let_go(call, gateway)


def _let_go(call: Call, gateway: Any) -> None:
    ec2 = call.moto("ec2")
    ec2.enis.pop(gateway._eni.id, None)
    for address in ec2.addresses:
        if address.eni is gateway._eni:
            address.eni = address.association_id = None


@handles("ec2:CreateNatGateway")
def create_nat_gateway(call: Call) -> Result:
    """Create a gateway, or return the one that the client token made."""
    known = _gateways.of(call)
    token = call.params.get("ClientToken")
    if made := made_by_token(call, known.by_token):
        return {"NatGateway": _describe(call, made), "ClientToken": token}
    ec2 = call.moto("ec2")
    allocation = call.params.get("AllocationId")
    if allocation is None and call.params.get("ConnectivityType", "public") == "public":
        raise AwsError("MissingParameter", "The request must contain the parameter allocationId")
    if any(address.allocation_id == allocation and address.association_id for address in ec2.addresses):
        # AWS shows this as the state of the new gateway; moto cannot create one with an address in use
        raise AwsError("Resource.AlreadyAssociated", f"Resource {allocation} is already associated.")
    result = call.forward()
    gateway = ec2.nat_gateways[result["NatGateway"]["NatGatewayId"]]
    gateway.state = "pending"
    gateway._eni.description = f"Interface for NAT Gateway {gateway.id}"
    gateway._eni.status = "in-use"
    gateway._eni.requester_managed = True
    # A NAT gateway is in no group (VPC user guide, "NAT gateway basics"); moto puts it into the VPC's default one.
    gateway._eni._group_set = []
    attached = interfaces.has_gateway(call, gateway.vpc_id)
    known.due[gateway.id] = (call.now + call.timing.nat, "available" if attached else "failed")
    if not attached:
        known.failure[gateway.id] = (
            "Gateway.NotAttached",
            f"Network {gateway.vpc_id} has no Internet gateway attached",
        )
    if token:
        known.by_token[token] = gateway.id, dict(call.params)
    return {**result, "NatGateway": _describe(call, gateway.id)}


@handles("ec2:DeleteNatGateway")
def delete_nat_gateway(call: Call) -> Result:
    """Start the deletion. The gateway stays listed, with its tags, after it."""
    gateway_id = call.params["NatGatewayId"]
    gateway = call.moto("ec2").nat_gateways.get(gateway_id)
    if gateway is None:
        raise AwsError("NatGatewayNotFound", f"NatGateway {gateway_id} was not found")
    if gateway.state not in ("deleting", "deleted"):
        gateway.state = "deleting"
        _gateways.of(call).due[gateway_id] = (call.now + call.timing.nat_delete, "deleted")
    return {"NatGatewayId": gateway_id}


@handles("ec2:DescribeNatGateways")
def describe_nat_gateways(call: Call) -> Result:
    """Describe gateways. moto filters neither by tag nor by unknown ID."""
    wanted = call.params.get("NatGatewayIds", [])
    for gateway_id in wanted:
        if gateway_id not in call.moto("ec2").nat_gateways:
            raise AwsError("NatGatewayNotFound", f"NatGateway {gateway_id} was not found")
    found = call.forward()["NatGateways"]
    for condition in call.params.get("Filter", call.params.get("Filters", [])):
        found = [gateway for gateway in found if _fits(gateway, condition["Name"], condition["Values"])]
    for gateway in found:
        if failure := _gateways.of(call).failure.get(gateway["NatGatewayId"]):
            gateway["FailureCode"], gateway["FailureMessage"] = failure
    return {"NatGateways": found}


def _fits(gateway: dict[str, Any], name: str, values: list[str]) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in gateway.get("Tags", [])}
    if name.startswith("tag:"):
        return tags.get(name[4:]) in values
    if name == "tag-key":
        return any(key in values for key in tags)
    return True  # moto applies the other filters


def _describe(call: Call, gateway_id: str) -> dict[str, Any]:
    """Return the gateway as the reply to its creation shows it."""
    gateway = call.moto("ec2").nat_gateways[gateway_id]
    addresses = [
        {
            "AllocationId": address.get("allocationId"),
            "NetworkInterfaceId": address["networkInterfaceId"],
            "PrivateIp": address["privateIp"],
            "PublicIp": address.get("publicIp"),
        }
        for address in gateway.address_set
    ]
    return {
        "NatGatewayId": gateway.id,
        "SubnetId": gateway.subnet_id,
        "VpcId": gateway.vpc_id,
        "State": gateway.state,
        "CreateTime": gateway.create_time,
        "ConnectivityType": gateway.connectivity_type,
        "NatGatewayAddresses": addresses,
        "Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in gateway.get_tags()],
    }
