"""What ACM refuses, the nearest that it accepts, and how a certificate comes to be issued."""

from __future__ import annotations

from typing import Any

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import Act, Place, Rule, each, hold, steps


def _zone(s: Place) -> str:
    domain = f"{s.name}.example.com"
    made = s.aws.route53.create_hosted_zone(Name=domain, CallerReference=f"{s.name}-zone")
    return str(s.keep("zone", made["HostedZone"]["Id"]))


def _request(s: Place, **changes: Any) -> str:
    params = {"DomainName": f"{s.name}.example.com", "ValidationMethod": "DNS", **changes}
    return str(s.keep("certificate", s.aws.acm.request_certificate(**params)["CertificateArn"]))


def _describe(s: Place) -> dict[str, Any]:
    found: dict[str, Any] = s.aws.acm.describe_certificate(CertificateArn=s.kept["certificate"])["Certificate"]
    return found


def _change(s: Place, action: str, record: dict[str, str], value: str = "") -> None:
    change = {
        "Action": action,
        "ResourceRecordSet": {
            "Name": record["Name"],
            "Type": record["Type"],
            "TTL": 60,
            "ResourceRecords": [{"Value": value or record["Value"]}],
        },
    }
    s.aws.route53.change_resource_record_sets(HostedZoneId=s.kept["zone"], ChangeBatch={"Changes": [change]})


def _prove(s: Place) -> None:
    """Put the validation record into the zone."""
    s.aws.clock.advance(s.aws.timing.alb)
    for option in _describe(s)["DomainValidationOptions"]:
        _change(s, "UPSERT", option["ResourceRecord"])


def _issued(s: Place) -> None:
    _zone(s)
    _request(s)
    _prove(s)
    _describe(s)
    s.aws.clock.advance(s.aws.timing.alb)
    assert _describe(s)["Status"] == "ISSUED"


def _https(s: Place) -> None:
    made = s.aws.elbv2.create_listener(
        LoadBalancerArn=s.balancer,
        Port=443,
        Protocol="HTTPS",
        Certificates=[{"CertificateArn": s.kept["certificate"]}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": s.group}],
    )
    s.keep("listener", made["Listeners"][0]["ListenerArn"])


def _policy(policy: str) -> Act:
    return lambda s: s.aws.elbv2.modify_listener(ListenerArn=s.kept["listener"], SslPolicy=policy)


def _delete_certificate(s: Place) -> None:
    s.aws.acm.delete_certificate(CertificateArn=s.kept["certificate"])


RULES = [
    Rule(
        "acm:RequestCertificate",
        "a domain of 65 characters",
        "InvalidDomainValidationOptionsException",
        "API RequestCertificate: 64 octets, the stricter reading of the code",
        lambda s: _request(s, DomainName=f"{'x' * 53}.example.com"),
        lambda s: _request(s, DomainName=f"{'x' * 52}.example.com"),
    ),
    Rule(
        "acm:RequestCertificate",
        "a domain that is none",
        "ValidationException",
        "API RequestCertificate",
        lambda s: _request(s, DomainName="*.*.example.com"),
        lambda s: _request(s, DomainName="*.example.com"),
    ),
    Rule(
        "acm:RequestCertificate",
        "more than ten names",
        "LimitExceededException",
        "ACM guide, Quotas",
        lambda s: _request(s, SubjectAlternativeNames=[f"a{i}.example.com" for i in range(10)]),
        lambda s: _request(s, SubjectAlternativeNames=[f"a{i}.example.com" for i in range(9)]),
    ),
    Rule(
        "acm:DeleteCertificate",
        "a listener uses it, or did a moment ago",
        "ResourceInUseException",
        "API DeleteCertificate; aws-behaviour 7.1",
        steps(lambda s: s.aws.elbv2.delete_listener(ListenerArn=s.kept["listener"]), _delete_certificate),
        steps(lambda s: s.aws.clock.advance(s.aws.timing.eni), _delete_certificate),
        steps(_issued, _https),
    ),
    Rule(
        "acm:DeleteCertificate",
        "there is none",
        "ResourceNotFoundException",
        "API DeleteCertificate",
        _delete_certificate,
        _request,
        steps(_request, _delete_certificate),
    ),
    Rule(
        "elbv2:CreateListener",
        "the certificate is not issued",
        "UnsupportedCertificate",
        "aws-behaviour 6.4",
        _https,
        steps(_issued, _https),
        _request,
    ),
    Rule(
        "elbv2:ModifyListener",
        "an unknown TLS policy",
        "SSLPolicyNotFound",
        "API ModifyListener",
        _policy("ELBSecurityPolicy-None"),
        _policy("ELBSecurityPolicy-TLS13-1-2-2021-06"),
        steps(_issued, _https),
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)


def test_a_certificate_waits_for_its_own_record(aws: Aws, name: str) -> None:
    s = Place(aws, name)
    _zone(s)
    _request(s, SubjectAlternativeNames=[f"*.{name}.example.com"])
    (option, *_) = _describe(s)["DomainValidationOptions"]
    assert "ResourceRecord" not in option  # it shows a little later
    aws.clock.advance(aws.timing.alb)
    records = [option["ResourceRecord"] for option in _describe(s)["DomainValidationOptions"]]
    assert records[0] == records[1]  # a wildcard is proven with its apex
    aws.clock.advance(1000)
    assert _describe(s)["Status"] == "PENDING_VALIDATION"
    _change(s, "UPSERT", records[0], "_wrong.acm-validations.aws.")
    _describe(s)
    aws.clock.advance(1000)
    assert _describe(s)["Status"] == "PENDING_VALIDATION"
    _change(s, "UPSERT", records[0])
    assert _describe(s)["Status"] == "PENDING_VALIDATION"
    aws.clock.advance(aws.timing.alb)
    shown = _describe(s)
    assert shown["Status"] == "ISSUED"
    assert {option["ValidationStatus"] for option in shown["DomainValidationOptions"]} == {"SUCCESS"}


def test_a_certificate_gives_up_after_three_days(aws: Aws, name: str) -> None:
    s = Place(aws, name)
    _request(s)
    aws.clock.advance(72 * 3600)
    assert _describe(s)["Status"] == "VALIDATION_TIMED_OUT"


def test_a_token_requests_one_certificate_for_an_hour(aws: Aws, name: str) -> None:
    s = Place(aws, name)
    first = _request(s, IdempotencyToken=name)
    assert _request(s, IdempotencyToken=name) == first
    aws.clock.advance(3600)
    assert _request(s, IdempotencyToken=name) != first


def test_a_certificate_names_its_users(aws: Aws, name: str) -> None:
    s = Place(aws, name)
    _issued(s)
    _https(s)
    assert _describe(s)["InUseBy"] == [s.balancer]
