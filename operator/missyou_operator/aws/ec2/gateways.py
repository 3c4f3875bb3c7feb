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
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.ec2.blockers import delete_unless_used, in_use, interfaces
from missyou_operator.aws.ec2.rows import (
    ADDRESSES,
    INTERNET_GATEWAYS,
    NAT_GATEWAYS,
    TagsOnly,
    name_of,
    retag,
    specification,
)
from missyou_operator.aws.errors import code_of, gone, is_absent, message_of, quoted
from missyou_operator.aws.idempotency import creating_once
from missyou_operator.aws.identity import tag_map
from missyou_operator.aws.permissions import Grant, change, make, observe, tag_new
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import compare, equal, if_observed
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.errors import RefusedError
from missyou_operator.engine.resource import READY, Health, Observed, Resource, failed, pending
from missyou_operator.engine.values import Ref


@dataclass(frozen=True, kw_only=True)
class InternetGateway(Resource):
    """An internet gateway attached to a VPC. Creating and attaching are two calls; in between, `vpc_id` is None."""

    TYPE: ClassVar[str] = "ec2.InternetGateway"
    IDENTITY = "tags"
    NOT_IDEMPOTENT: ClassVar[bool] = True
    COMPARED = compare("vpc_id")
    #: Detaching is refused while the VPC has public addresses in use.
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ec2.NatGateway", "elbv2.LoadBalancer")
    EFFECTS = Effects(
        Effect("CreateInternetGateway, AttachInternetGateway", 5),
        Effect("DetachInternetGateway, DeleteInternetGateway", 5),
        fields={"vpc_id": Effect("AttachInternetGateway")},
    )
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ec2:DescribeInternetGateways", "ec2:DescribeNetworkInterfaces"),
        make("ec2:CreateInternetGateway", on=("ec2:internet-gateway/*",)),
        tag_new("ec2:CreateTags", "CreateInternetGateway", on=("ec2:internet-gateway/*",)),
        change("ec2:AttachInternetGateway", "ec2:DetachInternetGateway", on=("ec2:internet-gateway/*", "ec2:vpc/*")),
        change("ec2:DeleteInternetGateway", "ec2:CreateTags", "ec2:DeleteTags", on=("ec2:internet-gateway/*",)),
    )

    vpc_id: str | Ref

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the stack's internet gateways, attached or not."""
        return [cls._observed(reader, row) for row in INTERNET_GATEWAYS.tagged(reader, cls.TYPE)]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        # An active attachment has the state "available", whatever the reference says.
        attached = [a["VpcId"] for a in row.get("Attachments") or () if a.get("State") not in {"detaching", "detached"}]
        tags = tag_map(row.get("Tags"))
        id_ = row["InternetGatewayId"]
        attrs = {"id": id_, "vpc_id": attached[0] if attached else None}
        # Its name is not read: a stack has one, and anybody may edit the tag `Name`.
        return reader.observed(cls, reader.name(cls.TYPE), id_, attrs, tags)

    def health(self, observed: Observed) -> Health:
        """Return pending until it is attached."""
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
            # It exists and must be remembered, or a second one would be created. The next pass attaches it.
            return self.as_created(id_, vpc_id=None)
        return self.as_created(id_)

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Attach it to its VPC, after detaching it from any other."""
        if "tags" in changed:
            retag(cloud, self, observed)
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
                    f"internet gateway {id_} cannot be attached: {text}. A VPC takes only one: detach the foreign one",
                ) from error
            raise

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Detach and delete it. AWS refuses to detach it while a public address of the VPC is in use."""
        what = f"internet gateway {observed.id} ({observed.name})"
        vpc_id = observed.attrs.get("vpc_id")
        detached = delete_unless_used(
            what,
            lambda: _detach(cloud, observed),
            lambda: interfaces(cloud, vpc_id, public=True) if vpc_id else (),
        )
        if detached.status != "ready":
            return detached
        return gone(lambda: cloud.client("ec2").delete_internet_gateway(InternetGatewayId=observed.id))


def _detach(cloud: Cloud, observed: Observed) -> None:
    """Detach an internet gateway from the VPC that it was attached to when it was read, if any."""
    vpc_id = observed.attrs.get("vpc_id")
    if vpc_id is None:
        return
    try:
        cloud.client("ec2").detach_internet_gateway(InternetGatewayId=observed.id, VpcId=vpc_id)
    except ClientError as error:
        if code_of(error) != "Gateway.NotAttached":
            raise


@dataclass(frozen=True, kw_only=True)
class Address(TagsOnly):
    """An Elastic IP address that a NAT gateway sends from. Its `id` is the allocation id."""

    TYPE: ClassVar[str] = "ec2.Address"
    NOT_IDEMPOTENT: ClassVar[bool] = True
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ec2.NatGateway",)
    EFFECTS = Effects(Effect("AllocateAddress"), Effect("ReleaseAddress"))
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ec2:DescribeAddresses"),
        make("ec2:AllocateAddress", on=("ec2:elastic-ip/*",)),
        tag_new("ec2:CreateTags", "AllocateAddress", on=("ec2:elastic-ip/*",)),
        change("ec2:ReleaseAddress", "ec2:CreateTags", "ec2:DeleteTags", on=("ec2:elastic-ip/*",)),
    )

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the stack's addresses, except those that an AWS service manages for itself."""
        rows = ADDRESSES.tagged(reader, cls.TYPE)
        return [cls._observed(reader, row) for row in rows if not row.get("ServiceManaged")]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        tags = tag_map(row.get("Tags"))
        id_ = row["AllocationId"]
        attrs = {"id": id_, "public_ip": row.get("PublicIp")}
        return reader.observed(cls, name_of(reader, cls.TYPE, id_, row), id_, attrs, tags)

    def create(self, cloud: Cloud) -> Observed:
        """Allocate it. The quota, 5 per region unless raised, is the first that several stacks hit."""
        tags = specification("elastic-ip", self.tags)
        with creating_once(self.address):
            answer = cloud.client_without_retries("ec2").allocate_address(Domain="vpc", TagSpecifications=tags)
        return self.as_created(answer["AllocationId"], public_ip=answer.get("PublicIp"))

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Release it. For some seconds after the NAT gateway is gone, AWS still counts it as used."""
        try:
            return gone(lambda: cloud.client("ec2").release_address(AllocationId=observed.id))
        except ClientError as error:
            # AuthFailure refers to the service that still holds the address, not to our credentials.
            if code_of(error) not in {"InvalidIPAddress.InUse", "AuthFailure"}:
                raise
            what = f"address {observed.attrs.get('public_ip') or observed.id} ({observed.name})"
            return in_use(what, f"AWS reports {quoted(error)!r}", 15.0)


#: States of gateways that no longer exist: EC2 keeps listing them, with their tags, for about an hour.
_GHOSTS = frozenset({"deleted", "failed"})
#: How many failed gateways, within the hour that EC2 remembers them, stop further attempts.
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
class NatGateway(TagsOnly):
    """A public NAT gateway of one availability zone.

    AWS never repairs a failed one; it disappears by itself. It counts as absent, so another is created, a few times.
    """

    TYPE: ClassVar[str] = "ec2.NatGateway"
    COMPARED = compare(
        "subnet_id",
        allocation_id=if_observed(equal),  # a new gateway may not show its address yet
    )
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"subnet_id", "allocation_id"})
    #: Tasks need internet access until they have stopped (for their last log lines).
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ecs.Service",)
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ec2.Vpc",)
    EFFECTS = Effects(
        Effect("CreateNatGateway", 115),
        Effect(
            "DeleteNatGateway",
            60,
            "connections from tasks to the internet that go through it break; new ones take the other gateway",
            source="VPC User Guide, NAT gateways: Delete a NAT gateway",
        ),
    )
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ec2:DescribeNatGateways"),
        make("ec2:CreateNatGateway", on=("ec2:natgateway/*",)),
        tag_new("ec2:CreateTags", "CreateNatGateway", on=("ec2:natgateway/*",)),
        change("ec2:CreateNatGateway", on=("ec2:elastic-ip/*", "ec2:subnet/*", "ec2:vpc/*")),
        change("ec2:DeleteNatGateway", "ec2:CreateTags", "ec2:DeleteTags", on=("ec2:natgateway/*",)),
    )

    subnet_id: str | Ref
    allocation_id: str | Ref

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the stack's NAT gateways without ghosts; each carries why the last one of its name failed."""
        rows = NAT_GATEWAYS.in_vpc(reader, cls.TYPE)
        return [cls._observed(reader, row, _failure(rows, _name(row))) for row in rows if row["State"] not in _GHOSTS]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any], failure: str) -> Observed:
        rows = sorted(row.get("NatGatewayAddresses") or (), key=lambda each: not each.get("IsPrimary", True))
        address = rows[0] if rows else {}
        attrs = {
            "id": row["NatGatewayId"],
            "subnet_id": row.get("SubnetId"),
            "allocation_id": address.get("AllocationId"),
            "public_ip": address.get("PublicIp"),
            "failure": failure,
        }
        id_ = row["NatGatewayId"]
        name = name_of(reader, cls.TYPE, id_, row)
        return reader.observed(cls, name, id_, attrs, tag_map(row.get("Tags")), row["State"])

    def health(self, observed: Observed) -> Health:
        """Return pending for about two minutes. The next pass replaces one that has just failed."""
        if observed.state == "available":
            return READY
        if observed.state == "failed":
            return failed("NatGatewayFailed", f"NAT gateway {observed.id} failed; it is created again", stalled=False)
        again = f" again: the last one failed, {observed.attrs['failure']}" if observed.attrs.get("failure") else ""
        return pending(Reason.CREATING, f"NAT gateway {observed.id} is being created{again}", 115.0)

    def create(self, cloud: Cloud) -> Observed:
        """Create it, unless it has failed too often: errors show only later, as state `failed`.

        A token stays bound to the gateway that it created, dead or alive, so the ids of known ghosts are part of it.
        """
        ghosts = [row for row in _known(cloud) if _name(row) == self.name and row["State"] in {*_GHOSTS, "deleting"}]
        failure = _failure(ghosts, self.name)
        if sum(row["State"] == "failed" for row in ghosts) >= _ATTEMPTS:
            raise RefusedError(
                "NatGatewayFailed",
                f"NAT gateway {self.name} failed {_ATTEMPTS} times, last because {failure}. Correct that; it is "
                "retried within the hour",
            )
        ghost_ids = sorted(row["NatGatewayId"] for row in ghosts)
        row = cloud.client("ec2").create_nat_gateway(
            SubnetId=self.subnet_id,
            AllocationId=self.allocation_id,
            ClientToken=cloud.stack.token(self.address, str(self.subnet_id), str(self.allocation_id), *ghost_ids),
            TagSpecifications=specification("natgateway", self.tags),
        )["NatGateway"]
        return self.as_created(row["NatGatewayId"], row["State"], failure=failure)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it. For about a minute it still holds its subnet, address and internet gateway."""
        if observed.state != "deleting":
            try:
                cloud.client("ec2").delete_nat_gateway(NatGatewayId=observed.id)
            except ClientError as error:
                if not is_absent(error):
                    raise
                return READY
        return pending(Reason.DELETING, f"NAT gateway {observed.id} ({observed.name}) is being deleted", 55.0)


def _known(cloud: Cloud) -> list[Mapping[str, Any]]:
    """Return the stack's gateways, ghosts included, from the read that found one missing: no call of its own."""
    return [row for row in NAT_GATEWAYS.last_read(cloud) if cloud.stack.owns(tag_map(row.get("Tags")))]


def _name(row: Mapping[str, Any]) -> str:
    return tag_map(row.get("Tags")).get("Name", str(row["NatGatewayId"]))


def _failure(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    """Return why the latest failed gateway of a name failed, "" if none has."""
    dead = [row for row in rows if row["State"] == "failed" and _name(row) == name]
    if not dead:
        return ""
    row = max(dead, key=lambda each: str(each.get("CreateTime", "")))
    code = row.get("FailureCode") or "InternalError"
    return f"{_FAILURES.get(code) or row.get('FailureMessage') or 'AWS gives no reason'} ({code})"
