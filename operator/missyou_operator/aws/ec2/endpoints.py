"""VPC endpoints: ways to AWS's own services that need no NAT gateway.

Sources: EC2 API reference, CreateVpcEndpoint and ModifyVpcEndpoint; AWS PrivateLink guide, "Gateway endpoints for
Amazon S3" (free) and "Access an AWS service using an interface VPC endpoint" (paid by the hour, zone and GB).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.clock import utc_now
from missyou_operator.aws.cloud import Cloud, Reader
from missyou_operator.aws.ec2.rows import in_vpc, retag, specification
from missyou_operator.aws.errors import code_of, is_absent, message_of
from missyou_operator.aws.identity import tag_map
from missyou_operator.aws.permissions import Grant, Part, change, make, observe, tag_new
from missyou_operator.engine.comparators import as_set, compare
from missyou_operator.engine.errors import NotYetError, RefusedError
from missyou_operator.engine.resource import READY, Health, Observed, Resource, failed, pending
from missyou_operator.engine.values import Ref

#: Endpoints that are no more: EC2 goes on listing them for a while.
_GHOSTS = frozenset({"deleted", "failed", "rejected", "expired"})
#: The sets among the fields, and how ModifyVpcEndpoint names what is added to them and removed from them.
_SETS = {"route_table_ids": "RouteTableIds", "subnet_ids": "SubnetIds", "security_group_ids": "SecurityGroupIds"}
#: Seconds for which two requests for the same endpoint are one and the same: longer than one is tried, short enough
#: that an endpoint that someone deleted is soon made again. Two for one service exclude each other anyway.
_SAME_REQUEST = 60
_AROUND = ("ec2:vpc/*", "ec2:route-table/*", "ec2:subnet/*", "ec2:security-group/*")


@dataclass(frozen=True, kw_only=True)
class VpcEndpoint(Resource):
    """An endpoint for one service of AWS's, say `com.amazonaws.eu-west-1.s3`.

    A gateway is a route in `route_table_ids`. An interface has an address in each of `subnet_ids` (one a zone), guarded
    by `security_group_ids`, and the service's own name resolves to it throughout the VPC. All three are sets.
    """

    TYPE: ClassVar[str] = "ec2.VpcEndpoint"
    COMPARED = compare("vpc_id", "service", "kind", **dict.fromkeys(_SETS, as_set))
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"vpc_id", "service", "kind"})
    #: Tasks that are stopping still send their last log lines.
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ecs.Service",)
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ec2.Vpc",)
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ec2:DescribeVpcEndpoints"),
        make("ec2:CreateVpcEndpoint", on=("ec2:vpc-endpoint/*",)),
        tag_new("ec2:CreateTags", "CreateVpcEndpoint", on=("ec2:vpc-endpoint/*",)),
        change("ec2:CreateVpcEndpoint", on=_AROUND),
        change("ec2:ModifyVpcEndpoint", on=("ec2:vpc-endpoint/*", *_AROUND)),
        change("ec2:DeleteVpcEndpoints", "ec2:CreateTags", on=("ec2:vpc-endpoint/*",)),
        Grant(
            Part.MAKE,
            ("route53:AssociateVPCWithHostedZone",),
            implied="an interface endpoint's private name is a zone of AWS's: Service Authorization Reference, Amazon "
            "EC2, dependent actions of CreateVpcEndpoint",
        ),
    )

    vpc_id: str | Ref
    service: str
    kind: Literal["Gateway", "Interface"]
    route_table_ids: tuple[str | Ref, ...] = ()
    subnet_ids: tuple[str | Ref, ...] = ()
    security_group_ids: tuple[str | Ref, ...] = ()

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Find the stack's endpoints. One that failed counts as absent, so that it is made anew."""
        rows = in_vpc(reader, "describe_vpc_endpoints", "VpcEndpoints")
        return [cls._observed(reader, row) for row in rows if row["State"].lower() not in _GHOSTS]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        tags, id_ = tag_map(row.get("Tags")), row["VpcEndpointId"]
        attrs = {
            "id": id_,
            "vpc_id": row["VpcId"],
            "service": row["ServiceName"],
            "kind": row["VpcEndpointType"],
            "route_table_ids": frozenset(row.get("RouteTableIds") or ()),
            "subnet_ids": frozenset(row.get("SubnetIds") or ()),
            "security_group_ids": frozenset(group["GroupId"] for group in row.get("Groups") or ()),
        }
        return reader.observed(cls, tags.get("Name", id_), id_, attrs, tags, row["State"].lower())

    def health(self, observed: Observed) -> Health:
        """Judge by the state; a gateway is there at once, an interface takes a minute or two."""
        match observed.state:
            case "available":
                return READY
            case "pendingacceptance":
                return failed("NotAccepted", f"endpoint {observed.id} for {self.service} waits for its owner's consent")
        return pending(Reason.CREATING, f"endpoint {observed.id} for {self.service} is {observed.state}", 60.0)

    def busy(self, observed: Observed) -> Health | None:
        """AWS takes changes once it is available."""
        return None if observed.state == "available" else self.health(observed)

    def create(self, cloud: Cloud) -> Observed:
        """Create it, open to all that the roles of its users may do."""
        period = int(utc_now().timestamp() // _SAME_REQUEST)
        given: dict[str, Any] = {_SETS[name]: list(getattr(self, name)) for name in _SETS if getattr(self, name)}
        if self.kind == "Interface":
            given["PrivateDnsEnabled"] = True
        try:
            row = cloud.client("ec2").create_vpc_endpoint(
                VpcEndpointType=self.kind,
                VpcId=self.vpc_id,
                ServiceName=self.service,
                ClientToken=cloud.stack.token(self.address, str(self.vpc_id), str(period)),
                TagSpecifications=specification("vpc-endpoint", self.tags),
                **given,
            )["VpcEndpoint"]
        except ClientError as error:
            raise _explained(error, self.service) from error
        return self.as_created(row["VpcEndpointId"], str(row.get("State", "pending")).lower())

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Add to the sets and remove from them, in one call: no route or address is gone in between."""
        ec2 = cloud.client("ec2")
        arguments: dict[str, list[str]] = {}
        for name in changed & _SETS.keys():
            wanted, actual = frozenset(getattr(self, name)), frozenset(observed.attrs.get(name, ()))
            arguments |= {f"Add{_SETS[name]}": sorted(wanted - actual), f"Remove{_SETS[name]}": sorted(actual - wanted)}
        if arguments:
            try:
                ec2.modify_vpc_endpoint(VpcEndpointId=observed.id, **{k: v for k, v in arguments.items() if v})
            except ClientError as error:
                raise _explained(error, self.service) from error
        if "tags" in changed:
            retag(cloud, observed, self.tags)
        return self.as_desired(observed)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it; the interfaces of one that has some hold subnets and security groups for a minute or two."""
        going = pending(Reason.DELETING, f"endpoint {observed.id} ({observed.name}) is being deleted", 60.0)
        if observed.state == "deleting":
            return going
        answer = cloud.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[observed.id])
        for item in answer.get("Unsuccessful") or ():
            # Refusals come in an answer that is itself a success.
            error = ClientError({"Error": dict(item["Error"])}, "DeleteVpcEndpoints")
            if not is_absent(error):
                raise error
            return READY
        return going


def _explained(error: ClientError, service: str) -> NotYetError | RefusedError | ClientError:
    """Tell apart what takes time, what somebody else has made, and all else."""
    code, text = code_of(error), message_of(error)
    if "conflicting DNS domain" in text:
        message = f"another endpoint for {service} is in the VPC, or being deleted: {text}"
        return NotYetError(Reason.CREATING, message, 60.0)
    if is_absent(error) and "Endpoint" in code:
        return NotYetError(
            Reason.CREATING, "AWS still takes the request for that of the endpoint that was deleted", 15.0
        )
    if code == "RouteAlreadyExists":
        message = f"a route table has a way to {service} already that is not ours: {text}. Remove that endpoint"
        return RefusedError(Reason.OWNED_ELSEWHERE, message)
    return error
