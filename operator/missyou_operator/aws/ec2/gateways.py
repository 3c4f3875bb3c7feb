"""The ways out of the VPC: internet gateway, Elastic IP addresses, NAT gateways.

None has a name, so tags identify them. Sources: EC2 API reference (CreateInternetGateway, AllocateAddress,
CreateNatGateway) and the VPC user guide's page on NAT gateway failures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import BotoCoreError, ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud, Reader, pages
from missyou_operator.aws.ec2.blockers import delete_unless_used, in_use, interfaces
from missyou_operator.aws.ec2.rows import in_vpc, retag, specification, tagged
from missyou_operator.aws.errors import code_of, gone, is_absent, message_of
from missyou_operator.aws.idempotency import creating_once
from missyou_operator.aws.identity import STACK_TAG, tag_map
from missyou_operator.aws.permissions import Grant, change, make, observe, tag_new
from missyou_operator.engine.comparators import compare, equal, if_observed
from missyou_operator.engine.errors import RefusedError
from missyou_operator.engine.resource import READY, Health, Observed, Resource, failed, pending
from missyou_operator.engine.values import Ref


@dataclass(frozen=True, kw_only=True)
class InternetGateway(Resource):
    """An internet gateway attached to a VPC. Making and attaching are two calls: in between, its VPC is None."""

    TYPE: ClassVar[str] = "ec2.InternetGateway"
    NOT_IDEMPOTENT: ClassVar[bool] = True
    COMPARED = compare("vpc_id")
    #: Detaching is refused while the VPC has public addresses in use.
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ec2.NatGateway", "elbv2.LoadBalancer")
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ec2:DescribeInternetGateways", "ec2:DescribeNetworkInterfaces"),
        make("ec2:CreateInternetGateway", on=("ec2:internet-gateway/*",)),
        tag_new("ec2:CreateTags", "CreateInternetGateway", on=("ec2:internet-gateway/*",)),
        change("ec2:AttachInternetGateway", "ec2:DetachInternetGateway", on=("ec2:internet-gateway/*", "ec2:vpc/*")),
        change("ec2:DeleteInternetGateway", "ec2:CreateTags", on=("ec2:internet-gateway/*",)),
    )

    vpc_id: str | Ref

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Find the stack's internet gateways, attached or not."""
        return [cls._observed(reader, row) for row in tagged(reader, "describe_internet_gateways", "InternetGateways")]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        # The state of an attachment that holds is "available", whatever the reference says.
        attached = [a["VpcId"] for a in row.get("Attachments") or () if a.get("State") not in {"detaching", "detached"}]
        tags = tag_map(row.get("Tags"))
        id_ = row["InternetGatewayId"]
        attrs = {"id": id_, "vpc_id": attached[0] if attached else None}
        return reader.observed(cls, tags.get("Name", id_), id_, attrs, tags)

    def health(self, observed: Observed) -> Health:
        """Pending until it is attached."""
        if observed.attrs.get("vpc_id"):
            return READY
        return pending(Reason.CREATING, f"internet gateway {observed.id} is not attached to its VPC yet", 3.0)

    def create(self, cloud: Cloud) -> Observed:
        """Create and attach it."""
        tags = specification("internet-gateway", self.tags)
        with creating_once(self.address):
            row = cloud.client_without_retries("ec2").create_internet_gateway(TagSpecifications=tags)["InternetGateway"]
        id_ = row["InternetGatewayId"]
        try:
            self._attach(cloud, id_)
        except (ClientError, BotoCoreError):
            # It is there, and must be remembered as such, or there would soon be a second one: the next pass goes on.
            return self.as_created(id_, vpc_id=None)
        return self.as_created(id_)

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Attach it to its VPC, detached from any other first."""
        if "tags" in changed:
            retag(cloud, observed, self.tags)
        if "vpc_id" in changed:
            _detach(cloud, observed)
            self._attach(cloud, observed.id)
        return self.as_desired(observed)

    def _attach(self, cloud: Cloud, id_: str) -> None:
        try:
            cloud.client("ec2").attach_internet_gateway(InternetGatewayId=id_, VpcId=self.vpc_id)
        except ClientError as error:
            text = message_of(error)
            if code_of(error) == "Resource.AlreadyAssociated" and id_ in text and str(self.vpc_id) in text:
                return
            if "already" in text:
                raise RefusedError(
                    Reason.OWNED_ELSEWHERE,
                    f"internet gateway {id_} cannot be attached: {text}. A VPC takes one: detach what is not ours",
                ) from error
            raise

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Detach it, refused while any public address of the VPC is in use, and delete it."""
        what = f"internet gateway {observed.id} ({observed.name})"
        vpc_id = observed.attrs.get("vpc_id") or ""
        detached = delete_unless_used(
            what, lambda: _detach(cloud, observed), lambda: interfaces(cloud, "vpc-id", vpc_id, public=True)
        )
        if detached.status != "ready":
            return detached
        return gone(lambda: cloud.client("ec2").delete_internet_gateway(InternetGatewayId=observed.id))


def _detach(cloud: Cloud, observed: Observed) -> None:
    """Detach an internet gateway from the VPC that it was found at, if any."""
    vpc_id = observed.attrs.get("vpc_id")
    if vpc_id is None:
        return
    try:
        cloud.client("ec2").detach_internet_gateway(InternetGatewayId=observed.id, VpcId=vpc_id)
    except ClientError as error:
        if code_of(error) != "Gateway.NotAttached":
            raise


@dataclass(frozen=True, kw_only=True)
class Address(Resource):
    """An Elastic IP address, for a NAT gateway to send from. Its `id` is the allocation id."""

    TYPE: ClassVar[str] = "ec2.Address"
    NOT_IDEMPOTENT: ClassVar[bool] = True
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ec2.NatGateway",)
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ec2:DescribeAddresses"),
        make("ec2:AllocateAddress", on=("ec2:elastic-ip/*",)),
        tag_new("ec2:CreateTags", "AllocateAddress", on=("ec2:elastic-ip/*",)),
        change("ec2:ReleaseAddress", "ec2:CreateTags", on=("ec2:elastic-ip/*",)),
    )

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Find the stack's addresses; those that a service manages for itself are not ours."""
        return [
            cls._observed(reader, row)
            for row in tagged(reader, "describe_addresses", "Addresses")
            if not row.get("ServiceManaged")
        ]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        tags = tag_map(row.get("Tags"))
        id_ = row["AllocationId"]
        return reader.observed(cls, tags.get("Name", id_), id_, {"id": id_, "public_ip": row.get("PublicIp")}, tags)

    def create(self, cloud: Cloud) -> Observed:
        """Allocate it. The quota is 5 per region unless raised, and is the first that several stacks meet."""
        tags = specification("elastic-ip", self.tags)
        with creating_once(self.address):
            answer = cloud.client_without_retries("ec2").allocate_address(Domain="vpc", TagSpecifications=tags)
        return self.as_created(answer["AllocationId"], public_ip=answer.get("PublicIp"))

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Only tags can change."""
        retag(cloud, observed, self.tags)
        return self.as_desired(observed)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Release it; for some seconds after the NAT gateway is gone, AWS still counts it as used."""
        try:
            return gone(lambda: cloud.client("ec2").release_address(AllocationId=observed.id))
        except ClientError as error:
            # AuthFailure speaks of the service that still holds the address, not of our credentials.
            if code_of(error) not in {"InvalidIPAddress.InUse", "AuthFailure"}:
                raise
            what = f"address {observed.attrs.get('public_ip') or observed.id} ({observed.name})"
            return in_use(what, f"AWS says {message_of(error)!r}", 15.0)


#: Gateways that are no more: EC2 goes on listing them for about an hour, with their tags.
_GHOSTS = frozenset({"deleted", "failed"})
#: How often a gateway is made anew when AWS fails to bring it up, within the hour that EC2 remembers.
_ATTEMPTS = 3
_FAILURES: Mapping[str, str] = {
    "Gateway.NotAttached": "the VPC has no internet gateway attached",
    "InsufficientFreeAddressesInSubnet": "the public subnet has no free address: remove what fills it",
    "InvalidAllocationID.NotFound": "the Elastic IP address is gone",
    "Resource.AlreadyAssociated": "something else uses the Elastic IP address: disassociate it there",
    "InvalidSubnetID.NotFound": "the public subnet is gone",
    "InternalError": "AWS had an internal error",
}


@dataclass(frozen=True, kw_only=True)
class NatGateway(Resource):
    """A public NAT gateway of one availability zone.

    A failed one is never repaired by AWS, vanishes by itself, and is as good as none: it is left out of what is found,
    and another one is made, a few times.
    """

    TYPE: ClassVar[str] = "ec2.NatGateway"
    COMPARED = compare(
        "subnet_id",
        allocation_id=if_observed(equal),  # a new gateway may not show its address yet
    )
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"subnet_id", "allocation_id"})
    #: Tasks need their way out until they have stopped (their last log lines).
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ecs.Service",)
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ec2.Vpc",)
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ec2:DescribeNatGateways"),
        make("ec2:CreateNatGateway", on=("ec2:natgateway/*",)),
        tag_new("ec2:CreateTags", "CreateNatGateway", on=("ec2:natgateway/*",)),
        change("ec2:CreateNatGateway", on=("ec2:elastic-ip/*", "ec2:subnet/*", "ec2:vpc/*")),
        change("ec2:DeleteNatGateway", "ec2:CreateTags", on=("ec2:natgateway/*",)),
    )

    subnet_id: str | Ref
    allocation_id: str | Ref

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Find the stack's NAT gateways, ghosts left out; each knows how often its like has failed before."""
        rows = in_vpc(reader, "describe_nat_gateways", "NatGateways", filters="Filter")
        return [cls._observed(reader, row, _failure(rows, _name(row))) for row in rows if row["State"] not in _GHOSTS]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any], failure: str) -> Observed:
        addresses = sorted(row.get("NatGatewayAddresses") or (), key=lambda each: not each.get("IsPrimary", True))
        attrs = {
            "id": row["NatGatewayId"],
            "subnet_id": row.get("SubnetId"),
            "allocation_id": addresses[0].get("AllocationId") if addresses else None,
            "public_ip": addresses[0].get("PublicIp") if addresses else None,
            "failure": failure,
        }
        return reader.observed(cls, _name(row), row["NatGatewayId"], attrs, tag_map(row.get("Tags")), row["State"])

    def health(self, observed: Observed) -> Health:
        """Pending for about two minutes. One that has just failed is created again in the next pass."""
        if observed.state == "available":
            return READY
        if observed.state == "failed":
            return failed("NatGatewayFailed", f"NAT gateway {observed.id} failed; it is made anew", stalled=False)
        again = f" anew: the last one failed, {observed.attrs['failure']}" if observed.attrs.get("failure") else ""
        return pending(Reason.CREATING, f"NAT gateway {observed.id} is being made{again}", 115.0)

    def create(self, cloud: Cloud) -> Observed:
        """Create it, unless that has failed too often: errors show only later, as state `failed`.

        A token keeps naming the gateway that it once made, dead or alive, so the known ghosts are part of it.
        """
        ghosts = [row for row in _known(cloud) if _name(row) == self.name and row["State"] in {*_GHOSTS, "deleting"}]
        failure = _failure(ghosts, self.name)
        if sum(row["State"] == "failed" for row in ghosts) >= _ATTEMPTS:
            raise RefusedError(
                "NatGatewayFailed",
                f"NAT gateway {self.name} failed {_ATTEMPTS} times, last because {failure}. Correct that; it is tried "
                "again within the hour",
            )
        seen = sorted(row["NatGatewayId"] for row in ghosts)
        row = cloud.client("ec2").create_nat_gateway(
            SubnetId=self.subnet_id,
            AllocationId=self.allocation_id,
            ClientToken=cloud.stack.token(self.address, str(self.subnet_id), str(self.allocation_id), *seen),
            TagSpecifications=specification("natgateway", self.tags),
        )["NatGateway"]
        return self.as_created(row["NatGatewayId"], row["State"], failure=failure)

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Only tags can change."""
        retag(cloud, observed, self.tags)
        return self.as_desired(observed)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it; it takes about a minute, and holds subnet, address and internet gateway meanwhile."""
        if observed.state != "deleting":
            try:
                cloud.client("ec2").delete_nat_gateway(NatGatewayId=observed.id)
            except ClientError as error:
                if not is_absent(error):
                    raise
                return READY
        return pending(Reason.DELETING, f"NAT gateway {observed.id} ({observed.name}) is being deleted", 55.0)


def _known(cloud: Cloud) -> list[Mapping[str, Any]]:
    """Return the stack's gateways, ghosts included, from the very look that found one missing: no call of its own."""
    rows = cloud.hourly(
        "ec2.describe_nat_gateways",  # the key that `tagged` reads under
        lambda: pages(
            cloud.client("ec2"),
            "describe_nat_gateways",
            "NatGateways",
            Filter=[{"Name": "tag-key", "Values": [STACK_TAG]}],
        ),
    )
    return [row for row in rows if cloud.stack.owns(tag_map(row.get("Tags")))]


def _name(row: Mapping[str, Any]) -> str:
    return tag_map(row.get("Tags")).get("Name", str(row["NatGatewayId"]))


def _failure(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    """Say why the latest failed gateway of a name failed, or nothing."""
    dead = [row for row in rows if row["State"] == "failed" and _name(row) == name]
    if not dead:
        return ""
    row = max(dead, key=lambda each: str(each.get("CreateTime", "")))
    code = row.get("FailureCode") or "InternalError"
    return f"{_FAILURES.get(code) or row.get('FailureMessage') or 'AWS gives no reason'} ({code})"
