"""The VPC and its subnets. States, identity and limits: EC2 API reference, CreateVpc and CreateSubnet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import BotoCoreError, ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud, Reader
from missyou_operator.aws.ec2.blockers import contents_of_vpc, delete_unless_used, interfaces
from missyou_operator.aws.ec2.rows import in_vpc, retag, specification, tagged
from missyou_operator.aws.idempotency import creating_once
from missyou_operator.aws.identity import tag_map
from missyou_operator.aws.permissions import Grant, change, make, observe, tag_new
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.resource import READY, Health, Observed, Resource, pending
from missyou_operator.engine.values import Ref


@dataclass(frozen=True, kw_only=True)
class Vpc(Resource):
    """A VPC. Two of the same CIDR are legal, so only the tags identify it."""

    TYPE: ClassVar[str] = "ec2.Vpc"
    NOT_IDEMPOTENT: ClassVar[bool] = True
    COMPARED = compare("cidr", "dns_support", "dns_hostnames")
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"cidr"})
    DELETE_AFTER: ClassVar[tuple[str, ...]] = (
        "ec2.Subnet",
        "ec2.RouteTable",
        "ec2.SecurityGroup",
        "ec2.InternetGateway",
    )
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ec2:DescribeVpcs", "ec2:DescribeVpcAttribute"),
        # What holds up its deletion.
        observe("ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets"),
        make("ec2:CreateVpc", on=("ec2:vpc/*",)),
        tag_new("ec2:CreateTags", "CreateVpc", on=("ec2:vpc/*",)),
        change("ec2:ModifyVpcAttribute", "ec2:DeleteVpc", "ec2:CreateTags", on=("ec2:vpc/*",)),
    )

    cidr: str
    dns_support: bool = True
    dns_hostnames: bool = True

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Find the stack's VPCs; their two DNS attributes take a call each, there is no batch."""
        return [cls._observed(reader, row) for row in tagged(reader, "describe_vpcs", "Vpcs")]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        def attribute(name: str) -> bool:
            answer = reader.client("ec2").describe_vpc_attribute(VpcId=row["VpcId"], Attribute=name)
            return bool(answer[name[0].upper() + name[1:]]["Value"])

        tags = tag_map(row.get("Tags"))
        attrs = {
            "id": row["VpcId"],
            "cidr": row["CidrBlock"],
            "dns_support": attribute("enableDnsSupport"),
            "dns_hostnames": attribute("enableDnsHostnames"),
        }
        return reader.observed(cls, tags.get("Name", row["VpcId"]), row["VpcId"], attrs, tags, row["State"])

    def health(self, observed: Observed) -> Health:
        """Pending for the first seconds."""
        return (
            READY
            if observed.state == "available"
            else pending(Reason.CREATING, f"VPC {observed.id} is being made", 3.0)
        )

    def create(self, cloud: Cloud) -> Observed:
        """Create it. DNS support is on in a new VPC; host names have to be switched on."""
        tags = specification("vpc", self.tags)
        with creating_once(self.address):
            row = cloud.client_without_retries("ec2").create_vpc(CidrBlock=self.cidr, TagSpecifications=tags)["Vpc"]
        made = self.as_created(row["VpcId"], row["State"])
        try:
            return self.update(cloud, made, frozenset({"dns_hostnames"}))
        except (ClientError, BotoCoreError):
            # It is there, and must be remembered as such, or there would soon be a second one: the next pass goes on.
            return made.with_attrs(dns_hostnames=False)

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Set the DNS attributes, one a call, support first: host names require it."""
        ec2 = cloud.client("ec2")
        if "dns_support" in changed:
            ec2.modify_vpc_attribute(VpcId=observed.id, EnableDnsSupport={"Value": self.dns_support})
        if "dns_hostnames" in changed:
            ec2.modify_vpc_attribute(VpcId=observed.id, EnableDnsHostnames={"Value": self.dns_hostnames})
        if "tags" in changed:
            retag(cloud, observed, self.tags)
        return self.as_desired(observed)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it; default group, main route table and default ACL go with it."""
        return delete_unless_used(
            f"VPC {observed.id} ({observed.name})",
            lambda: cloud.client("ec2").delete_vpc(VpcId=observed.id),
            lambda: contents_of_vpc(cloud, observed.id),
        )


@dataclass(frozen=True, kw_only=True)
class Subnet(Resource):
    """A subnet of one availability zone."""

    TYPE: ClassVar[str] = "ec2.Subnet"
    COMPARED = compare("vpc_id", "cidr", "zone")
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"vpc_id", "cidr", "zone"})
    DELETE_AFTER: ClassVar[tuple[str, ...]] = (
        "ec2.NatGateway",
        "elbv2.LoadBalancer",
        "ecs.Service",
        "rds.DBSubnetGroup",
        "ec2.RouteTable",
    )
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ec2.Vpc",)
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ec2:DescribeSubnets", "ec2:DescribeNetworkInterfaces"),
        make("ec2:CreateSubnet", on=("ec2:subnet/*",)),
        tag_new("ec2:CreateTags", "CreateSubnet", on=("ec2:subnet/*",)),
        change("ec2:CreateSubnet", on=("ec2:vpc/*",)),
        change("ec2:DeleteSubnet", "ec2:CreateTags", on=("ec2:subnet/*",)),
    )

    vpc_id: str | Ref
    cidr: str
    zone: str

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Find the stack's subnets."""
        return [
            reader.observed(
                cls,
                tag_map(row["Tags"]).get("Name", row["SubnetId"]),
                row["SubnetId"],
                {
                    "id": row["SubnetId"],
                    "vpc_id": row["VpcId"],
                    "cidr": row["CidrBlock"],
                    "zone": row["AvailabilityZone"],
                },
                tag_map(row["Tags"]),
                row["State"],
            )
            for row in in_vpc(reader, "describe_subnets", "Subnets")
        ]

    def health(self, observed: Observed) -> Health:
        """Pending for the first seconds."""
        return READY if observed.state == "available" else pending(Reason.CREATING, f"subnet {observed.id} is new", 3.0)

    def create(self, cloud: Cloud) -> Observed:
        """Create it. No public addresses on launch: only the load balancer and NAT gateways live in public subnets."""
        row = cloud.client("ec2").create_subnet(
            VpcId=self.vpc_id,
            CidrBlock=self.cidr,
            AvailabilityZone=self.zone,
            TagSpecifications=specification("subnet", self.tags),
        )["Subnet"]
        return self.as_created(row["SubnetId"], row["State"])

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Only tags can change."""
        retag(cloud, observed, self.tags)
        return self.as_desired(observed)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it; refused (and tried again) while any network interface is left in it."""
        return delete_unless_used(
            f"subnet {observed.id} ({observed.name})",
            lambda: cloud.client("ec2").delete_subnet(SubnetId=observed.id),
            lambda: interfaces(cloud, "subnet-id", observed.id),
        )
