"""TLS certificates, validated by DNS. Sources: ACM API reference; ACM user guide, "DNS validation".

A certificate has no name: our tags identify it, and no list shows them. Its tags also record the hosted zone of its
domain's records and the role that reaches the zone, so that the records are found without the spec.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud, pages
from missyou_operator.aws.errors import gone
from missyou_operator.aws.identity import tag_list, tag_map
from missyou_operator.aws.informer import FRESH, Rhythm, Source
from missyou_operator.aws.permissions import Grant, change, make, observe
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.tags import retag
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.resource import READY, Health, Observed, Resource, failed, pending

_CERTIFICATES = Source("acm", "list_certificates", "CertificateSummaryList", "CertificateArn")
#: Whose a certificate is never changes; the tags of a new one may not show at once.
_OWNERS = Rhythm(per_stack=36.0, least=60.0, most=3600.0)

#: Where the records are: the hosted zone's ID, and the ARN of the role that reaches it (absent: the operator's own).
ZONE_TAG, ROLE_TAG = "missyou.app/zone", "missyou.app/zone-role"
_ANY = ("acm:certificate/*",)
_KEY_TYPES = ("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1")

#: Advice on AWS's failure reasons; other reasons are quoted. ACM API reference, CertificateDetail.
_FAILURES = {
    "CAA_ERROR": 'a CAA record of the domain does not allow Amazon to issue: add one that does (0 issue "amazon.com"). '
    "To see those that there are: dig +short CAA {0}",
    "DOMAIN_NOT_ALLOWED": "AWS considers the domain unsafe: contact AWS Support",
    "ADDITIONAL_VERIFICATION_REQUIRED": "AWS needs more information about the domain: contact AWS Support",
    "INVALID_PUBLIC_DOMAIN": "it is not a public domain: choose another spec.domain.name",
    "NO_AVAILABLE_CONTACTS": "AWS found no contact for the domain",
}


@dataclass(frozen=True, kw_only=True)
class Certificate(Resource):
    """A certificate for one domain, which is its name.

    `advice` is what a person can do to have it issued, besides creating the record that AWS requires; `by_hand` means
    that only a person creates that.
    """

    TYPE: ClassVar[str] = "acm.Certificate"
    IDENTITY = "id"
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("elbv2.Listener", "route53.Alias", "route53.Validation", "route53.Claim")
    EFFECTS = Effects(Effect("RequestCertificate", 90), Effect("DeleteCertificate"))
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("acm:ListCertificates", "acm:DescribeCertificate", "acm:ListTagsForCertificate"),
        # The request has no resource to restrict it by, only tags.
        make("acm:RequestCertificate", on=("*",)),
        make("acm:AddTagsToCertificate", on=_ANY),
        change("acm:AddTagsToCertificate", "acm:RemoveTagsFromCertificate", "acm:DeleteCertificate", on=_ANY),
    )

    by_hand: bool
    advice: str

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the stack's certificates among all of the account, and a namesake's for the same domain.

        A certificate's owner never changes, so tags are read only once a minute; not less often, since those of a new
        one may not show at once. An unusable certificate (an expired one, say) has its state in its name. It is not a
        desired one: another is requested, and it is deleted once nothing uses it.
        """
        ours = [row["CertificateArn"] for row in reader.listed(_CERTIFICATES, "*") if cls._is_ours(reader, row)]
        found = [cls._observed(reader, arn) for arn in ours]
        there = [observed for observed in found if observed is not None]
        # The usable one comes first: the records, which are found by certificate, belong to it.
        return sorted(there, key=lambda each: not each.attrs["usable"])

    @classmethod
    def _is_ours(cls, reader: Reader, row: Mapping[str, Any]) -> bool:
        tags = _known_tags(reader, row["CertificateArn"])
        if reader.stack.could_take_over(tags) and row["DomainName"].lower() not in reader.desired_names(cls.TYPE):
            return False
        return reader.owns(cls, row["CertificateArn"], tags)

    @classmethod
    def _observed(cls, reader: Reader, arn: str) -> Observed | None:
        """Describe a certificate; None if it is gone, or so new that AWS does not know it yet."""
        answer = reader.if_present(FRESH, "acm", "describe_certificate", CertificateArn=arn)
        labels = reader.if_present(FRESH, "acm", "list_tags_for_certificate", CertificateArn=arn)
        if answer is None or labels is None:
            return None
        row, tags = answer["Certificate"], tag_map(labels["Tags"])
        state = row.get("Status") or "PENDING_VALIDATION"
        record: Mapping[str, str] = next(
            (
                option["ResourceRecord"]
                for option in row.get("DomainValidationOptions") or ()
                if (option.get("ResourceRecord") or {}).keys() >= {"Name", "Value"}
            ),
            {},
        )
        domain, usable = row["DomainName"].lower(), state in {"PENDING_VALIDATION", "ISSUED", "FAILED"}
        attrs = {
            "id": arn,
            "arn": arn,
            "domain": domain,
            "usable": usable,
            "why": row.get("FailureReason") or "",
            "record_name": record.get("Name"),
            "record_value": record.get("Value"),
            **_zone_of(tags),
        }
        name = domain if usable else f"{domain} ({state.lower()})"
        return reader.observed(cls, name, arn, attrs, tags, state.lower())

    def health(self, observed: Observed) -> Health:
        """Return the state's health; until it is validated, with the record to create and a person's other options."""
        if observed.state == "issued":
            return Health("ready", message=self.advice) if self.by_hand else READY
        if observed.state == "failed":
            why = observed.attrs["why"]
            told = _FAILURES.get(why, why or "no reason given").format(self.name)
            return failed(
                "CertificateFailed",
                f"AWS refuses to issue a certificate for {self.name}: {told}. "
                f"Correct that, then delete it: aws acm delete-certificate --certificate-arn {observed.id}",
            )
        name, value = observed.attrs.get("record_name"), observed.attrs.get("record_value")
        if not name:
            return pending(Reason.CREATING, f"AWS is preparing the validation of {self.name}", 10.0)
        record = f"{str(name).rstrip('.')} CNAME {str(value).rstrip('.')}"
        if self.by_hand:
            return pending("ValidationRecordMissing", f"create the record {record} by hand; {self.advice}", 60.0)
        return pending("Validating", f"AWS is checking for the record {record}. {self.advice}", 90.0)

    def create(self, cloud: Cloud) -> Observed:
        """Request it. The token is valid for an hour, in which a second request returns the same certificate."""
        answer = cloud.client("acm").request_certificate(
            DomainName=self.name,
            ValidationMethod="DNS",
            IdempotencyToken=cloud.stack.token(self.address)[:32],
            Tags=tag_list(self.tags),
        )
        arn = answer["CertificateArn"]
        attrs = {"domain": self.name, "usable": True, "why": "", "record_name": None, "record_value": None}
        return self.as_created(arn, "pending_validation", arn=arn, **attrs, **_zone_of(self.tags))

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Set the tags; nothing else can change."""
        acm, arn = cloud.client("acm"), observed.id
        retag(
            self,
            observed,
            lambda keys: acm.remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": key} for key in keys]),
            lambda: acm.add_tags_to_certificate(CertificateArn=arn, Tags=tag_list(self.tags)),
        )
        after = self.as_desired(observed)
        return after.with_attrs(**_zone_of(after.tags))

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it. AWS refuses for some minutes after the last listener has stopped using it."""
        return gone(lambda: cloud.client("acm").delete_certificate(CertificateArn=observed.id))


def _zone_of(tags: Mapping[str, str]) -> dict[str, str]:
    return {"zone": tags.get(ZONE_TAG, ""), "role": tags.get(ROLE_TAG, "")}


def others_of(cloud: Cloud, domain: str, arn: str) -> bool:
    """Return whether a foreign certificate of the account is validated by the same record.

    Such a certificate names the domain too, as itself or by a wildcard.
    """
    acm = cloud.client("acm")
    # Keys other than RSA of 2,048 bits are listed only on request: API reference, ListCertificates, Filters.
    rows = pages(acm, "list_certificates", "CertificateSummaryList", Includes={"keyTypes": list(_KEY_TYPES)})
    alike = [row["CertificateArn"] for row in rows if _names(row) & {domain, f"*.{domain}"}]
    return any(
        not cloud.stack.owns(tag_map(acm.list_tags_for_certificate(CertificateArn=other)["Tags"]))
        for other in alike
        if other != arn
    )


def _names(row: Mapping[str, Any]) -> set[str]:
    """Return the names in a row of the list; AWS lists only the first hundred."""
    return {name.lower() for name in (row["DomainName"], *(row.get("SubjectAlternativeNameSummaries") or ()))}


def _known_tags(reader: Reader, arn: str) -> Mapping[str, str]:
    answer = reader.if_present(_OWNERS, "acm", "list_tags_for_certificate", CertificateArn=arn)
    return tag_map((answer or {}).get("Tags"))


KINDS: tuple[type[Resource], ...] = (Certificate,)
