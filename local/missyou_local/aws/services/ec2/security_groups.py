"""Refusals of security groups and their rules that moto lacks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from missyou_local.aws.call import Call, Result, checks, handles
from missyou_local.aws.errors import AwsError

_TEXT = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
_NAMED_PROTOCOLS = {"tcp": "tcp", "udp": "udp", "icmp": "icmp", "icmpv6": "icmpv6", "-1": "-1", "all": "-1"}
_NUMBERED_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}


@handles("ec2:CreateVpc")
def create_vpc(call: Call) -> Result:
    """Create the VPC, whose default group admits what is in it (VPC user guide, "Default security groups")."""
    result = call.forward()
    group = call.moto("ec2").get_default_security_group(result["Vpc"]["VpcId"]).id
    inside = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
    call.ask("AuthorizeSecurityGroupIngress", {"GroupId": group, "IpPermissions": [inside]})
    return result


@checks("ec2:DeleteSecurityGroup")
def group_is_unused(call: Call) -> None:
    """Refuse the default group, a group that an interface uses, and one that another group's rule names."""
    ec2 = call.moto("ec2")
    group = _group(call)
    if group is None:
        return
    if group.name == "default":
        raise AwsError("CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted by a user')
    used = any(group.id in [g.id for g in eni.group_set] for eni in ec2.enis.values())
    if used or any(_names(other, group.id) for other in _groups(ec2) if other.id != group.id):
        raise AwsError("DependencyViolation", f"resource {group.id} has a dependent object")


def _groups(ec2: Any) -> list[Any]:
    return [group for groups in ec2.groups.values() for group in groups.values()]


def _names(group: Any, group_id: str) -> bool:
    rules = [*group.ingress_rules, *group.egress_rules]
    return any((rule.source_group or {}).get("GroupId") == group_id for rule in rules)


@checks("ec2:CreateSecurityGroup")
def group_text(call: Call) -> None:
    """Refuse malformed names and descriptions."""
    name, description = call.params["GroupName"], call.params["Description"]
    if name.lower().startswith("sg-"):
        raise AwsError(
            "InvalidParameterValue", f"invalid value '{name}' for GroupName. Group names may not start with sg-"
        )
    for key, value in (("name", name), ("description", description)):
        if not _TEXT.fullmatch(value):
            raise AwsError(
                "InvalidParameterValue",
                f"Invalid security group {key}. Valid {key}s are strings less than 256 characters from the following "
                "set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
            )


@checks("ec2:CreateSecurityGroup")
def group_name_is_free(call: Call) -> None:
    """Refuse the reserved name, and one that differs from another group's in case only."""
    name = call.params["GroupName"]
    if name.lower() == "default":
        raise AwsError("InvalidParameterValue", f"Cannot use reserved security group name: {name}")
    known = call.moto("ec2").groups.get(call.params.get("VpcId"), {}).values()
    if any(group.name.lower() == name.lower() for group in known):
        message = f"The security group '{name}' already exists for VPC '{call.params.get('VpcId')}'"
        raise AwsError("InvalidGroup.Duplicate", message)


_AUTHORIZE = ("ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress")


@checks(*_AUTHORIZE)
def rule_makes_sense(call: Call) -> None:
    """Refuse unknown protocols, impossible ports and blocks, malformed descriptions, and rules without a peer."""
    for permission in call.params.get("IpPermissions", []):
        _check_ports(permission)
        if not _peers(permission):
            raise AwsError("InvalidParameterValue", "A rule needs a block, a prefix list or a security group")
        for entry in permission.get("IpRanges", []):
            _check_block(entry["CidrIp"])
        for kind in ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"):
            for entry in permission.get(kind, []):
                _check_description(entry.get("Description", ""))


def _check_ports(permission: Mapping[str, Any]) -> None:
    protocol = _protocol(permission)
    low, high = permission.get("FromPort"), permission.get("ToPort")
    if protocol not in ("tcp", "udp"):
        return
    if low is None or high is None:
        message = f"Invalid value '{protocol}' for protocol: a range of ports must be specified"
        raise AwsError("InvalidParameterValue", message)
    if not 0 <= low <= 65_535 or not 0 <= high <= 65_535:
        raise AwsError("InvalidParameterValue", f"Invalid value '{low}-{high}' for portRange: 0-65535 is valid")
    if low > high:
        raise AwsError("InvalidParameterValue", f"Invalid TCP/UDP port range ({low}:{high})")


def _protocol(permission: Mapping[str, Any]) -> str:
    """Return the protocol as it reads back. Raises AwsError for one that does not exist."""
    given = str(permission["IpProtocol"])
    known = _NAMED_PROTOCOLS.get(given.lower()) or _NUMBERED_PROTOCOLS.get(given)
    if known is None and not (given.isdecimal() and int(given) <= 255):
        raise AwsError("InvalidParameterValue", f"Invalid value '{given}' for IP protocol. Unknown protocol.")
    return known or given


def _check_block(block: str) -> None:
    try:
        ipaddress.ip_network(block, strict=False)
    except ValueError:
        raise AwsError("InvalidParameterValue", f"CIDR block {block} is malformed") from None


def _check_description(text: str) -> None:
    if not _TEXT.fullmatch(text):
        raise AwsError(
            "InvalidParameterValue",
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set: "
            "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        )


@checks(*_AUTHORIZE)
def rule_is_new(call: Call) -> None:
    """Refuse a rule that exists, whatever its description, and one that the call names twice."""
    group = _group(call)
    if group is None:
        return
    rules = group.ingress_rules if call.operation.endswith("Ingress") else group.egress_rules
    present = {(r.ip_protocol, r.from_port, r.to_port, _peer_of(r)) for r in rules}
    asked: set[tuple[Any, ...]] = set()
    for permission in call.params.get("IpPermissions", []):
        protocol = _protocol(permission)
        ports = (None, None) if protocol == "-1" else (permission.get("FromPort"), permission.get("ToPort"))
        for peer in _peers(permission):
            rule = (protocol, *ports, peer)
            if rule in present:
                message = f'the specified rule "peer: {peer}, {protocol}, from port: {ports[0]}, to port: {ports[1]}"'
                raise AwsError("InvalidPermission.Duplicate", f"{message} already exists")
            if rule in asked:
                raise AwsError("InvalidParameterValue", "The same permission must not appear multiple times")
            asked.add(rule)


def _group(call: Call) -> Any:
    return call.moto("ec2").get_security_group_by_name_or_id(call.params.get("GroupId") or call.params.get("GroupName"))


def _peer_of(rule: Any) -> str | None:
    group = (rule.source_group or {}).get("GroupId")
    peer: str | None = rule.cidr_ipv4 or rule.cidr_ipv6 or group or rule.prefix_list_id
    return peer


def _peers(permission: Mapping[str, Any]) -> list[str]:
    return [
        *(entry["CidrIp"] for entry in permission.get("IpRanges", [])),
        *(entry["CidrIpv6"] for entry in permission.get("Ipv6Ranges", [])),
        *(entry["GroupId"] for entry in permission.get("UserIdGroupPairs", []) if "GroupId" in entry),
        *(entry["PrefixListId"] for entry in permission.get("PrefixListIds", [])),
    ]


@checks("ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress")
def rules_are_known(call: Call) -> None:
    """Refuse unknown rule IDs, with AWS's code (moto has another)."""
    group = _group(call)
    if group is None:
        return
    known = {rule.id for rule in (*group.ingress_rules, *group.egress_rules)}
    for rule in call.params.get("SecurityGroupRuleIds", []):
        if rule not in known:
            message = f"The security group rule ID '{rule}' does not exist"
            raise AwsError("InvalidSecurityGroupRuleId.NotFound", message)
