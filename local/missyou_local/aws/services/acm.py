"""ACM: a certificate is issued once its validation records exist in Route 53, and cannot go while a listener uses it.

moto issues by the clock alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, Regional, Result, advances, checks, handles
from missyou_local.aws.errors import AwsError

_DOMAIN = re.compile(r"(\*\.)?((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9]\.)+(?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9]")
_TOKEN_LIVES, _EXPIRES_AFTER = 3600.0, 72 * 3600.0
VALID_FOR = 395 * 24 * 3600.0
"""How long a certificate is valid; then it is renewed if its validation records still stand, and expires if not.

Source: ACM user guide, "Renewal for domains validated by email" (13 months, 395 days) and "Renewal for domains
validated by DNS"."""
_RECORDS_SHOW_AFTER = 0.05
"""Share of the time of issuing after which the validation records are known."""


@dataclass(slots=True)
class _Request:
    """What moto does not store about a certificate. Times in seconds since the epoch."""

    at: float
    token: str | None
    params: dict[str, Any]
    issued_at: float | None = None
    used_at: float | None = None


_requests: Regional[dict[str, _Request]] = Regional(dict)
"""The certificates that were requested, by ARN."""


def _record(account: str, domain: str) -> dict[str, str]:
    """Return the record that proves a domain: the same for every certificate of the account, wildcards included."""
    base = domain.removeprefix("*.").lower()
    digest = hashlib.sha256(f"{account}/{base}".encode()).hexdigest()
    value = f"_{digest[32:]}.{digest[:10]}.acm-validations.aws."
    return {"Name": f"_{digest[:32]}.{base}.", "Type": "CNAME", "Value": value}


@advances("acm", "elbv2", "route53")
def advance(call: Call) -> None:
    """Issue certificates that have records, time out those that waited for three days, and record which are in use."""
    for arn, request in _requests.of(call).items():
        model = call.moto("acm")._certificates[arn]
        if model.status == "PENDING_VALIDATION":
            _advance(call, model, request)
        elif model.status == "ISSUED" and call.now >= (request.issued_at or call.now) + VALID_FOR:
            model.status, request.issued_at = ("ISSUED", call.now) if _proven(call, request) else ("EXPIRED", None)
        if _users(call, arn):
            request.used_at = call.now


def _advance(call: Call, model: Any, request: _Request) -> None:
    if not _proven(call, request):
        request.issued_at = None
    elif not all(_may_issue(domain) for domain in _domains(request.params)):
        model.status = "FAILED"
        return
    elif request.issued_at is None:
        request.issued_at = call.now + call.timing.certificate
    if request.issued_at is not None and request.issued_at <= call.now:
        model.status = "ISSUED"
    elif call.now - request.at >= _EXPIRES_AFTER:
        model.status = "VALIDATION_TIMED_OUT"


def _proven(call: Call, request: _Request) -> bool:
    return all(_stands(_record(call.account, domain)) for domain in _domains(request.params))


def _domains(params: dict[str, Any]) -> list[str]:
    return [params["DomainName"], *params.get("SubjectAlternativeNames", [])]


_ISSUERS = ("amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com")
_undelegated: set[str] = set()
"""The IDs of hosted zones that the zone above does not delegate to, so that nobody sees their records."""
backends.on_reset(_undelegated.clear)


def undelegate(zone_id: str) -> None:
    """Take the delegation to a hosted zone away: its records exist, and nobody finds them."""
    _undelegated.add(zone_id)


def delegate(zone_id: str) -> None:
    """Delegate to a hosted zone again."""
    _undelegated.discard(zone_id)


def _may_issue(domain: str) -> bool:
    """Return whether the CAA records nearest to a domain let Amazon issue, or there are none.

    Source: ACM user guide, "(Optional) Configure a CAA record".
    """
    labels = domain.removeprefix("*.").lower().split(".")
    for start in range(len(labels)):
        values = [
            value for row in _records("CAA") if _same(row.name, ".".join(labels[start:])) for value in row.records
        ]
        if values:
            return any(issuer in value for value in values for issuer in _ISSUERS)
    return True


def _records(type_: str) -> Iterator[Any]:
    """Yield the records of a type in the public zones of all accounts, since DNS is global."""
    for account in backends.accounts_of("route53"):
        for zone in backends.backend("route53", account, "aws").zones.values():
            if not zone.private_zone and zone.id.rpartition("/")[2] not in _undelegated:
                yield from (record for record in zone.rrsets if record.type == type_)


def _stands(wanted: dict[str, str]) -> bool:
    """Return whether a record exists in a public zone of any account."""
    return any(
        _same(value, wanted["Value"])
        for record in _records(wanted["Type"])
        if _same(record.name, wanted["Name"])
        for value in record.records
    )


def _same(one: str, other: str) -> bool:
    """Compare domain names."""
    return one.rstrip(".").lower() == other.rstrip(".").lower()


def _users(call: Call, arn: str) -> list[str]:
    """Return the ARNs of the load balancers of which a listener has the certificate."""
    return [
        balancer.arn
        for balancer in call.moto("elbv2").load_balancers.values()
        if any(arn in (listener.certificates or []) for listener in balancer.listeners.values())
    ]


@handles("acm:RequestCertificate")
def request_certificate(call: Call) -> Result:
    """Request a certificate, or return the one that the same token requested within the hour."""
    params = dict(call.params)
    for domain in _domains(params):
        if not _DOMAIN.fullmatch(domain):
            raise AwsError("ValidationException", f"The domain name '{domain}' is not valid")
    if len(params["DomainName"]) > 64:
        message = "The first domain name can be no longer than 64 characters"
        raise AwsError("InvalidDomainValidationOptionsException", message)
    requests, token = _requests.of(call), params.get("IdempotencyToken")
    for arn, request in requests.items():
        if token and request.token == token and call.now - request.at < _TOKEN_LIVES:
            return {"CertificateArn": arn}
    params.pop("IdempotencyToken", None)
    result = call.forward(params)
    arn = result["CertificateArn"]
    requests[arn] = _Request(call.now, token, params)
    # moto would issue it by the clock, at its next check
    call.moto("acm")._certificates[arn].check = _leave_alone
    return result


def _leave_alone() -> None:
    """Do nothing: `advance` issues certificates."""


@handles("acm:ListCertificates")
def list_certificates(call: Call) -> Result:
    """List certificates with all their names; by default only those with RSA keys of up to 2,048 bits."""
    result = call.forward()
    types = call.params.get("Includes", {}).get("keyTypes") or ("RSA_1024", "RSA_2048")
    requests = _requests.of(call)
    rows = [
        {**row, "KeyAlgorithm": (asked := requests[row["CertificateArn"]].params).get("KeyAlgorithm", "RSA_2048")}
        | {"SubjectAlternativeNameSummaries": list(dict.fromkeys(_domains(asked)))}
        if row["CertificateArn"] in requests
        else row
        for row in result.get("CertificateSummaryList", [])
    ]
    return {**result, "CertificateSummaryList": [row for row in rows if row.get("KeyAlgorithm", "RSA_2048") in types]}


@handles("acm:DescribeCertificate")
def describe_certificate(call: Call) -> Result:
    """Describe a certificate with its own validation records and its users."""
    result = call.forward()
    shown = result["Certificate"]
    request = _requests.of(call).get(shown["CertificateArn"])
    if request is None:
        return result
    shown["InUseBy"] = _users(call, shown["CertificateArn"])
    known = call.now >= request.at + call.timing.certificate * _RECORDS_SHOW_AFTER
    for option in shown.get("DomainValidationOptions", []):
        option.pop("ResourceRecord", None)
        if known:
            option["ResourceRecord"] = _record(call.account, option["DomainName"])
    if shown["Status"] == "FAILED":
        shown["FailureReason"] = "CAA_ERROR"
    if shown["Status"] != "ISSUED":
        for key in ("IssuedAt", "NotBefore", "NotAfter", "Serial", "Issuer"):
            shown.pop(key, None)
    return result


@handles("acm:DeleteCertificate")
def delete_certificate(call: Call) -> Result:
    """Delete a certificate. Refuse while a listener uses it, and for a while after, since InUseBy lags."""
    arn = call.params["CertificateArn"]
    request = _requests.of(call).get(arn)
    lingers = request is not None and request.used_at is not None and call.now < request.used_at + call.timing.eni
    if _users(call, arn) or lingers:
        raise AwsError("ResourceInUseException", f"Certificate {arn} in account {call.account} is in use.")
    result = call.forward()
    _requests.of(call).pop(arn, None)
    return result


def status_of(call: Call, arn: str) -> str | None:
    """Return the status of a certificate, None if there is none."""
    model = call.moto("acm")._certificates.get(arn)
    return None if model is None else str(model.status)


@checks("acm:RequestCertificate")
def few_names(call: Call) -> None:
    """Refuse more names than the default quota of ten."""
    names = {*_domains(dict(call.params))}
    if len(names) > 10:
        message = "The number of domain names requested exceeds the quota of 10 domain names per certificate"
        raise AwsError("LimitExceededException", message)
