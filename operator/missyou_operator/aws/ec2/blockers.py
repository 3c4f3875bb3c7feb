"""What blocks the deletion of a network resource, by name, so that a person knows what to wait for or whom to ask.

EC2 answers a premature deletion with a bare `DependencyViolation`. The cause is nearly always a network interface that
another service created and will remove by itself; the rest was put into our network by someone else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.aws.clock import seconds
from missyou_operator.aws.cloud import Cloud, pages
from missyou_operator.aws.errors import code_of, gone
from missyou_operator.aws.identity import owner_of, tag_map
from missyou_operator.engine.resource import Health, pending

#: EC2's error codes for a resource that is still in use.
IN_USE = frozenset({"DependencyViolation", "InvalidGroup.InUse"})

#: How many blockers a message names; the rest are only counted.
NAMED = 5
#: Seconds that the list of a VPC's network interfaces may be old: what is deleted in one pass shares it.
_SHARED_FOR = 1.0
#: Seconds until AWS removes a network interface, by the beginning of its description, and any other. Sources: the VPC
#: User Guide on requester-managed interfaces names the descriptions; Lambda Developer Guide, "Hyperplane ENIs": 20
#: minutes; the others: Terraform's public logs (30 s to 3 minutes).
_LINGERS = {"AWS Lambda VPC ENI": 1200.0}
_LINGERS_USUALLY = 60.0
#: Seconds until AWS lets go of what it lists no interface for.
_SOON = 30.0


@dataclass(frozen=True, slots=True)
class Blocker:
    """A resource in the way: its id, AWS's description of it, its owner, and the seconds until it is usually gone."""

    id: str
    description: str
    owner: str
    typical_seconds: float = _SOON

    def __str__(self) -> str:
        return f"{self.id} '{self.description}' of {self.owner}" if self.description else f"{self.id} of {self.owner}"


def interfaces(
    cloud: Cloud, vpc_id: str, *, subnet: str = "", group: str = "", public: bool = False
) -> tuple[Blocker, ...]:
    """List the network interfaces left in a VPC: those in a subnet, in a group, or with a public address if asked for.

    One call serves all that asks for the same VPC within a second.
    """
    rows = cloud.inventory.get(
        f"ec2.interfaces.{vpc_id}", lambda: _interfaces_in(cloud, vpc_id), seconds() - _SHARED_FOR
    )
    return tuple(
        _interface(row)
        for row in rows
        if (not subnet or row.get("SubnetId") == subnet)
        and (not group or any(each["GroupId"] == group for each in row.get("Groups") or ()))
        and (not public or row.get("Association", {}).get("PublicIp"))
    )


def users_of_group(cloud: Cloud, group_id: str) -> tuple[Blocker, ...]:
    """List the other groups whose rules name a security group."""
    rows = [
        row
        for by in ("ip-permission.group-id", "egress.ip-permission.group-id")
        for row in _described(cloud, "describe_security_groups", "SecurityGroups", {by: group_id})
        if row["GroupId"] != group_id
    ]
    return tuple(dict.fromkeys(_group(row, "a rule of security group") for row in rows))


def contents_of_vpc(cloud: Cloud, vpc_id: str) -> tuple[Blocker, ...]:
    """List the groups (GuardDuty leaves one behind) and subnets in a VPC."""
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
    found = [_interface(row) for row in _interfaces_in(cloud, vpc_id) if not _is_ours(row, ours)]
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
    what: str,
    delete: Callable[[], object],
    holders: Callable[[], Sequence[Blocker]],
    others: Callable[[], Sequence[Blocker]] = tuple,
) -> Health:
    """Run a deletion that takes effect at once, unless something is known to be in the way; return what blocks `what`.

    `holders` lists the network interfaces in the way: while there is one, AWS refuses, so that nothing is tried.
    `others` is called when AWS refuses although there is none.
    """
    unread = ""
    try:
        if found := holders():
            return in_use(what, blockers(found), max(each.typical_seconds for each in found))
    except ClientError as error:
        unread = code_of(error)
    try:
        return gone(delete)
    except ClientError as error:
        if code_of(error) not in IN_USE:
            raise
    try:
        why = _unread(unread) if unread else blockers(others())
    except ClientError as error:
        why = _unread(code_of(error))
    return in_use(what, why, _SOON)


def in_use(what: str, why: str, typical_seconds: float) -> Health:
    """Return that a deletion has to wait, and why. Nothing but the next try shows whether it is over."""
    return replace(pending("InUse", f"{what} cannot be deleted yet: {why}", typical_seconds), needs_no_read=True)


def _unread(code: str) -> str:
    return f"something still uses it (reading what it is failed: {code})"


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


def _interfaces_in(cloud: Cloud, vpc_id: str) -> list[Mapping[str, Any]]:
    return _described(cloud, "describe_network_interfaces", "NetworkInterfaces", {"vpc-id": vpc_id})


def _interface(row: Mapping[str, Any]) -> Blocker:
    description = row.get("Description") or ""
    lingers = next((seconds for begin, seconds in _LINGERS.items() if description.startswith(begin)), _LINGERS_USUALLY)
    return Blocker(row["NetworkInterfaceId"], description, _requester(row), lingers)


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
