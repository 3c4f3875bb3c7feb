"""The VPC and its subnets. States, identity and limits: EC2 API reference, CreateVpc and CreateSubnet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.ec2.blockers import contents_of_vpc, delete_unless_used, interfaces
from missyou_operator.aws.ec2.default_group import EMPTYING, empty_default_group
from missyou_operator.aws.ec2.rows import (
    ROUTE_TABLES,
    SECURITY_GROUPS,
    SUBNETS,
    VPCS,
    TagsOnly,
    name_of,
    retag,
    specification,
)
from missyou_operator.aws.idempotency import creating_once
from missyou_operator.aws.identity import tag_map
from missyou_operator.aws.informer import SLOW
from missyou_operator.aws.permissions import change, make, observe, tag_new
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import REBUILT, Effect, Effects
from missyou_operator.engine.errors import RefusedError
from missyou_operator.engine.resource import READY, Health, Observed, Resource, pending
from missyou_operator.engine.values import Ref


@dataclass(frozen=True, kw_only=True)
class Vpc(Resource):
    """A VPC. Two with the same CIDR are legal, so only the tags identify it, its own or those of what is in it."""

    TYPE = "ec2.Vpc"
    IDENTITY = "tags"
    NOT_IDEMPOTENT = True
    COMPARED = compare("cidr", "dns_support", "dns_hostnames")
    FORCES_REPLACEMENT = frozenset({"cidr"})
    DELETE_AFTER = ("ec2.Subnet", "ec2.RouteTable", "ec2.SecurityGroup", "ec2.InternetGateway")
    EFFECTS = Effects(
        Effect("CreateVpc", 5), Effect("DeleteVpc", 5), update=Effect("ModifyVpcAttribute")
    ).replaced_with(REBUILT)
    PERMISSIONS = (
        observe("ec2:DescribeVpcs", "ec2:DescribeVpcAttribute"),
        # What blocks its deletion.
        observe("ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets"),
        EMPTYING,
        make("ec2:CreateVpc", on=("ec2:vpc/*",)),
        tag_new("ec2:CreateTags", "CreateVpc", on=("ec2:vpc/*",)),
        change("ec2:ModifyVpcAttribute", "ec2:DeleteVpc", "ec2:CreateTags", "ec2:DeleteTags", on=("ec2:vpc/*",)),
    )

    cidr: str
    dns_support: bool = True
    dns_hostnames: bool = True

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the stack's VPCs. Their two DNS attributes take a call each: there is no batch."""
        rows = VPCS.tagged(reader, cls.TYPE)
        held: Sequence[Mapping[str, Any]] = ()
        ours = any(reader.owns(cls, row["VpcId"], tag_map(row.get("Tags"))) for row in rows)
        if not ours and not reader.cannot_exist_yet():
            held = _by_contents(reader)
        ids = {row["VpcId"] for row in held}
        rest = [row for row in rows if row["VpcId"] not in ids]
        return [cls._observed(reader, row, known=row in held) for row in (*held, *rest)]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any], *, known: bool) -> Observed:
        def attribute(name: str) -> bool:
            answer = reader.detail(SLOW, "ec2", "describe_vpc_attribute", VpcId=row["VpcId"], Attribute=name)
            return bool(answer[name[0].upper() + name[1:]]["Value"])

        tags, id_ = tag_map(row.get("Tags")), row["VpcId"]
        attrs = {
            "id": id_,
            "cidr": row["CidrBlock"],
            "dns_support": attribute("enableDnsSupport"),
            "dns_hostnames": attribute("enableDnsHostnames"),
        }
        # Its name is not read: a stack has one, and anybody may edit the tag `Name`.
        return reader.observed(cls, reader.name(cls.TYPE), id_, attrs, tags, row["State"], known=known)

    def health(self, observed: Observed) -> Health:
        """Return pending for the first seconds."""
        if observed.state == "available":
            return READY
        return pending(Reason.CREATING, f"VPC {observed.id} is being created", 3.0)

    def create(self, cloud: Cloud) -> Observed:
        """Create it, switch host names on (DNS support is on in a new VPC), and empty its default group."""
        tags = specification("vpc", self.tags)
        with creating_once(self.address):
            row = cloud.client_without_retries("ec2").create_vpc(CidrBlock=self.cidr, TagSpecifications=tags)["Vpc"]
        created = self.as_created(row["VpcId"], row["State"])
        try:
            created = self.update(cloud, created, frozenset({"dns_hostnames"}))
        except (ClientError, BotoCoreError):
            # It exists and must be remembered, or a second one would be created. The next pass completes it.
            created = created.with_attrs(dns_hostnames=False)
        empty_default_group(cloud, created.id)
        return created

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Set the DNS attributes, one per call, support first: host names require it."""
        ec2 = cloud.client("ec2")
        if "dns_support" in changed:
            ec2.modify_vpc_attribute(VpcId=observed.id, EnableDnsSupport={"Value": self.dns_support})
        if "dns_hostnames" in changed:
            ec2.modify_vpc_attribute(VpcId=observed.id, EnableDnsHostnames={"Value": self.dns_hostnames})
        if "tags" in changed:
            retag(cloud, self, observed)
        return self.as_desired(observed)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it, and with it its default group, main route table and default ACL."""
        return delete_unless_used(
            f"VPC {observed.id} ({observed.name})",
            lambda: cloud.client("ec2").delete_vpc(VpcId=observed.id),
            lambda: interfaces(cloud, observed.id),
            lambda: contents_of_vpc(cloud, observed.id),
        )


def _by_contents(reader: Reader) -> Sequence[Mapping[str, Any]]:
    """Read the VPC that holds what bears our tags, although it lacks them itself. Error: RefusedError if two do."""
    contents = {
        (row["VpcId"], row[table.key])
        for table in (SUBNETS, SECURITY_GROUPS, ROUTE_TABLES)
        for row in table.tagged(reader, "")
        if reader.stack.owns(tag_map(row.get("Tags")))
    }
    ids = sorted({vpc_id for vpc_id, _ in contents})
    if len(ids) > 1:
        held = "; ".join(f"{id_} holds {', '.join(sorted(part for at, part in contents if at == id_))}" for id_ in ids)
        raise RefusedError(
            Reason.OWNED_ELSEWHERE,
            f"no VPC bears this stack's tags, and more than one may be its own: {held}. Nothing is changed. Tag the "
            f"right one: {reader.stack.retag_command(Vpc.TYPE, ids[0], '')}",
        )
    return VPCS.by_ids(reader, ids)


@dataclass(frozen=True, kw_only=True)
class Subnet(TagsOnly):
    """A subnet of one availability zone."""

    TYPE = "ec2.Subnet"
    COMPARED = compare("vpc_id", "cidr", "zone")
    FORCES_REPLACEMENT = frozenset({"vpc_id", "cidr", "zone"})
    DELETE_AFTER = ("ec2.NatGateway", "elbv2.LoadBalancer", "ecs.Service", "rds.DBSubnetGroup", "ec2.RouteTable")
    READ_AFTER = ("ec2.Vpc",)
    EFFECTS = Effects(Effect("CreateSubnet", 5), Effect("DeleteSubnet", 5)).replaced_with(REBUILT)
    PERMISSIONS = (
        observe("ec2:DescribeSubnets", "ec2:DescribeNetworkInterfaces"),
        make("ec2:CreateSubnet", on=("ec2:subnet/*",)),
        tag_new("ec2:CreateTags", "CreateSubnet", on=("ec2:subnet/*",)),
        change("ec2:CreateSubnet", on=("ec2:vpc/*",)),
        change("ec2:DeleteSubnet", "ec2:CreateTags", "ec2:DeleteTags", on=("ec2:subnet/*",)),
    )

    vpc_id: str | Ref
    cidr: str
    zone: str

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the stack's subnets."""
        return [
            reader.observed(
                cls,
                name_of(reader, cls.TYPE, row["SubnetId"], row),
                row["SubnetId"],
                {
                    "id": row["SubnetId"],
                    "vpc_id": row["VpcId"],
                    "cidr": row["CidrBlock"],
                    "zone": row["AvailabilityZone"],
                },
                tag_map(row.get("Tags")),
                row["State"],
            )
            for row in SUBNETS.in_vpc(reader, cls.TYPE)
        ]

    def health(self, observed: Observed) -> Health:
        """Return pending for the first seconds."""
        if observed.state == "available":
            return READY
        return pending(Reason.CREATING, f"subnet {observed.id} is being created", 3.0)

    def create(self, cloud: Cloud) -> Observed:
        """Create it. No public addresses on launch: only the load balancer and NAT gateways live in public subnets."""
        row = cloud.client("ec2").create_subnet(
            VpcId=self.vpc_id,
            CidrBlock=self.cidr,
            AvailabilityZone=self.zone,
            TagSpecifications=specification("subnet", self.tags),
        )["Subnet"]
        return self.as_created(row["SubnetId"], row["State"])

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it once no network interface is left in it."""
        return delete_unless_used(
            f"subnet {observed.id} ({observed.name})",
            lambda: cloud.client("ec2").delete_subnet(SubnetId=observed.id),
            lambda: interfaces(cloud, observed.attrs["vpc_id"], subnet=observed.id),
        )
