"""The claim on a domain: a TXT record that names the app whose domain it is.

Records have no tags. So each of ours has a TXT record beside it that says who made it, as external-dns does (its "TXT
registry"). The claim comes first: where the domain is somebody else's, no certificate is requested and nothing is
served.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from botocore.exceptions import ClientError

from missyou_operator.api.components import Component
from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import code_of, is_absent
from missyou_operator.aws.idempotency import exists_already
from missyou_operator.aws.identity import CLUSTER_TAG, STACK_TAG, UID_TAG, StackIdentity
from missyou_operator.aws.permissions import Condition, Grant, Part, observe
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.route53.zone import Record, apply, at, plain, records_now, subtree, values
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, everything
from missyou_operator.engine.errors import NotYetError, RefusedError
from missyou_operator.engine.resource import READY, FieldChange, Health, Observed, Resource

TTL = 300
#: What helps where the name has a record of others.
IF_TAKEN = "Remove that record from the hosted zone, or set another spec.domain.name"
#: At the end of a claim: the alias beside it was made along with it.
WITH_ALIAS = ' "record=A"'
_MARKS = {"stack": STACK_TAG, "cluster": CLUSTER_TAG, "uid": UID_TAG}
_ZONES = ("route53:hostedzone/{zone}",)
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
    """Return the value of the TXT record that names the owner of the record beside it: two strings of at most 255."""
    return f'"heritage=missyou-operator,stack={stack.app}" "cluster={stack.cluster},uid={stack.uid}"'


def claimant(row: Record | None) -> Mapping[str, str]:
    """Return the owner that a TXT record names, as the tags of its resources name it; {} where it is not ours."""
    for value in values(row):
        pairs = [pair.partition("=") for pair in value.replace('" "', ",").strip('"').split(",")]
        fields = {key: text for key, _, text in pairs}
        if fields.get("heritage") == "missyou-operator":
            return {_MARKS[key]: text for key, text in fields.items() if key in _MARKS}
    return {}


def beside(name: str) -> str:
    """Return the name of the TXT record beside a record."""
    return f"_missyou.{plain(name)}"


def txt(name: str, value: str) -> Record:
    """Return the TXT record beside a record."""
    return {"Name": beside(name), "Type": "TXT", "TTL": TTL, "ResourceRecords": [{"Value": value}]}


def taken(name: str, why: str) -> RefusedError:
    """Return the error for a name with a foreign record."""
    return RefusedError(
        Reason.OWNED_ELSEWHERE,
        f"{plain(name)} already has a record that is not ours, which the operator leaves alone ({why}). {IF_TAKEN}",
    )


def foreign(rows: Sequence[Record], domain: str) -> Record | None:
    """Return a record at a domain by which somebody else serves it."""
    return next((row for type_ in ("A", "CNAME", "AAAA") if (row := at(rows, domain, type_))), None)


def delete(cloud: Cloud, observed: Observed) -> Health:
    """Delete `rows` of an observation exactly as they were read: Route 53 accepts nothing else."""
    attrs = observed.attrs
    if not attrs["rows"]:
        return READY
    try:
        apply(cloud, attrs["zone"], attrs["role"], *(("DELETE", row) for row in attrs["rows"]))
    except ClientError as error:
        # Changed or gone since it was read: the next pass finds out.
        if code_of(error) == "InvalidChangeBatch":
            raise NotYetError(Reason.DELETING, f"the records of {observed.name} have just changed", 5.0) from error
        if not is_absent(error):
            raise
    return READY


@dataclass(frozen=True, kw_only=True)
class Claim(Resource):
    """The TXT record that claims a domain (its name) for `owner`.

    It is found by the certificate, whose tags name the zone; before there is one, by the spec's domain and by what the
    status lists.
    """

    TYPE: ClassVar[str] = "route53.Claim"
    IF_TAKEN: ClassVar[str] = IF_TAKEN
    COMPARED = compare("zone", "owner")
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"zone"})
    READ_AFTER: ClassVar[tuple[str, ...]] = ("acm.Certificate", "route53.HostedZone")
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("route53.Alias", "route53.Validation")
    EFFECTS = everything(Effect("ChangeResourceRecordSets", 60))
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = PERMISSIONS

    zone: str
    role: str
    owner: str

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the claims on the domains of our certificates, of the spec, and of the status."""
        found: dict[tuple[str, str, str], Observed | None] = {}
        for place, arn in cls._places(reader):
            observed = cls._observed(reader, *place, arn) if place not in found else None
            found.setdefault(place, observed)
        return [observed for observed in found.values() if observed is not None]

    @classmethod
    def _places(cls, reader: Reader) -> Iterator[tuple[tuple[str, str, str], str]]:
        """Yield domain, zone and role, with the certificate ("" where none is known)."""
        for row in reader.found("acm.Certificate"):
            if zone := row.attrs["zone"]:
                yield (row.attrs["domain"], zone, row.attrs["role"]), row.id
        for row in reader.found("route53.HostedZone"):
            domain, _, role = row.name.split("@")
            if zone := row.attrs["id"]:
                yield (domain, zone, role), ""
        for id_ in reader.known(cls.TYPE):
            zone, _, rest = id_.partition("/")
            domain, _, role = rest.partition("@")
            yield (domain, zone, role), ""

    @classmethod
    def _observed(cls, reader: Reader, domain: str, zone: str, role: str, arn: str) -> Observed | None:
        rows = subtree(reader, zone, role, domain)
        claim, other = at(rows, beside(domain), "TXT"), foreign(rows, domain)
        if claim is None and other is None:
            return None
        names, id_ = claimant(claim), _id(zone, domain, role)
        ours = reader.stack.owns(names)
        attrs = {
            "id": id_,
            # It is deleted with its certificate.
            "arn": arn or id_,
            "zone": zone,
            "role": role,
            "owner": "".join(values(claim)).removesuffix(WITH_ALIAS),
            "rows": (claim,) if claim is not None else (),
        }
        owner = "" if ours else ", ".join(values(claim)) or f"a {(other or {}).get('Type')} record that is not ours"
        remedy = reader.stack.take_over_remedy() if not ours and reader.stack.could_take_over(names) else ""
        return Observed(cls, domain, id_, attrs, component=Component.DOMAIN, owned=ours, owner=owner, remedy=remedy)

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Compare all but tags: there are none."""
        return tuple(change for change in super().diff(observed) if change.field != "tags")

    def create(self, cloud: Cloud) -> Observed:
        """Claim the domain. Errors: RefusedError if somebody else has claimed it, or serves it without a claim."""
        rows, row = records_now(cloud, self.zone, self.role, self.name), txt(self.name, self.owner)
        if (other := foreign(rows, self.name)) is not None and at(rows, beside(self.name), "TXT") is None:
            raise taken(self.name, f"{other['Type']} {plain(other['Name'])}")
        try:
            apply(cloud, self.zone, self.role, ("CREATE", row))
        except ClientError as error:
            if code_of(error) != "InvalidChangeBatch":
                raise
            present = at(records_now(cloud, self.zone, self.role, self.name), beside(self.name), "TXT")
            if cloud.stack.owns(claimant(present)):
                raise exists_already(self.address, 5.0) from error
            raise taken(beside(self.name), error.response["Error"]["Message"]) from error
        id_ = _id(self.zone, self.name, self.role)
        return self.as_created(id_, arn=id_, role=self.role, rows=(row,))

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Write our name into the claim of a namesake that is taken over."""
        [old] = observed.attrs["rows"]
        alias = WITH_ALIAS if values(old)[0].endswith(WITH_ALIAS) else ""
        row = txt(self.name, f"{self.owner}{alias}")
        apply(cloud, self.zone, self.role, ("DELETE", old), ("CREATE", row))
        return self.as_desired(observed, rows=(row,))

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Give the domain up."""
        return delete(cloud, observed)


def _id(zone: str, domain: str, role: str) -> str:
    return f"{zone}/{domain}@{role}" if role else f"{zone}/{domain}"
