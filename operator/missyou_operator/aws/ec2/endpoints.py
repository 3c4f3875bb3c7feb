"""VPC endpoints: routes to AWS services that need no NAT gateway.

Sources: EC2 API reference, CreateVpcEndpoint and ModifyVpcEndpoint; AWS PrivateLink guide, "Gateway endpoints for
Amazon S3" (free) and "Access an AWS service using an interface VPC endpoint" (paid by the hour, zone and GB).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.clock import utc_now
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.ec2.rows import ENDPOINTS, name_of, retag, specification
from missyou_operator.aws.errors import code_of, is_absent, message_of
from missyou_operator.aws.identity import tag_map
from missyou_operator.aws.permissions import Grant, Part, change, make, observe, tag_new
from missyou_operator.aws.policy_documents import as_policy, json_text, readable
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import as_set, compare
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.errors import NotYetError, RefusedError
from missyou_operator.engine.resource import READY, FieldChange, Health, Observed, Resource, failed, pending
from missyou_operator.engine.values import Ref

#: States of endpoints that no longer exist: EC2 keeps listing them for a while.
_GHOSTS = frozenset({"deleted", "failed", "rejected", "expired"})
#: The fields that are sets, and ModifyVpcEndpoint's names for them (after `Add` or `Remove`).
_SETS = {"route_table_ids": "RouteTableIds", "subnet_ids": "SubnetIds", "security_group_ids": "SecurityGroupIds"}
#: Seconds for which two requests for the same endpoint share a token: longer than a request is retried, short enough
#: that a deleted endpoint is soon created again. Two endpoints for one service exclude each other anyway.
_SAME_REQUEST = 60
#: AWS's default policy: users of the endpoint may do all that their roles allow.
OPEN = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
_AROUND = ("ec2:vpc/*", "ec2:route-table/*", "ec2:subnet/*", "ec2:security-group/*")


@dataclass(frozen=True, kw_only=True)
class VpcEndpoint(Resource):
    """An endpoint for one AWS service, e.g. `com.amazonaws.eu-west-1.s3`.

    A gateway is a route in `route_table_ids`. An interface has an address in each of `subnet_ids` (one per zone),
    behind `security_group_ids`; the service's own name resolves to it throughout the VPC. All three fields are sets.
    `policy` says what may be done through it, besides what a caller's role allows.
    """

    TYPE: ClassVar[str] = "ec2.VpcEndpoint"
    IDENTITY = "tags"
    COMPARED = compare("vpc_id", "service", "kind", "private_dns", policy=as_policy, **dict.fromkeys(_SETS, as_set))
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"vpc_id", "service", "kind"})
    #: Stopping tasks still send their last log lines.
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ecs.Service",)
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ec2.Vpc",)
    EFFECTS = Effects(
        Effect("CreateVpcEndpoint", 60, "connections of tasks to that service of AWS begin anew"),
        Effect("DeleteVpcEndpoints", 60, "connections of tasks to that service of AWS begin anew, through NAT"),
        update=Effect("ModifyVpcEndpoint", 10),
        fields={"private_dns": Effect("ModifyVpcEndpoint", 60, "new connections of tasks to it go another way")},
    ).replaced_with("connections of tasks to that service of AWS begin anew, twice")
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ec2:DescribeVpcEndpoints"),
        make("ec2:CreateVpcEndpoint", on=("ec2:vpc-endpoint/*",)),
        tag_new("ec2:CreateTags", "CreateVpcEndpoint", on=("ec2:vpc-endpoint/*",)),
        change("ec2:CreateVpcEndpoint", on=_AROUND),
        change("ec2:ModifyVpcEndpoint", on=("ec2:vpc-endpoint/*", *_AROUND)),
        change("ec2:DeleteVpcEndpoints", "ec2:CreateTags", "ec2:DeleteTags", on=("ec2:vpc-endpoint/*",)),
        Grant(
            Part.MAKE,
            ("route53:AssociateVPCWithHostedZone",),
            implied="an interface endpoint's private name is a hosted zone that AWS owns: Service Authorization "
            "Reference, Amazon EC2, dependent actions of CreateVpcEndpoint",
        ),
    )

    vpc_id: str | Ref
    service: str
    kind: Literal["Gateway", "Interface"]
    route_table_ids: tuple[str | Ref, ...] = ()
    subnet_ids: tuple[str | Ref, ...] = ()
    security_group_ids: tuple[str | Ref, ...] = ()
    policy: Mapping[str, Any]

    @property
    def private_dns(self) -> bool:
        """Whether the service's own name resolves to an interface."""
        return self.kind == "Interface"

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the stack's endpoints. A failed one counts as absent, so that it is created again."""
        rows = ENDPOINTS.in_vpc(reader, cls.TYPE)
        return [cls._observed(reader, row) for row in rows if row["State"].lower() not in _GHOSTS]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        tags, id_ = tag_map(row.get("Tags")), row["VpcEndpointId"]
        attrs = {
            "id": id_,
            "vpc_id": row["VpcId"],
            "service": row["ServiceName"],
            "kind": row["VpcEndpointType"],
            # A gateway has no names: what AWS shows for one says nothing.
            "private_dns": row["VpcEndpointType"] == "Interface" and bool(row.get("PrivateDnsEnabled")),
            "policy": _policy(row.get("PolicyDocument")),
            "route_table_ids": frozenset(row.get("RouteTableIds") or ()),
            "subnet_ids": frozenset(row.get("SubnetIds") or ()),
            "security_group_ids": frozenset(group["GroupId"] for group in row.get("Groups") or ()),
        }
        name = name_of(reader, cls.TYPE, id_, row)
        return reader.observed(cls, name, id_, attrs, tags, row["State"].lower())

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Describe what is allowed now and was not, and the reverse, instead of printing two policies."""
        before = observed.attrs["policy"]
        changes = super().diff(observed)
        return tuple(readable(each, before, self.policy) if each.field == "policy" else each for each in changes)

    def health(self, observed: Observed) -> Health:
        """Return the state's health. A gateway is available at once, an interface takes a minute or two."""
        match observed.state:
            case "available":
                return READY
            case "pendingacceptance":
                return failed("NotAccepted", f"endpoint {observed.id} for {self.service} awaits its owner's approval")
        return pending(Reason.CREATING, f"endpoint {observed.id} for {self.service} is {observed.state}", 60.0)

    def busy(self, observed: Observed) -> Health | None:
        """Return a wait until it is available: AWS accepts no changes before."""
        return None if observed.state == "available" else self.health(observed)

    def create(self, cloud: Cloud) -> Observed:
        """Create it with its policy, which holds from the first request on."""
        period = int(utc_now().timestamp() // _SAME_REQUEST)
        settings: dict[str, Any] = {_SETS[name]: list(getattr(self, name)) for name in _SETS if getattr(self, name)}
        if self.kind == "Interface":
            settings["PrivateDnsEnabled"] = self.private_dns
        try:
            row = cloud.client("ec2").create_vpc_endpoint(
                VpcEndpointType=self.kind,
                VpcId=self.vpc_id,
                ServiceName=self.service,
                PolicyDocument=_document(self.policy),
                ClientToken=cloud.stack.token(self.address, str(self.vpc_id), str(period)),
                TagSpecifications=specification("vpc-endpoint", self.tags),
                **settings,
            )["VpcEndpoint"]
        except ClientError as error:
            raise _explain(error, self.service) from error
        return self.as_created(row["VpcEndpointId"], str(row.get("State", "pending")).lower())

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Add to the sets and remove from them in one call, so that no route or address is missing in between."""
        ec2 = cloud.client("ec2")
        arguments: dict[str, Any] = {}
        for name in changed & _SETS.keys():
            goal, actual = frozenset(getattr(self, name)), frozenset(observed.attrs.get(name, ()))
            arguments |= {f"Add{_SETS[name]}": sorted(goal - actual), f"Remove{_SETS[name]}": sorted(actual - goal)}
        if "private_dns" in changed:
            arguments["PrivateDnsEnabled"] = self.private_dns
        if "policy" in changed:
            arguments["PolicyDocument"] = _document(self.policy)
        if arguments:
            try:
                ec2.modify_vpc_endpoint(VpcEndpointId=observed.id, **{k: v for k, v in arguments.items() if v != []})
            except ClientError as error:
                raise _explain(error, self.service) from error
        if "tags" in changed:
            retag(cloud, self, observed)
        return self.as_desired(observed)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it. Its interfaces, if any, hold subnets and security groups for a minute or two."""
        deleting = pending(Reason.DELETING, f"endpoint {observed.id} ({observed.name}) is being deleted", 60.0)
        if observed.state == "deleting":
            return deleting
        answer = cloud.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[observed.id])
        for item in answer.get("Unsuccessful") or ():
            # The call itself succeeds: its answer holds the refusals.
            error = ClientError({"Error": dict(item["Error"])}, "DeleteVpcEndpoints")
            if not is_absent(error):
                raise error
            return READY
        return deleting


def _document(policy: Mapping[str, Any]) -> str:
    """Return a policy as the calls take it."""
    return json_text({"Version": "2012-10-17", **policy})


def _policy(text: str | None) -> Any:
    """Return a policy without its version, which changes only what policies may contain; AWS may omit its default."""
    document = json.loads(text) if text else OPEN
    return {key: value for key, value in document.items() if key != "Version"}


def _explain(error: ClientError, service: str) -> NotYetError | RefusedError | ClientError:
    """Translate an error that passes with time or comes from a foreign endpoint; return any other as it is."""
    code, text = code_of(error), message_of(error)
    if "conflicting DNS domain" in text:
        message = f"the VPC has another endpoint for {service}, or one is being deleted: {text}"
        return NotYetError(Reason.CREATING, message, 60.0)
    if is_absent(error) and "Endpoint" in code:
        return NotYetError(Reason.CREATING, "AWS still matches the request to the endpoint that was deleted", 15.0)
    if code == "RouteAlreadyExists":
        message = f"a route table already has a foreign route to {service}: {text}. Delete that route's endpoint"
        return RefusedError(Reason.OWNED_ELSEWHERE, message)
    return error
