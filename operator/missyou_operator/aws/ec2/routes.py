"""Route tables, with their default route and the subnets that use them.

One resource for three EC2 objects: a route (a destination in a table) and an association (a subnet's choice of a table)
have no identity of their own. Source: EC2 API reference, CreateRouteTable and CreateRoute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.aws.clock import utc_now
from missyou_operator.aws.cloud import Client, Cloud
from missyou_operator.aws.ec2.rows import ROUTE_TABLES, name_of, retag, specification
from missyou_operator.aws.errors import code_of, gone, is_absent
from missyou_operator.aws.identity import tag_map
from missyou_operator.aws.permissions import Grant, change, make, observe, tag_new
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import as_set, compare, equal
from missyou_operator.engine.effects import REBUILT, Effect, Effects
from missyou_operator.engine.resource import Health, Observed, Resource
from missyou_operator.engine.values import Ref

DEFAULT_ROUTE = "0.0.0.0/0"

#: The targets that a route can have, as EC2 names them in its answers.
_TARGETS = (
    "GatewayId",
    "NatGatewayId",
    "InstanceId",
    "NetworkInterfaceId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "LocalGatewayId",
    "CarrierGatewayId",
)

#: Seconds for which two requests for the same table share a token: longer than reads lag behind writes, short enough
#: that a deleted table can soon be created again.
_SAME_REQUEST = 300


@dataclass(frozen=True, kw_only=True)
class RouteTable(Resource):
    """A route table. Routes other than the default (a peering that someone added) are left alone.

    `default_target` is the target of the default route, `igw-…` or `nat-…`; None stands for no default route.
    `subnet_ids` is a set: exactly these subnets use the table.
    """

    TYPE: ClassVar[str] = "ec2.RouteTable"
    IDENTITY = "tags"
    COMPARED = compare("vpc_id", subnet_ids=as_set, default_target=equal)
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"vpc_id"})
    #: AWS does not require it, but stopping tasks still send their last log lines.
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ecs.Service",)
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ec2.Vpc",)
    EFFECTS = Effects(
        Effect("CreateRouteTable, CreateRoute, AssociateRouteTable", 3),
        Effect("DisassociateRouteTable, DeleteRouteTable", 3),
        fields={
            "subnet_ids": Effect("ReplaceRouteTableAssociation"),
            "default_target": Effect(
                "ReplaceRoute",
                feels="connections from tasks to the internet break once; new ones work at once",
                source="VPC User Guide, NAT gateways: the gateway that a connection goes through knows its state",
            ),
        },
    ).replaced_with(REBUILT)
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ec2:DescribeRouteTables"),
        make("ec2:CreateRouteTable", on=("ec2:route-table/*",)),
        tag_new("ec2:CreateTags", "CreateRouteTable", on=("ec2:route-table/*",)),
        change("ec2:CreateRouteTable", on=("ec2:vpc/*",)),
        change("ec2:CreateRoute", "ec2:ReplaceRoute", "ec2:DeleteRoute", on=("ec2:route-table/*",)),
        change("ec2:DeleteRouteTable", "ec2:CreateTags", "ec2:DeleteTags", on=("ec2:route-table/*",)),
        change(
            "ec2:AssociateRouteTable",
            "ec2:ReplaceRouteTableAssociation",
            "ec2:DisassociateRouteTable",
            on=("ec2:route-table/*", "ec2:subnet/*"),
        ),
    )

    vpc_id: str | Ref
    subnet_ids: tuple[str | Ref, ...]
    default_target: str | Ref | None

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the stack's route tables; a VPC's main one is never among them."""
        return [cls._observed(reader, row) for row in ROUTE_TABLES.in_vpc(reader, cls.TYPE)]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        tags = tag_map(row.get("Tags"))
        id_ = row["RouteTableId"]
        associations = _associations(row)
        attrs = {
            "id": id_,
            "vpc_id": row["VpcId"],
            "subnet_ids": frozenset(associations),
            "default_target": _default_target(row.get("Routes") or ()),
            "associations": associations,
        }
        return reader.observed(cls, name_of(reader, cls.TYPE, id_, row), id_, attrs, tags)

    def create(self, cloud: Cloud) -> Observed:
        """Create it with its route and associations. `update` completes a creation that was interrupted."""
        period = int(utc_now().timestamp() // _SAME_REQUEST)
        row = cloud.client("ec2").create_route_table(
            VpcId=self.vpc_id,
            ClientToken=cloud.stack.token(self.address, str(self.vpc_id), str(period)),
            TagSpecifications=specification("route-table", self.tags),
        )["RouteTable"]
        bare = self.as_created(row["RouteTableId"], default_target=None, subnet_ids=frozenset(), associations={})
        return self.update(cloud, bare, frozenset(name for name in self.COMPARED if not self.matches(name, bare)))

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Set the default route and the associations. Each subnet moves in one step and is never without a table."""
        ec2 = cloud.client("ec2")
        if "tags" in changed:
            retag(cloud, self, observed)
        if "default_target" in changed:
            self._set_default_route(ec2, observed)
        associations = dict(observed.attrs["associations"])
        if "subnet_ids" in changed:
            for subnet in sorted(associations.keys() - set(self.subnet_ids)):
                _disassociate(ec2, associations.pop(subnet))
            for subnet in sorted({str(each) for each in self.subnet_ids} - associations.keys()):
                associations[subnet] = _associate(ec2, observed.id, subnet)
        return self.as_desired(observed, associations=associations)

    def _set_default_route(self, ec2: Client, observed: Observed) -> None:
        route = {"RouteTableId": observed.id, "DestinationCidrBlock": DEFAULT_ROUTE}
        if self.default_target is None:
            gone(lambda: ec2.delete_route(**route))
            return
        target = str(self.default_target)
        route["NatGatewayId" if target.startswith("nat-") else "GatewayId"] = target
        if observed.attrs["default_target"] is not None:
            ec2.replace_route(**route)
            return
        try:
            ec2.create_route(**route)
        except ClientError as error:
            if code_of(error) != "RouteAlreadyExists":
                raise
            ec2.replace_route(**route)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete its associations, which AWS demands first, and the table."""
        ec2 = cloud.client("ec2")
        for association in observed.attrs.get("associations", {}).values():
            _disassociate(ec2, association)
        return gone(lambda: ec2.delete_route_table(RouteTableId=observed.id))


def _associations(row: Mapping[str, Any]) -> dict[str, str]:
    """Map the subnets that use a table to the ids of their associations."""
    return {
        each["SubnetId"]: each["RouteTableAssociationId"]
        for each in row.get("Associations") or ()
        if each.get("SubnetId")
        and each.get("AssociationState", {}).get("State", "associated") in {"associated", "associating"}
    }


def _default_target(routes: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the target of the default route. One that is gone is marked, so that it equals no desired value.

    Routes that a VPN gateway propagates are ignored: they come and go by themselves.
    """
    for route in routes:
        if route.get("DestinationCidrBlock") != DEFAULT_ROUTE or route.get("Origin") == "EnableVgwRoutePropagation":
            continue
        target = next((str(route[key]) for key in _TARGETS if route.get(key)), "(unknown)")
        return f"{target} (blackhole)" if route.get("State") == "blackhole" else target
    return None


def _associate(ec2: Client, table: str, subnet: str) -> str:
    """Associate a subnet with a table, whichever it used before, and return the association's id."""
    try:
        return str(ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"])
    except ClientError as error:
        if code_of(error) != "Resource.AlreadyAssociated":
            raise
        rows = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["RouteTables"]
        for row in rows:
            association = _associations(row).get(subnet)
            if association and row["RouteTableId"] == table:
                return association
            if association:
                answer = ec2.replace_route_table_association(AssociationId=association, RouteTableId=table)
                return str(answer["NewAssociationId"])
        raise


def _disassociate(ec2: Client, association: str) -> None:
    try:
        ec2.disassociate_route_table(AssociationId=association)
    except ClientError as error:
        if not is_absent(error):
            raise
