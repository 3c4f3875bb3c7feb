"""What holds up the deletion of a part of the network, by name, so that a person can see whom to wait for or to ask.

EC2 answers a deletion that comes too early with a bare `DependencyViolation`. Nearly always it is a network interface,
of a kind that another service made and takes away by itself; the rest is what somebody else put into our network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Cloud, pages
from missyou_operator.aws.errors import code_of, gone
from missyou_operator.aws.identity import owner_of, tag_map
from missyou_operator.engine.resource import Health, pending

#: The ways in which EC2 says that something is still used.
IN_USE = frozenset({"DependencyViolation", "InvalidGroup.InUse"})

#: How many blockers a message names before it only counts the rest.
NAMED = 5


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing in the way: its id, what it is (as AWS describes it), and who owns it."""

    id: str
    description: str
    owner: str

    def __str__(self) -> str:
        return f"{self.id} '{self.description}' of {self.owner}" if self.description else f"{self.id} of {self.owner}"


def interfaces(
    cloud: Cloud, by: Literal["group-id", "subnet-id", "vpc-id"], id_: str, *, public: bool = False
) -> tuple[Blocker, ...]:
    """List the network interfaces left in a group, a subnet or a VPC; `public`: only those with a public address."""
    rows = _described(cloud, "describe_network_interfaces", "NetworkInterfaces", {by: id_})
    return tuple(
        Blocker(row["NetworkInterfaceId"], row.get("Description") or "", _requester(row))
        for row in rows
        if not public or row.get("Association", {}).get("PublicIp")
    )


def users_of_group(cloud: Cloud, group_id: str) -> tuple[Blocker, ...]:
    """List what uses a security group: interfaces, or else other groups with a rule that names it."""
    found = interfaces(cloud, "group-id", group_id)
    if found:
        return found
    rows = [
        row
        for by in ("ip-permission.group-id", "egress.ip-permission.group-id")
        for row in _described(cloud, "describe_security_groups", "SecurityGroups", {by: group_id})
        if row["GroupId"] != group_id
    ]
    return _unique(_group(row, "a rule of security group") for row in rows)


def contents_of_vpc(cloud: Cloud, vpc_id: str) -> tuple[Blocker, ...]:
    """List what is left in a VPC: interfaces, or else groups and subnets (GuardDuty leaves a group behind, say)."""
    found = interfaces(cloud, "vpc-id", vpc_id)
    if found:
        return found
    groups = _described(cloud, "describe_security_groups", "SecurityGroups", {"vpc-id": vpc_id})
    subnets = _described(cloud, "describe_subnets", "Subnets", {"vpc-id": vpc_id})
    return (
        *(_group(row, "security group") for row in groups if row.get("GroupName") != "default"),
        *(Blocker(row["SubnetId"], f"subnet {row.get('CidrBlock', '')}", _tagged_owner(row)) for row in subnets),
    )


def delete_unless_used(
    what: str, delete: Callable[[], object], find: Callable[[], Sequence[Blocker]], typical_seconds: float = 30.0
) -> Health:
    """Run a deletion that takes effect at once; while AWS refuses it, say what `what` is waiting for.

    `find` is asked only then. `typical_seconds` is how long (in seconds) such a wait usually takes.
    """
    try:
        return gone(delete)
    except ClientError as error:
        if code_of(error) not in IN_USE:
            raise
    try:
        found = find()
    except ClientError as error:
        return in_use(
            what, f"something still uses it (and what it is could not be read: {code_of(error)})", typical_seconds
        )
    return in_use(what, blockers(found), typical_seconds)


def in_use(what: str, why: str, typical_seconds: float) -> Health:
    """Say that a deletion has to wait, and for what."""
    return pending("InUse", f"{what} cannot be deleted yet: {why}", typical_seconds)


def blockers(found: Sequence[Blocker]) -> str:
    """Put blockers into words, the first few by name."""
    if not found:
        return "AWS says that something still uses it, and shows nothing that does; it is tried again"
    named = ", ".join(str(blocker) for blocker in found[:NAMED])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f"{named}{more} still {'uses' if len(found) == 1 else 'use'} it"


def _described(cloud: Cloud, operation: str, result: str, where: Mapping[str, str]) -> list[Mapping[str, Any]]:
    filters = [{"Name": name, "Values": [value]} for name, value in where.items()]
    return pages(cloud.client("ec2"), operation, result, Filters=filters)


def _requester(row: Mapping[str, Any]) -> str:
    """Name who made an interface: the service (`amazon-elb`), or the account."""
    attached_by = row.get("Attachment", {}).get("InstanceOwnerId") or ""
    if attached_by.startswith("amazon-"):
        return str(attached_by)
    if row.get("RequesterManaged") and row.get("RequesterId"):
        return str(row["RequesterId"])
    return owner_of(tag_map(row.get("TagSet"))) or f"account {row.get('OwnerId', '(unknown)')}"


def _group(row: Mapping[str, Any], what: str) -> Blocker:
    return Blocker(row["GroupId"], f"{what} {row.get('GroupName', '')}", _tagged_owner(row))


def _tagged_owner(row: Mapping[str, Any]) -> str:
    return owner_of(tag_map(row.get("Tags"))) or f"account {row.get('OwnerId', '(unknown)')}"


def _unique(found: Iterable[Blocker]) -> tuple[Blocker, ...]:
    return tuple(dict.fromkeys(found))
