"""What all EC2 resource types share: reading by tags, tagging in the creating call."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from missyou_operator.aws import tags
from missyou_operator.aws.cloud import Cloud, Row
from missyou_operator.aws.identity import STACK_TAG, tag_list, tag_map
from missyou_operator.aws.informer import LISTED, Source
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.resource import Observed, Resource


@dataclass(frozen=True, slots=True)
class Table:
    """An EC2 describe call. `key` is the key of a row's ID, `by_id` the filter for it, `vpc` the key of its VPC.

    EC2 resources have no names: the tags, set by the creating call, are their identity.
    """

    operation: str
    result: str
    key: str
    by_id: str
    filters: str = "Filters"
    vpc: str = "VpcId"

    def tagged(self, reader: Reader, type_: str) -> list[Row]:
        """Return the stack's rows among those that any stack owns, and those that are its own and have lost their tags.

        The latter are known by their IDs. They take a call of their own, and only while one is missing. Rows of an app
        of the same name, in another cluster or of another time, come too: nothing is made beside them silently.
        """
        ours = [row for row in reader.listed(self._source, reader.stack.app) if self._shown(reader, type_, row)]
        return [*ours, *self.by_ids(reader, reader.known(type_).keys() - {row[self.key] for row in ours})]

    @property
    def _source(self) -> Source:
        where = [{"Name": "tag-key", "Values": [STACK_TAG]}]
        return Source("ec2", self.operation, self.result, _app, {self.filters: where})

    def _shown(self, reader: Reader, type_: str, row: Row) -> bool:
        """Return whether a row is the stack's, or bears its names and another cluster's or another app's UID.

        An app of the same name that has another `spec.stackName` is no neighbour in AWS.
        """
        tags = tag_map(row.get("Tags"))
        if not reader.stack.could_take_over(tags):
            return reader.stack.owns(tags)
        vpcs = {vpc.id for vpc in reader.found("ec2.Vpc")}
        elsewhere = type_ != "ec2.Vpc" and row.get(self.vpc) is not None and row[self.vpc] not in vpcs
        return bool(type_) and not elsewhere and reader.fits(type_, tags.get("Name", ""))

    def last_read(self, cloud: Cloud) -> list[Row]:
        """Return the rows that name the stack's app, from a read that somebody has made within the hour."""
        return cloud.recent(self._source, 3600.0, cloud.stack.app)

    def by_ids(self, reader: Reader, ids: Collection[str]) -> Sequence[Row]:
        """Read rows by their IDs, whatever their tags; IDs that do not exist are ignored."""
        where = {self.filters: [{"Name": self.by_id, "Values": sorted(ids)}]}
        return reader.detail_rows(LISTED, "ec2", self.operation, self.result, **where) if ids else ()

    def in_vpc(self, reader: Reader, type_: str) -> list[Row]:
        """Read resources that live in the VPC, as `tagged` does; without a VPC there are none, and no call is made."""
        return self.tagged(reader, type_) if reader.found("ec2.Vpc") else []


VPCS = Table("describe_vpcs", "Vpcs", "VpcId", "vpc-id")
SUBNETS = Table("describe_subnets", "Subnets", "SubnetId", "subnet-id")
INTERNET_GATEWAYS = Table("describe_internet_gateways", "InternetGateways", "InternetGatewayId", "internet-gateway-id")
ADDRESSES = Table("describe_addresses", "Addresses", "AllocationId", "allocation-id")
NAT_GATEWAYS = Table("describe_nat_gateways", "NatGateways", "NatGatewayId", "nat-gateway-id", filters="Filter")
ROUTE_TABLES = Table("describe_route_tables", "RouteTables", "RouteTableId", "route-table-id")
SECURITY_GROUPS = Table("describe_security_groups", "SecurityGroups", "GroupId", "group-id")
FLOW_LOGS = Table("describe_flow_logs", "FlowLogs", "FlowLogId", "flow-log-id", filters="Filter", vpc="ResourceId")
ENDPOINTS = Table("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", "vpc-endpoint-id")


def _app(row: Row) -> str:
    """Return the app that a row's tags name."""
    return tag_map(row.get("Tags")).get(STACK_TAG, "")


def name_of(reader: Reader, type_: str, id_: str, row: Row) -> str:
    """Return a resource's name: what the stack knows it by, since anybody may edit the tag `Name`."""
    return reader.known(type_).get(id_) or tag_map(row.get("Tags")).get("Name", id_)


def specification(kind: str, desired: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the `TagSpecifications` that tag a resource in the creating call."""
    return [{"ResourceType": kind, "Tags": tag_list(desired)}]


def retag(cloud: Cloud, desired: Resource, observed: Observed) -> None:
    """Set the tags of an EC2 resource."""
    ec2, resources = cloud.client("ec2"), [observed.id]
    tags.retag(
        desired,
        observed,
        lambda keys: ec2.delete_tags(Resources=resources, Tags=[{"Key": key} for key in keys]),
        lambda: ec2.create_tags(Resources=resources, Tags=tag_list(desired.tags)),
    )


@dataclass(frozen=True, kw_only=True)
class TagsOnly(Resource):
    """An EC2 resource of which nothing but the tags can change in place."""

    IDENTITY = "tags"

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Set the tags."""
        retag(cloud, self, observed)
        return self.as_desired(observed)
