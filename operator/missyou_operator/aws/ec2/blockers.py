"""What blocks the deletion of a network resource, by name, so that a person knows what to wait for or whom to ask.

EC2 answers a premature deletion with a bare `DependencyViolation`. The cause is nearly always a network interface that
another service created and will remove by itself; the rest was put into our network by someone else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Cloud, pages
from missyou_operator.aws.errors import code_of, gone
from missyou_operator.aws.identity import owner_of, tag_map
from missyou_operator.engine.resource import Health, pending

#: EC2's error codes for a resource that is still in use.
IN_USE = frozenset({"DependencyViolation", "InvalidGroup.InUse"})

#: How many blockers a message names; the rest are only counted.
NAMED = 5


@dataclass(frozen=True, slots=True)
class Blocker:
    """A resource in the way: its id, AWS's description of it, and its owner."""

    id: str
    description: str
    owner: str

    def __str__(self) -> str:
        return f"{self.id} '{self.description}' of {self.owner}" if self.description else f"{self.id} of {self.owner}"


def interfaces(
    cloud: Cloud, by: Literal["group-id", "subnet-id", "vpc-id"], id_: str, *, public: bool = False
) -> tuple[Blocker, ...]:
    """List the network interfaces left in a group, a subnet or a VPC; `public` keeps those with a public address."""
    rows = _described(cloud, "describe_network_interfaces", "NetworkInterfaces", {by: id_})
    return tuple(
        Blocker(row["NetworkInterfaceId"], row.get("Description") or "", _requester(row))
        for row in rows
        if not public or row.get("Association", {}).get("PublicIp")
    )


def users_of_group(cloud: Cloud, group_id: str) -> tuple[Blocker, ...]:
    """List the interfaces that use a security group; if there are none, the other groups whose rules name it."""
    found = interfaces(cloud, "group-id", group_id)
    if found:
        return found
    rows = [
        row
        for by in ("ip-permission.group-id", "egress.ip-permission.group-id")
        for row in _described(cloud, "describe_security_groups", "SecurityGroups", {by: group_id})
        if row["GroupId"] != group_id
    ]
    return tuple(dict.fromkeys(_group(row, "a rule of security group") for row in rows))


def contents_of_vpc(cloud: Cloud, vpc_id: str) -> tuple[Blocker, ...]:
    """List the interfaces left in a VPC; if there are none, its groups (GuardDuty leaves one behind) and subnets."""
    found = interfaces(cloud, "vpc-id", vpc_id)
    if found:
        return found
    groups = _described(cloud, "describe_security_groups", "SecurityGroups", {"vpc-id": vpc_id})
    subnets = _described(cloud, "describe_subnets", "Subnets", {"vpc-id": vpc_id})
    return (
        *(_group(row, "security group") for row in groups if row.get("GroupName") != "default"),
        *(Blocker(row["SubnetId"], f"subnet {row.get('CidrBlock', '')}", _tagged_owner(row)) for row in subnets),
    )


def strangers(cloud: Cloud, vpc_id: str, ours: Collection[str]) -> tuple[Blocker, ...]:
    """List what others have put into a VPC, which its deletion would wait for. `ours`: the IDs of the stack's own.

    The stack's interfaces are in its own security groups, but for those of its NAT gateways, which have none. An
    instance is never the stack's. Source: EC2 API reference, NetworkInterface.
    """
    found = [
        Blocker(row["NetworkInterfaceId"], row.get("Description") or "", _requester(row))
        for row in _described(cloud, "describe_network_interfaces", "NetworkInterfaces", {"vpc-id": vpc_id})
        if not _is_ours(row, ours)
    ]
    groups = _described(cloud, "describe_security_groups", "SecurityGroups", {"vpc-id": vpc_id})
    found += [
        _group(row, "security group")
        for row in groups
        if row["GroupId"] not in ours and row.get("GroupName") != "default"
    ]
    subnets = _described(cloud, "describe_subnets", "Subnets", {"vpc-id": vpc_id})
    return (
        *found,
        *(
            Blocker(row["SubnetId"], f"subnet {row.get('CidrBlock', '')}", _tagged_owner(row))
            for row in subnets
            if row["SubnetId"] not in ours
        ),
    )


def _is_ours(row: Mapping[str, Any], ours: Collection[str]) -> bool:
    if (row.get("Attachment") or {}).get("InstanceId"):
        return False
    words = str(row.get("Description") or "").split()
    return any(word in ours for word in words) or any(group["GroupId"] in ours for group in row.get("Groups") or ())


def delete_unless_used(
    what: str, delete: Callable[[], object], find: Callable[[], Sequence[Blocker]], typical_seconds: float = 30.0
) -> Health:
    """Run a deletion that takes effect at once; while AWS refuses it, return what blocks `what`.

    `find` is called only then. `typical_seconds` is how long such a wait usually takes.
    """
    try:
        return gone(delete)
    except ClientError as error:
        if code_of(error) not in IN_USE:
            raise
    try:
        why = blockers(find())
    except ClientError as error:
        why = f"something still uses it (reading what it is failed: {code_of(error)})"
    return in_use(what, why, typical_seconds)


def in_use(what: str, why: str, typical_seconds: float) -> Health:
    """Return that a deletion has to wait, and why."""
    return pending("InUse", f"{what} cannot be deleted yet: {why}", typical_seconds)


def blockers(found: Sequence[Blocker]) -> str:
    """Describe blockers, the first few by name."""
    if not found:
        return "AWS reports that it is still in use, but lists nothing that uses it; the deletion is retried"
    named = ", ".join(str(blocker) for blocker in found[:NAMED])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f"{named}{more} still {'uses' if len(found) == 1 else 'use'} it"


def _described(cloud: Cloud, operation: str, result: str, where: Mapping[str, str]) -> list[Mapping[str, Any]]:
    filters = [{"Name": name, "Values": [value]} for name, value in where.items()]
    return pages(cloud.client("ec2"), operation, result, Filters=filters)


def _requester(row: Mapping[str, Any]) -> str:
    """Return who created an interface: the service (`amazon-elb`), or the account."""
    attached_by = row.get("Attachment", {}).get("InstanceOwnerId") or ""
    if attached_by.startswith("amazon-"):
        return str(attached_by)
    if row.get("RequesterManaged") and row.get("RequesterId"):
        return str(row["RequesterId"])
    return _tagged_owner(row, "TagSet")


def _group(row: Mapping[str, Any], what: str) -> Blocker:
    return Blocker(row["GroupId"], f"{what} {row.get('GroupName', '')}", _tagged_owner(row))


def _tagged_owner(row: Mapping[str, Any], key: str = "Tags") -> str:
    return owner_of(tag_map(row.get(key))) or f"account {row.get('OwnerId', '(unknown)')}"
