"""Refusals of VPCs, subnets, internet gateways, addresses and interfaces that moto lacks."""

from __future__ import annotations

import ipaddress
from typing import Any

from missyou_local.aws.call import Call, Result, checks, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.ec2 import interfaces


def _in_use(message: str) -> AwsError:
    return AwsError("DependencyViolation", message)


@checks("ec2:DeleteSubnet")
def subnet_is_empty(call: Call) -> None:
    """Refuse while any network interface is in the subnet."""
    subnet = call.params["SubnetId"]
    if any(eni.subnet.id == subnet for eni in call.moto("ec2").enis.values()):
        raise _in_use(f"The subnet '{subnet}' has dependencies and cannot be deleted.")


@checks("ec2:DeleteVpc")
def vpc_is_empty(call: Call) -> None:
    """Refuse while the VPC has an internet gateway or a non-default security group (moto checks the rest)."""
    ec2, vpc = call.moto("ec2"), call.params["VpcId"]
    if interfaces.has_gateway(call, vpc) or any(group.name != "default" for group in ec2.groups.get(vpc, {}).values()):
        raise _in_use(f"The vpc '{vpc}' has dependencies and cannot be deleted.")


@checks("ec2:DetachInternetGateway")
def no_public_addresses(call: Call) -> None:
    """Refuse while NAT gateways or internet-facing interfaces in the VPC have public addresses."""
    vpc = call.params["VpcId"]
    gateways = call.moto("ec2").nat_gateways.values()
    nat = any(g.vpc_id == vpc and g.state in ("pending", "available", "deleting") for g in gateways)
    if nat or interfaces.has_public_addresses(call, vpc):
        raise _in_use(
            f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching "
            "the gateway."
        )


@checks("ec2:AttachInternetGateway")
def one_gateway_per_vpc(call: Call) -> None:
    """Refuse a second internet gateway."""
    vpc = call.params["VpcId"]
    if any(
        igw.vpc and igw.vpc.id == vpc and igw.id != call.params["InternetGatewayId"]
        for igw in call.moto("ec2").internet_gateways.values()
    ):
        raise AwsError("InvalidParameterValue", f"Network {vpc} already has an internet gateway attached")


@checks("ec2:ReleaseAddress")
def address_is_free(call: Call) -> None:
    """Refuse an address that something holds."""
    for address in call.moto("ec2").addresses:
        if address.allocation_id == call.params.get("AllocationId") and address.association_id:
            raise AwsError("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")


@checks("ec2:DisassociateAddress")
def address_is_ours(call: Call) -> None:
    """Refuse to take an address from a service's interface, such as a NAT gateway's."""
    for address in call.moto("ec2").addresses:
        if address.association_id == call.params.get("AssociationId") and _is_managed(address.eni):
            raise AwsError("AuthFailure", "You do not have permission to access the specified resource.")


@checks("ec2:DeleteNetworkInterface", "ec2:ModifyNetworkInterfaceAttribute")
def interface_is_ours(call: Call) -> None:
    """Refuse to touch a service's interface: it goes with its owner."""
    if _is_managed(call.moto("ec2").enis.get(call.params["NetworkInterfaceId"])):
        raise AwsError("AuthFailure", "You do not have permission to access the specified resource.")


def _is_managed(eni: Any) -> bool:
    return eni is not None and bool(eni.requester_managed)


@checks("ec2:CreateSubnet")
def subnet_size(call: Call) -> None:
    """Refuse blocks outside /16 to /28."""
    block = call.params.get("CidrBlock")
    if block and not 16 <= ipaddress.ip_network(block, strict=False).prefixlen <= 28:
        raise AwsError("InvalidSubnet.Range", f"The CIDR '{block}' is invalid.")


@handles("ec2:DeleteSubnet")
def delete_subnet(call: Call) -> Result:
    """Delete the subnet and its association with a route table, which moto keeps."""
    result = call.forward()
    for table in call.moto("ec2").route_tables.values():
        for association in [key for key, subnet in table._associations.items() if subnet == call.params["SubnetId"]]:
            del table._associations[association]
    return result
