"""The records of an app's domain: the alias of the load balancer, and the validation record of the certificate.

The claim on the domain says whether the alias was made by its owner, and a TXT record beside the validation record who
made that. Each is written in one batch with the record, and that with CREATE, so that no existing record is ever
overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from botocore.exceptions import ClientError

from missyou_operator.api.components import Component
from missyou_operator.api.conditions import Reason
from missyou_operator.aws.acm import others_of
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import code_of
from missyou_operator.aws.idempotency import exists_already
from missyou_operator.aws.permissions import Grant, observe
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.route53.claim import (
    IF_TAKEN,
    PERMISSIONS,
    TTL,
    WITH_ALIAS,
    beside,
    claimant,
    delete,
    foreign,
    taken,
    txt,
)
from missyou_operator.aws.route53.zone import Record, apply, as_dns_name, at, plain, records_now, subtree, values
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, Effects, everything
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import FieldChange, Health, Observed, Resource
from missyou_operator.engine.values import Ref

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


@dataclass(frozen=True, kw_only=True)
class Alias(Resource):
    """The A record of a domain (its name), an alias of the load balancer.

    No AAAA: the load balancer has IPv4 addresses only.
    """

    TYPE: ClassVar[str] = "route53.Alias"
    IF_TAKEN: ClassVar[str] = IF_TAKEN
    COMPARED = compare("zone", "target_zone", "by_health", "routing", target=as_dns_name)
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"zone"})
    READ_AFTER: ClassVar[tuple[str, ...]] = ("acm.Certificate",)
    # An alias has the TTL of what it leads to, a load balancer's is 60 s. Source: Route 53 Developer Guide, "Choosing
    # between alias and non-alias records".
    EFFECTS = Effects(
        Effect("ChangeResourceRecordSets", 60, "clients find the app under its domain within a minute"),
        Effect("ChangeResourceRecordSets", 60, "clients no longer find the app under its domain"),
        update=Effect("ChangeResourceRecordSets", 60, "clients follow within a minute"),
    )
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
        claim, address, other = at(rows, beside(domain), "TXT"), at(rows, domain, "A"), foreign(rows, domain)
        ours = reader.stack.owns(claimant(claim)) and values(claim)[0].endswith(WITH_ALIAS)
        if not ours and other is None:
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
            "rows": tuple(row for row in (address,) if row is not None),
        }
        owner = "" if ours else f"a {(other or {}).get('Type')} record that is not ours"
        return Observed(cls, domain, f"{zone}/{domain}", attrs, component=Component.DOMAIN, owned=ours, owner=owner)

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Compare all but tags: there are none."""
        return tuple(change for change in super().diff(observed) if change.field != "tags")

    def _record(self) -> Record:
        target = {"HostedZoneId": self.target_zone, "DNSName": self.target, "EvaluateTargetHealth": self.by_health}
        return {"Name": self.name, "Type": "A", "AliasTarget": target}

    def create(self, cloud: Cloud) -> Observed:
        """Create it, and note in the claim that it is ours. Errors: RefusedError if the name has a foreign record."""
        claim = at(records_now(cloud, self.zone, self.role, self.name), beside(self.name), "TXT")
        if claim is None or not cloud.stack.owns(claimant(claim)):
            raise NotYetError(Reason.CREATING, f"the claim on {self.name} has just changed: it is read again", 5.0)
        noted = txt(self.name, values(claim)[0].removesuffix(WITH_ALIAS) + WITH_ALIAS)
        try:
            batch = (("CREATE", self._record()), ("DELETE", claim), ("CREATE", noted))
            apply(cloud, self.zone, self.role, *batch)
        except ClientError as error:
            if code_of(error) != "InvalidChangeBatch":
                raise
            raise taken(self.name, error.response["Error"]["Message"]) from error
        return self.as_created(f"{self.zone}/{self.name}", role=self.role, rows=(self._record(),))

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Point it at the load balancer; the claim shows that it is ours. Errors: RefusedError beside a CNAME."""
        try:
            # A record with a routing policy does not become one without: both cannot be of one name.
            old = observed.attrs["rows"][:1] if "routing" in changed else ()
            new = "CREATE" if old else "UPSERT"
            apply(cloud, self.zone, self.role, *(("DELETE", row) for row in old), (new, self._record()))
        except ClientError as error:
            if code_of(error) != "InvalidChangeBatch":
                raise
            raise taken(self.name, error.response["Error"]["Message"]) from error
        return self.as_desired(observed, target=plain(str(self.target)), rows=(self._record(),))

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it."""
        return delete(cloud, observed)


@dataclass(frozen=True, kw_only=True)
class Validation(Resource):
    """The CNAME that proves to ACM who controls a domain (its name). It stays while its certificate needs renewals.

    All certificates of the account for that domain share it, in every region: ACM user guide, "DNS validation"
    ("created specifically for your domain and your account", "works for any AWS Region"). So it may be there already,
    made for somebody else's certificate. `owner` is whoever makes it; what others have made is used, never deleted.
    """

    TYPE: ClassVar[str] = "route53.Validation"
    IF_TAKEN: ClassVar[str] = IF_TAKEN
    COMPARED = compare("zone", "owner")
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"zone"})
    READ_AFTER: ClassVar[tuple[str, ...]] = ("acm.Certificate",)
    EFFECTS = everything(Effect("ChangeResourceRecordSets", 60))
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        *PERMISSIONS,
        observe("acm:ListCertificates", "acm:ListTagsForCertificate"),
    )

    zone: str
    role: str
    owner: str
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
        rows = subtree(reader, zone, certificate.attrs["role"], domain)
        row, note = at(rows, name, "CNAME"), at(rows, beside(name), "TXT")
        if row is None:
            return None
        right = [plain(value) for value in values(row)] == [plain(certificate.attrs["record_value"])]
        made = reader.stack.owns(claimant(note))
        attrs = {
            "id": f"{zone}/{plain(name)}",
            "arn": certificate.id,
            "zone": zone,
            "role": certificate.attrs["role"],
            "owner": "".join(values(note)) if made else None,
            "rows": (row, note) if made else (),
        }
        owner = "" if right else f"a record with the value {', '.join(values(row))}"
        return Observed(cls, domain, attrs["id"], attrs, component=Component.DOMAIN, owned=right, owner=owner)

    def matches(self, name: str, observed: Observed) -> bool:
        """Accept a record that others have made: it stays theirs."""
        return (name == "owner" and observed.attrs["owner"] is None) or super().matches(name, observed)

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Compare all but tags: there are none."""
        return tuple(change for change in super().diff(observed) if change.field != "tags")

    def create(self, cloud: Cloud) -> Observed:
        """Create it with the note who made it. Errors: RefusedError if it exists with another value."""
        name, note = plain(str(self.record_name)), txt(str(self.record_name), self.owner)
        row: Record = {"Name": name, "Type": "CNAME", "TTL": TTL, "ResourceRecords": [{"Value": self.record_value}]}
        try:
            # A note without its record is left over: whoever deleted the record has not deleted it.
            apply(cloud, self.zone, self.role, ("CREATE", row), ("UPSERT", note))
        except ClientError as error:
            if code_of(error) != "InvalidChangeBatch":
                raise
            present = at(records_now(cloud, self.zone, self.role, self.name), name, "CNAME")
            same = [plain(value) for value in values(present)] == [plain(str(self.record_value))]
            if same:
                raise exists_already(self.address, 5.0) from error
            raise taken(name, error.response["Error"]["Message"]) from error
        return self.as_created(f"{self.zone}/{name}", role=self.role, rows=(row, note))

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Write our name into the note of a namesake that is taken over: every other difference replaces it."""
        row, old = observed.attrs["rows"]
        note = txt(str(self.record_name), self.owner)
        apply(cloud, self.zone, self.role, ("DELETE", old), ("CREATE", note))
        return self.as_desired(observed, rows=(row, note))

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it if we made it; if another certificate of the region needs it, delete only the note that we did."""
        if observed.attrs["rows"] and others_of(cloud, observed.name, observed.attrs.get("arn", "")):
            observed = observed.with_attrs(rows=observed.attrs["rows"][1:])
        return delete(cloud, observed)


def _each(reader: Reader, observe_one: Callable[[Reader, Observed], Observed | None]) -> Sequence[Observed]:
    """Return the records of the stack's certificates, without duplicates if two are for the same domain."""
    found = [observed for row in reader.found("acm.Certificate") if (observed := observe_one(reader, row)) is not None]
    return list({observed.id: observed for observed in reversed(found)}.values())
