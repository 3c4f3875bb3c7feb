"""The records of an app's domain: the alias of the load balancer, and the validation record of the certificate.

Records have no tags. A TXT record beside the alias names its owner. Both are written in one batch, as external-dns does
(its "TXT registry"), and with CREATE, so that no existing record is ever overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.api.components import Component
from missyou_operator.api.conditions import Reason
from missyou_operator.aws.acm import others_of
from missyou_operator.aws.cloud import Cloud, Reader
from missyou_operator.aws.errors import code_of, is_absent
from missyou_operator.aws.idempotency import exists_already
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.permissions import Condition, Grant, Part, observe
from missyou_operator.aws.route53.zone import Record, apply, as_dns_name, at, plain, records_now, subtree, values
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.errors import NotYetError, RefusedError
from missyou_operator.engine.resource import READY, FieldChange, Health, Observed, Resource
from missyou_operator.engine.values import Ref

_TTL = 300
#: The members of a record by which Route 53 may answer with another one: API reference, ResourceRecordSet.
_ROUTING = (
    "CidrRoutingConfig",
    "Failover",
    "GeoLocation",
    "GeoProximityLocation",
    "HealthCheckId",
    "MultiValueAnswer",
    "Region",
    "SetIdentifier",
    "Weight",
)
_ZONES = ("route53:hostedzone/{zone}",)
#: What helps where the name has a record of others.
_IF_TAKEN = "Remove that record from the hosted zone, or set another spec.domain.name"
PERMISSIONS: tuple[Grant, ...] = (
    observe("route53:ListResourceRecordSets", on=_ZONES),
    Grant(
        Part.CHANGE,
        ("route53:ChangeResourceRecordSets",),
        _ZONES,
        (Condition("ForAllValues:StringEquals", "route53:ChangeResourceRecordSetsRecordTypes", ("A", "CNAME", "TXT")),),
    ),
)


def heritage(stack: StackIdentity) -> str:
    """Return the value of the TXT record that names the owner of the records beside it."""
    return f'"heritage=missyou-operator,stack={stack.app},cluster={stack.cluster}"'


def _owner_record(domain: str, value: str) -> Record:
    return {"Name": f"_missyou.{domain}", "Type": "TXT", "TTL": _TTL, "ResourceRecords": [{"Value": value}]}


@dataclass(frozen=True, kw_only=True)
class Alias(Resource):
    """The A record of a domain (its name), an alias of the load balancer, and the TXT record that names its owner.

    No AAAA: the load balancer has IPv4 addresses only.
    """

    TYPE: ClassVar[str] = "route53.Alias"
    IF_TAKEN: ClassVar[str] = _IF_TAKEN
    COMPARED = compare("zone", "target_zone", "by_health", "routing", target=as_dns_name)
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"zone"})
    READ_AFTER: ClassVar[tuple[str, ...]] = ("acm.Certificate",)
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = PERMISSIONS

    zone: str
    role: str
    target: str | Ref
    target_zone: str | Ref

    @property
    def by_health(self) -> bool:
        """Whether Route 53 answers only while the load balancer has healthy targets."""
        return False

    @property
    def routing(self) -> tuple[()]:
        """The routing policies of the record, by AWS's keys: none, it is the only one of its name."""
        return ()

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the records at the domain of each of our certificates, in the zone that its tags name."""
        return _each(reader, cls._observed)

    @classmethod
    def _observed(cls, reader: Reader, certificate: Observed) -> Observed | None:
        domain, zone, role = certificate.attrs["domain"], certificate.attrs["zone"], certificate.attrs["role"]
        if not zone:
            return None
        rows = subtree(reader, zone, role, domain)
        owners, address = at(rows, f"_missyou.{domain}", "TXT"), at(rows, domain, "A")
        other = at(rows, domain, "CNAME") or at(rows, domain, "AAAA")
        ours = heritage(reader.stack) in values(owners)
        if not ours and address is None and other is None:
            return None
        alias = (address or {}).get("AliasTarget") or {}
        attrs = {
            "id": f"{zone}/{domain}",
            # It is deleted with its certificate: while a listener serves that, the domain leads there.
            "arn": certificate.id,
            "zone": zone,
            "role": role,
            "target": plain(alias.get("DNSName", "")).removeprefix("dualstack."),
            "target_zone": alias.get("HostedZoneId", ""),
            "by_health": alias.get("EvaluateTargetHealth", False),
            "routing": tuple(key for key in _ROUTING if key in (address or {})),
            "rows": tuple(row for row in (address, owners) if row is not None),
        }
        owner = ", ".join(values(owners)) or f"a {(address or other or {}).get('Type')} record that is not ours"
        return Observed(cls, domain, f"{zone}/{domain}", attrs, component=Component.DOMAIN, owned=ours, owner=owner)

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Compare all but tags: there are none."""
        return tuple(change for change in super().diff(observed) if change.field != "tags")

    def _record(self) -> Record:
        target = {"HostedZoneId": self.target_zone, "DNSName": self.target, "EvaluateTargetHealth": self.by_health}
        return {"Name": self.name, "Type": "A", "AliasTarget": target}

    def create(self, cloud: Cloud) -> Observed:
        """Create both records. Errors: RefusedError if the name has a foreign record."""
        owner = _owner_record(self.name, heritage(cloud.stack))
        try:
            apply(cloud, self.zone, self.role, ("CREATE", self._record()), ("CREATE", owner))
        except ClientError as error:
            if code_of(error) != "InvalidChangeBatch":
                raise
            rows = records_now(cloud, self.zone, self.role, self.name)
            ours = heritage(cloud.stack) in values(at(rows, f"_missyou.{self.name}", "TXT"))
            raise exists_already(self.address, 5.0) if ours else _taken(error, self.name) from error
        return self.as_created(f"{self.zone}/{self.name}", role=self.role, rows=(self._record(), owner))

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Point it at the load balancer; the TXT record shows that it is ours. Errors: RefusedError beside a CNAME."""
        try:
            # A record with a routing policy does not become one without: both cannot be of one name.
            old = observed.attrs["rows"][:1] if "routing" in changed else ()
            new = "CREATE" if old else "UPSERT"
            apply(cloud, self.zone, self.role, *(("DELETE", row) for row in old), (new, self._record()))
        except ClientError as error:
            raise _taken(error, self.name) if code_of(error) == "InvalidChangeBatch" else error from error
        return self.as_desired(
            observed, target=plain(str(self.target)), rows=(self._record(), observed.attrs["rows"][-1])
        )

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete both records, exactly as they were read: Route 53 accepts nothing else."""
        return _delete(cloud, observed)


@dataclass(frozen=True, kw_only=True)
class Validation(Resource):
    """The CNAME that proves to ACM who controls a domain (its name). It stays while its certificate needs renewals.

    All certificates of the account for that domain share it. Its value shows whether it is ours.
    """

    TYPE: ClassVar[str] = "route53.Validation"
    IF_TAKEN: ClassVar[str] = _IF_TAKEN
    COMPARED = compare("zone")
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"zone"})
    READ_AFTER: ClassVar[tuple[str, ...]] = ("acm.Certificate",)
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        *PERMISSIONS,
        observe("acm:ListCertificates", "acm:ListTagsForCertificate"),
    )

    zone: str
    role: str
    record_name: str | Ref
    record_value: str | Ref

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the validation record of each of our certificates that names one."""
        return _each(reader, cls._observed)

    @classmethod
    def _observed(cls, reader: Reader, certificate: Observed) -> Observed | None:
        domain, zone, name = certificate.attrs["domain"], certificate.attrs["zone"], certificate.attrs["record_name"]
        if not zone or not name:
            return None
        row = at(subtree(reader, zone, certificate.attrs["role"], domain), name, "CNAME")
        if row is None:
            return None
        ours = [plain(value) for value in values(row)] == [plain(certificate.attrs["record_value"])]
        attrs = {
            "id": f"{zone}/{plain(name)}",
            "arn": certificate.id,
            "zone": zone,
            "role": certificate.attrs["role"],
            "rows": (row,),
        }
        owner = "" if ours else f"a record with the value {', '.join(values(row))}"
        return Observed(cls, domain, attrs["id"], attrs, component=Component.DOMAIN, owned=ours, owner=owner)

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Compare all but tags: there are none."""
        return tuple(change for change in super().diff(observed) if change.field != "tags")

    def create(self, cloud: Cloud) -> Observed:
        """Create it. Errors: RefusedError if it exists with another value."""
        row: dict[str, Any] = {"Name": self.record_name, "Type": "CNAME", "TTL": _TTL}
        row["ResourceRecords"] = [{"Value": self.record_value}]
        try:
            apply(cloud, self.zone, self.role, ("CREATE", row))
        except ClientError as error:
            if code_of(error) != "InvalidChangeBatch":
                raise
            present = at(records_now(cloud, self.zone, self.role, self.name), str(self.record_name), "CNAME")
            same = [plain(value) for value in values(present)] == [plain(str(self.record_value))]
            raise exists_already(self.address, 5.0) if same else _taken(error, str(self.record_name)) from error
        return self.as_created(f"{self.zone}/{plain(str(self.record_name))}", role=self.role, rows=(row,))

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Change nothing: every difference forces a replacement."""
        return observed

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it, unless another certificate of the account would fail to renew without it."""
        if others_of(cloud, observed.name, observed.attrs.get("arn", "")):
            return READY
        return _delete(cloud, observed)


def _delete(cloud: Cloud, observed: Observed) -> Health:
    attrs = observed.attrs
    try:
        apply(cloud, attrs["zone"], attrs["role"], *(("DELETE", row) for row in attrs["rows"]))
    except ClientError as error:
        # Changed or gone since it was read: the next pass finds out.
        if code_of(error) == "InvalidChangeBatch":
            raise NotYetError(Reason.DELETING, f"the records of {observed.name} have just changed", 5.0) from error
        if not is_absent(error):
            raise
    return READY


def _each(reader: Reader, observe_one: Callable[[Reader, Observed], Observed | None]) -> Sequence[Observed]:
    """Return the records of the stack's certificates, without duplicates if two are for the same domain."""
    found = [observed for row in reader.found("acm.Certificate") if (observed := observe_one(reader, row)) is not None]
    return list({observed.id: observed for observed in reversed(found)}.values())


def _taken(error: ClientError, name: str) -> RefusedError:
    """Return the error for a name with a foreign record."""
    return RefusedError(
        Reason.OWNED_ELSEWHERE,
        f"{plain(name)} already has a record that is not ours, which the operator leaves alone "
        f"({error.response['Error']['Message']}). {_IF_TAKEN}",
    )
