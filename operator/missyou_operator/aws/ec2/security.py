"""Security groups and their rules, each rule a resource of its own.

A rule's natural key is what it allows (direction, protocol, ports and peer), and its name is composed of them. Every
rule of our groups is ours, whoever added it: one that is not desired is drift and is removed, including the default
"allow all out" of a new group, and those of the VPC's default group. Source: EC2 API reference,
DescribeSecurityGroupRules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.ec2.blockers import delete_unless_used, interfaces, users_of_group
from missyou_operator.aws.ec2.default_group import ALLOW_ALL_OUT, EMPTYING, default_group
from missyou_operator.aws.ec2.rows import SECURITY_GROUPS, TagsOnly, retag, specification
from missyou_operator.aws.errors import code_of, gone
from missyou_operator.aws.identity import owner_of, tag_map
from missyou_operator.aws.informer import DESCRIBED, Batch
from missyou_operator.aws.permissions import change, make, observe, tag_new
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import compare, equal, if_observed
from missyou_operator.engine.effects import REBUILT, Effect, Effects
from missyou_operator.engine.errors import NotYetError, RefusedError
from missyou_operator.engine.resource import Health, Observed, Resource
from missyou_operator.engine.values import Ref

#: Source: EC2 API reference, DescribeSecurityGroupRules: at most 200 values of a filter.
_RULES = Batch(
    "ec2",
    "describe_security_group_rules",
    "SecurityGroupRules",
    "GroupId",
    200,
    lambda ids: {"Filters": [{"Name": "group-id", "Values": [*ids]}]},
    DESCRIBED,
)

Direction = Literal["ingress", "egress"]


@dataclass(frozen=True, kw_only=True)
class SecurityGroup(TagsOnly):
    """A security group without rules. `name` is the group's name, unique in its VPC.

    The description is not compared: AWS cannot change it, and a group in use cannot be replaced.
    """

    TYPE = "ec2.SecurityGroup"
    COMPARED = compare("vpc_id")
    FORCES_REPLACEMENT = frozenset({"vpc_id"})
    DELETE_AFTER = ("ec2.SecurityGroupRule", "elbv2.LoadBalancer", "ecs.Service", "rds.DBInstance")
    READ_AFTER = ("ec2.Vpc",)
    EFFECTS = Effects(Effect("CreateSecurityGroup"), Effect("DeleteSecurityGroup")).replaced_with(REBUILT)
    PERMISSIONS = (
        observe("ec2:DescribeSecurityGroups", "ec2:DescribeNetworkInterfaces"),
        make("ec2:CreateSecurityGroup", on=("ec2:security-group/*",)),
        tag_new("ec2:CreateTags", "CreateSecurityGroup", on=("ec2:security-group/*",)),
        change("ec2:CreateSecurityGroup", on=("ec2:vpc/*",)),
        change(
            "ec2:RevokeSecurityGroupEgress",
            "ec2:DeleteSecurityGroup",
            "ec2:CreateTags",
            "ec2:DeleteTags",
            on=("ec2:security-group/*",),
        ),
    )

    vpc_id: str | Ref
    description: str

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the stack's groups."""
        return [cls._observed(reader, row) for row in SECURITY_GROUPS.in_vpc(reader, cls.TYPE)]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        attrs = {"id": row["GroupId"], "vpc_id": row.get("VpcId")}
        return reader.observed(cls, row["GroupName"], row["GroupId"], attrs, tag_map(row.get("Tags")))

    def create(self, cloud: Cloud) -> Observed:
        """Create it and revoke the default rule at once. After an interruption, that rule is removed as drift."""
        ec2 = cloud.client("ec2")
        try:
            answer = ec2.create_security_group(
                GroupName=self.name,
                Description=self.description,
                VpcId=self.vpc_id,
                TagSpecifications=specification("security-group", self.tags),
            )
        except ClientError as error:
            if code_of(error) != "InvalidGroup.Duplicate":
                raise
            raise self._duplicate(cloud) from error
        ec2.revoke_security_group_egress(GroupId=answer["GroupId"], IpPermissions=[ALLOW_ALL_OUT])
        return self.as_created(answer["GroupId"])

    def _duplicate(self, cloud: Cloud) -> NotYetError | RefusedError:
        """Return the error for a group that already has our name, with its owner."""
        where = [{"Name": "vpc-id", "Values": [str(self.vpc_id)]}, {"Name": "group-name", "Values": [self.name]}]
        rows = cloud.client("ec2").describe_security_groups(Filters=where)["SecurityGroups"]
        foreign = [row for row in rows if not cloud.stack.owns(tag_map(row.get("Tags")))]
        if not foreign:
            return NotYetError(Reason.CREATING, f"security group {self.name} exists; AWS does not list it yet", 3.0)
        owner = owner_of(tag_map(foreign[0].get("Tags"))) or "nobody known: it lacks our tags"
        return RefusedError(
            Reason.OWNED_ELSEWHERE,
            f"security group {self.name} ({foreign[0]['GroupId']}) exists in {self.vpc_id} and belongs to {owner}; "
            "it is left alone. Delete it",
        )

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it once no network interface uses it. AWS refuses while a rule of another group does."""
        return delete_unless_used(
            f"security group {observed.id} ({observed.name})",
            lambda: cloud.client("ec2").delete_security_group(GroupId=observed.id),
            lambda: interfaces(cloud, observed.attrs["vpc_id"], group=observed.id),
            lambda: users_of_group(cloud, observed.id),
        )


def rule_name(  # noqa: PLR0913, PLR0917 - the parts of the key
    group: str, direction: str, protocol: str, from_port: int, to_port: int, peer: str
) -> str:
    """Name a rule by what it allows, e.g. `missyou-alb ingress tcp/80 from 0.0.0.0/0`.

    `group` is the group's name, `peer` a CIDR (host bits cleared) or the peer group's name.
    """
    ports = f"{from_port}" if from_port == to_port else f"{from_port}-{to_port}"
    what = "all" if protocol == "-1" else f"{protocol}/{ports}"
    return f"{group} {direction} {what} {'from' if direction == 'ingress' else 'to'} {peer}"


@dataclass(frozen=True, kw_only=True)
class SecurityGroupRule(Resource):
    """One rule. `name` is `rule_name(…)` of the same parts; `peer` is a CIDR or a group's id.

    `protocol` is as EC2 reports it: `tcp`, `udp`, `icmp`, or `-1` for all (both ports -1).
    """

    TYPE = "ec2.SecurityGroupRule"
    COMPARED = compare(
        "group_id",
        "peer",
        description=if_observed(equal),  # a rule without a description is accepted
    )
    FORCES_REPLACEMENT = frozenset({"group_id", "peer"})
    READ_AFTER = ("ec2.SecurityGroup",)
    EFFECTS = Effects(
        Effect("AuthorizeSecurityGroupIngress, AuthorizeSecurityGroupEgress"),
        Effect("RevokeSecurityGroupIngress, RevokeSecurityGroupEgress"),
        fields={"description": Effect("ModifySecurityGroupRules")},
    ).replaced_with("new connections that the rule allows are refused for some seconds")
    PERMISSIONS = (
        observe("ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups"),
        EMPTYING,
        make(
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:AuthorizeSecurityGroupEgress",
            on=("ec2:security-group-rule/*",),
        ),
        tag_new(
            "ec2:CreateTags",
            "AuthorizeSecurityGroupIngress",
            "AuthorizeSecurityGroupEgress",
            on=("ec2:security-group-rule/*",),
        ),
        change(
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
            "ec2:RevokeSecurityGroupEgress",
            on=("ec2:security-group/*",),
        ),
        change("ec2:ModifySecurityGroupRules", on=("ec2:security-group/*", "ec2:security-group-rule/*")),
        change("ec2:CreateTags", "ec2:DeleteTags", on=("ec2:security-group-rule/*",)),
    )

    group_id: str | Ref
    direction: Direction
    protocol: str = "tcp"
    from_port: int
    to_port: int
    peer: str | Ref
    description: str

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read all rules of the stack's groups, and of the VPC's default group, in one call."""
        groups = {group.id: group for group in reader.found("ec2.SecurityGroup")}
        groups |= {group.id: group for vpc in reader.found("ec2.Vpc") if (group := _default(reader, vpc))}
        if not groups:
            return []
        rows = chain.from_iterable(reader.described(_RULES, sorted(groups)).values())
        return [cls._observed(row, groups) for row in rows]

    @classmethod
    def _observed(cls, row: Mapping[str, Any], groups: Mapping[str, Observed]) -> Observed:
        """Return the observation of a rule, which has its group's owner."""
        group = groups[row["GroupId"]]
        direction = "egress" if row["IsEgress"] else "ingress"
        peer = _peer(row)
        peer_name = groups[peer].name if peer in groups else peer
        ports = row.get("FromPort", -1), row.get("ToPort", -1)
        name = rule_name(group.name, direction, row["IpProtocol"], *ports, peer_name)
        attrs = {
            "id": row["SecurityGroupRuleId"],
            "group_id": group.id,
            "direction": direction,
            "peer": peer,
            "description": row.get("Description") or None,
        }
        tags = tag_map(row.get("Tags"))
        return Observed(cls, name, row["SecurityGroupRuleId"], attrs, tags, component=group.component)

    def create(self, cloud: Cloud) -> Observed:
        """Authorize it."""
        ec2 = cloud.client("ec2")
        authorize = {
            "ingress": ec2.authorize_security_group_ingress,
            "egress": ec2.authorize_security_group_egress,
        }[self.direction]
        try:
            answer = authorize(
                GroupId=self.group_id,
                IpPermissions=[self._permission()],
                TagSpecifications=specification("security-group-rule", self.tags),
            )
        except ClientError as error:
            if code_of(error) != "InvalidPermission.Duplicate":
                raise
            raise NotYetError(Reason.CREATING, f"rule {self.name} exists; AWS does not list it yet", 3.0) from error
        return self.as_created(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"], direction=self.direction)

    def _permission(self) -> dict[str, Any]:
        """Return the rule in the form that authorizing takes."""
        peers, key, _ = self._peer_keys()
        peer = {key: self.peer, "Description": self.description}
        return {"IpProtocol": self.protocol, "FromPort": self.from_port, "ToPort": self.to_port, peers: [peer]}

    def _peer_keys(self) -> tuple[str, str, str]:
        """Return EC2's names for this kind of peer: the list and the key when authorizing, the key when modifying."""
        peer = str(self.peer)
        if peer.startswith("sg-"):
            return "UserIdGroupPairs", "GroupId", "ReferencedGroupId"
        if ":" in peer:
            return "Ipv6Ranges", "CidrIpv6", "CidrIpv6"
        return "IpRanges", "CidrIp", "CidrIpv4"

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Change the description and the tags. A foreign rule that equals a desired one is adopted."""
        if "description" in changed:
            # The request states the whole rule, not only what changes.
            rule = {
                "IpProtocol": self.protocol,
                "FromPort": self.from_port,
                "ToPort": self.to_port,
                self._peer_keys()[2]: self.peer,
                "Description": self.description,
            }
            cloud.client("ec2").modify_security_group_rules(
                GroupId=self.group_id,
                SecurityGroupRules=[{"SecurityGroupRuleId": observed.id, "SecurityGroupRule": rule}],
            )
        if "tags" in changed:
            retag(cloud, self, observed)
        return self.as_desired(observed)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Revoke it."""
        ec2 = cloud.client("ec2")
        ingress = observed.attrs["direction"] == "ingress"
        revoke = ec2.revoke_security_group_ingress if ingress else ec2.revoke_security_group_egress
        return gone(lambda: revoke(GroupId=observed.attrs["group_id"], SecurityGroupRuleIds=[observed.id]))


def _default(reader: Reader, vpc: Observed) -> Observed | None:
    """Return the default group of the stack's VPC, which has the VPC's owner and no tags; None of a foreign VPC."""
    id_ = default_group(reader, vpc.id) if vpc.owned else None
    return Observed(SecurityGroup, f"{vpc.name} default", id_, component=vpc.component) if id_ else None


def _peer(row: Mapping[str, Any]) -> str:
    """Return the other end of a rule: a CIDR, or the id of a group or a prefix list."""
    group = row.get("ReferencedGroupInfo") or {}
    return str(
        row.get("CidrIpv4") or row.get("CidrIpv6") or group.get("GroupId") or row.get("PrefixListId") or "(unknown)"
    )
