"""What EC2 refuses and moto accepts: deletions of what is in use, and bad input to what this stack creates."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from missyou_local.aws import interfaces
from missyou_local.aws.call import Call, Result, checks, plays
from missyou_local.aws.errors import AwsError

_GROUP_TEXT = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")


def _in_use(message: str) -> AwsError:
    return AwsError("DependencyViolation", message)


@checks("ec2:DeleteSubnet")
def subnet_is_empty(call: Call) -> None:
    """Refuse while any network interface is in the subnet."""
    subnet = call.params["SubnetId"]
    if any(eni.subnet.id == subnet for eni in call.moto("ec2").enis.values()):
        raise _in_use(f"The subnet '{subnet}' has dependencies and cannot be deleted.")


@checks("ec2:DeleteSecurityGroup")
def group_is_unused(call: Call) -> None:
    """Refuse the default group, one that an interface uses, and one that another group's rule names."""
    ec2 = call.moto("ec2")
    group = ec2.get_security_group_by_name_or_id(call.params.get("GroupId") or call.params.get("GroupName"))
    if group is None:
        return
    if group.name == "default":
        raise AwsError("CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted by a user')
    used = any(group.id in [g.id for g in eni.group_set] for eni in ec2.enis.values())
    if used or any(_names(other, group.id) for other in _groups(ec2) if other.id != group.id):
        raise _in_use(f"resource {group.id} has a dependent object")


def _groups(ec2: Any) -> list[Any]:
    return [group for groups in ec2.groups.values() for group in groups.values()]


def _names(group: Any, group_id: str) -> bool:
    rules = [*group.ingress_rules, *group.egress_rules]
    return any((rule.source_group or {}).get("GroupId") == group_id for rule in rules)


@checks("ec2:DeleteVpc")
def vpc_is_empty(call: Call) -> None:
    """Refuse while an internet gateway or a security group besides the default one is there (moto sees to the rest)."""
    ec2, vpc = call.moto("ec2"), call.params["VpcId"]
    attached = any(igw.vpc and igw.vpc.id == vpc for igw in ec2.internet_gateways.values())
    if attached or any(group.name != "default" for group in ec2.groups.get(vpc, {}).values()):
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


@checks("ec2:DeleteRouteTable")
def not_the_main_table(call: Call) -> None:
    """Refuse the main route table of a VPC."""
    table = call.moto("ec2").route_tables.get(call.params["RouteTableId"])
    if table is not None and table.main_association_id:
        raise _in_use(f"The routeTable '{table.id}' has dependencies and cannot be deleted.")


@checks("ec2:AssociateRouteTable")
def subnet_has_no_table(call: Call) -> None:
    """Refuse a subnet that is associated with another table (ReplaceRouteTableAssociation is the way)."""
    subnet = call.params.get("SubnetId")
    for table in call.moto("ec2").route_tables.values():
        if table.id != call.params["RouteTableId"] and subnet in table._associations.values():
            raise AwsError("Resource.AlreadyAssociated", f"the specified association for subnet {subnet} conflicts")


@checks("ec2:CreateSubnet")
def subnet_size(call: Call) -> None:
    """Refuse blocks outside /16 to /28."""
    block = call.params.get("CidrBlock")
    if block and not 16 <= ipaddress.ip_network(block, strict=False).prefixlen <= 28:
        raise AwsError("InvalidSubnet.Range", f"The CIDR '{block}' is invalid.")


@checks("ec2:CreateSecurityGroup")
def group_text(call: Call) -> None:
    """Refuse names and descriptions that AWS refuses."""
    name, description = call.params["GroupName"], call.params["Description"]
    if name.lower().startswith("sg-"):
        raise AwsError(
            "InvalidParameterValue", f"invalid value '{name}' for GroupName. Group names may not start with sg-"
        )
    for key, value in (("name", name), ("description", description)):
        if not _GROUP_TEXT.fullmatch(value):
            raise AwsError(
                "InvalidParameterValue",
                f"Invalid security group {key}. Valid {key}s are strings less than 256 characters from the following "
                "set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
            )


@checks("ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress")
def rule_is_new(call: Call) -> None:
    """Refuse a rule that differs from an existing one in its description only."""
    group = call.moto("ec2").get_security_group_by_name_or_id(
        call.params.get("GroupId") or call.params.get("GroupName")
    )
    if group is None:
        return
    rules = group.ingress_rules if call.operation.endswith("Ingress") else group.egress_rules
    present = {(r.ip_protocol, r.from_port, r.to_port, _peer_of(r)) for r in rules}
    for permission in call.params.get("IpPermissions", []):
        protocol = permission["IpProtocol"]
        ports = (None, None) if protocol == "-1" else (permission.get("FromPort"), permission.get("ToPort"))
        for peer in _peers(permission):
            if (protocol, *ports, peer) in present:
                raise AwsError(
                    "InvalidPermission.Duplicate",
                    f'the specified rule "peer: {peer}, {protocol}, from port: {ports[0]}, to port: {ports[1]}, ALLOW" '
                    "already exists",
                )


def _peer_of(rule: Any) -> str | None:
    group = (rule.source_group or {}).get("GroupId")
    peer: str | None = rule.cidr_ipv4 or rule.cidr_ipv6 or group or rule.prefix_list_id
    return peer


def _peers(permission: dict[str, Any]) -> list[str]:
    return [
        *(entry["CidrIp"] for entry in permission.get("IpRanges", [])),
        *(entry["CidrIpv6"] for entry in permission.get("Ipv6Ranges", [])),
        *(entry["GroupId"] for entry in permission.get("UserIdGroupPairs", []) if "GroupId" in entry),
        *(entry["PrefixListId"] for entry in permission.get("PrefixListIds", [])),
    ]


@checks("ec2:CreateTags")
def tag_keys(call: Call) -> None:
    """Refuse keys that are AWS's own."""
    if any(tag["Key"].startswith("aws:") for tag in call.params.get("Tags", [])):
        raise AwsError("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")


@plays("ec2:DeleteSubnet")
def delete_subnet(call: Call) -> Result:
    """Delete the subnet and, as AWS does and moto does not, its association with a route table."""
    result = call.forward()
    for table in call.moto("ec2").route_tables.values():
        for association in [key for key, subnet in table._associations.items() if subnet == call.params["SubnetId"]]:
            del table._associations[association]
    return result
