"""The default security group of a VPC, which is to have no rules.

It comes with its VPC, cannot be deleted, and is what a resource gets for which nobody names a group: with the rules
that it comes with, all such resources reach one another and the internet. Nothing of ours is in it. Sources: VPC user
guide, "Default security groups for your VPCs"; AWS Security Hub user guide, EC2.2.
"""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import gone
from missyou_operator.aws.identity import CLUSTER_TAG
from missyou_operator.aws.informer import Source
from missyou_operator.aws.permissions import Condition, Grant, Part
from missyou_operator.aws.reader import Reader

_NAME = "default"
#: The rule that EC2 adds to every new group.
ALLOW_ALL_OUT = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
#: It cannot bear our tags: nobody may tag what is there already, and creating a VPC tags the VPC alone. So rules may be
#: taken away from groups that bear no cluster's tag; none may be added to them.
EMPTYING = Grant(
    Part.CHANGE,
    ("ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress"),
    ("ec2:security-group/*",),
    (Condition("Null", f"aws:ResourceTag/{CLUSTER_TAG}", ("true",)),),
)


#: Those of all VPCs of the account.
_DEFAULT_GROUPS = Source(
    "ec2",
    "describe_security_groups",
    "SecurityGroups",
    "VpcId",
    {"Filters": [{"Name": "group-name", "Values": [_NAME]}]},
)


class _UnknownError(LookupError):
    """EC2 does not show the group of a new VPC yet."""


def default_group(reader: Reader, vpc_id: str) -> str | None:
    """Return the ID of a VPC's default group, read once; None while EC2 does not show it."""
    # It is there as long as its VPC, so that a list of an hour ago shows most of them.
    for row in reader.recent(_DEFAULT_GROUPS, 3600.0, vpc_id):
        return str(row["GroupId"])
    try:
        return reader.once(f"ec2.default_group.{vpc_id}", lambda: _find(reader, vpc_id))
    except _UnknownError:
        return None


def _find(cloud: Cloud, vpc_id: str) -> str:
    where = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": [_NAME]}]
    for row in cloud.client("ec2").describe_security_groups(Filters=where).get("SecurityGroups") or ():
        return str(row["GroupId"])
    raise _UnknownError(vpc_id)


def empty_default_group(cloud: Cloud, vpc_id: str) -> None:
    """Take away the two rules that the default group of a new VPC comes with: they are known, and not read.

    What fails here is done later: each full observation reads the rules, and those that are not desired go.
    """
    ec2 = cloud.client("ec2")
    try:
        group = cloud.once(f"ec2.default_group.{vpc_id}", lambda: _find(cloud, vpc_id))
        inside = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
        gone(lambda: ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[inside]))
        gone(lambda: ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[ALLOW_ALL_OUT]))
    except (ClientError, BotoCoreError, _UnknownError):
        return
