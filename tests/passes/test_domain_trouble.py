"""A domain in trouble: lost answers, strangers' records and certificates, and what nobody can use any more."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_local.aws.services import acm
from tests.sim.app import App, changes
from tests.sim.aws import OPERATOR

from .test_domain import certificates, listeners, records, zone


@pytest.fixture(scope="module")
def zone_id(aws) -> str:
    """The hosted zone of example.org."""
    return zone(aws, "example.org")


@pytest.fixture(scope="module")
def app(aws, zone_id) -> App:
    """A stack without a name of its own."""
    app = App(aws, "trouble", environment="Development")
    app.settle()
    return app


def change(app: App, zone_id: str, *batch: tuple[str, dict[str, Any]]) -> None:
    """Change records as somebody else would."""
    app.client("route53").change_resource_record_sets(
        HostedZoneId=zone_id,
        ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": row} for action, row in batch]},
    )


def expire(app: App, zone_id: str) -> None:
    """Take away the proof of the name, so that its certificate cannot be renewed, until it has expired."""
    [proof] = [row for (_, kind), row in records(app, zone_id).items() if kind == "CNAME"]
    change(app, zone_id, ("DELETE", proof))
    app.clock.now += acm.VALID_FOR


def rename(app: App, name: str) -> None:
    app.edit(domain={"name": name})
    app.settle()
    app.stays_in_sync()


def forget_the_domain(app: App) -> None:
    app.body["spec"].pop("domain", None)
    app.edit()
    app.until(lambda _: not certificates(app) and app.condition("InSync")["status"] == "True", "gone")


def test_a_lost_answer_is_not_taken_for_somebody_elses_record(app, zone_id):
    app.aws.faults({"match": "route53:ChangeResourceRecordSets", "caller": OPERATOR, "lost": 1, "times": 2})
    app.edit(domain={"name": "lost.example.org"})
    reasons = set()

    def ready(_: Any) -> bool:
        reasons.add(app.reason("DomainReady"))
        return app.condition("Ready")["status"] == "True"

    app.until(ready, "Ready")
    assert "OwnedElsewhere" not in reasons
    assert {("lost.example.org", "A"), ("_missyou.lost.example.org", "TXT")} <= records(app, zone_id).keys()
    app.stays_in_sync()


def test_an_expired_certificate_is_replaced_while_https_goes_on(app, zone_id):
    rename(app, "lost.example.org")
    [old] = certificates(app).values()
    before = records(app, zone_id)
    expire(app, zone_id)
    assert app.client("acm").describe_certificate(CertificateArn=old)["Certificate"]["Status"] == "EXPIRED"
    app.observe_now()
    app.until(lambda _: old not in certificates(app).values(), "replaced")
    app.grow()
    [new] = certificates(app).values()
    assert new != old
    assert [each["CertificateArn"] for each in listeners(app)[443]["Certificates"]] == [new]
    assert records(app, zone_id) == before
    app.stays_in_sync()


def test_a_cname_that_somebody_put_in_its_place_is_told_and_stays(app, zone_id):
    rename(app, "lost.example.org")
    row = records(app, zone_id)["lost.example.org", "A"]
    theirs = {"Name": "lost.example.org", "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "else.org."}]}
    change(app, zone_id, ("DELETE", row), ("CREATE", theirs))
    app.observe_now()
    assert app.reason("DomainReady") == "OwnedElsewhere"
    assert "CNAME" in app.condition("DomainReady")["message"]
    forget_the_domain(app)
    left = records(app, zone_id)
    assert left.keys() == {("lost.example.org", "CNAME")}


def test_the_proof_stays_for_another_certificate_of_the_same_name(app, zone_id):
    rename(app, "shared.example.org")
    app.client("acm").request_certificate(
        DomainName="example.org",
        SubjectAlternativeNames=["shared.example.org"],
        ValidationMethod="DNS",
        KeyAlgorithm="EC_prime256v1",
    )
    forget_the_domain(app)
    [(name, kind)] = records(app, zone_id)
    assert (name.endswith(".shared.example.org"), kind) == (True, "CNAME")


def test_the_proof_that_others_made_stays_theirs(app, zone_id):
    """Somebody has a certificate of the same name in another region, and its validation record was there first."""
    acm = app.aws.client("acm", region="eu-west-1")
    arn = acm.request_certificate(DomainName="both.example.org", ValidationMethod="DNS")["CertificateArn"]
    app.clock.now += 60.0
    [option] = acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]
    proof = option["ResourceRecord"]
    row = {"Name": proof["Name"], "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": proof["Value"]}]}
    change(app, zone_id, ("CREATE", row))
    rename(app, "both.example.org")
    forget_the_domain(app)
    assert records(app, zone_id).keys() == {(proof["Name"].rstrip("."), "CNAME")}


def test_the_domain_that_another_app_has_claimed_gets_no_certificate(app, zone_id):
    claim = '"heritage=missyou-operator,stack=default/trouble" "cluster=cluster-uid,uid=another-app"'
    row = {"Name": "_missyou.theirs.example.org", "Type": "TXT", "TTL": 300, "ResourceRecords": [{"Value": claim}]}
    change(app, zone_id, ("CREATE", row))
    before = records(app, zone_id)
    app.edit(domain={"name": "theirs.example.org"})
    app.until(lambda _: app.reason("DomainReady") == "OwnedElsewhere", "told")
    app.passes(5)
    assert "uid=another-app" in app.condition("Stalled")["message"]
    assert certificates(app) == {}
    assert set(listeners(app)) == {80}
    assert records(app, zone_id) == before


def test_a_zone_that_was_made_anew_is_found(app, zone_id):
    rename(app, "again.example.org")
    change(app, zone_id, *(("DELETE", row) for row in records(app, zone_id).values()))
    app.client("route53").delete_hosted_zone(Id=zone_id)
    app.observe_now()
    app.until(lambda _: "no public hosted zone" in app.condition("DomainReady")["message"], "told")
    anew = zone(app.aws, "example.org")
    app.observe_now()
    app.grow()
    assert ("again.example.org", "A") in records(app, anew)
    app.stays_in_sync()


def test_a_name_that_is_taken_back_at_once_leaves_nothing(app, zone_id):
    """The record was made a moment ago, and has not been looked at since."""
    rename(app, "again.example.org")
    before = records(app, zone_id).keys()
    app.edit(domain={"name": "short.example.org"})

    def made(_: Any) -> bool:
        return any("short.example.org" in name for name, _ in records(app, zone_id))

    app.until(made, "made")
    rename(app, "again.example.org")
    app.until(lambda _: "short.example.org" not in certificates(app), "gone")
    assert records(app, zone_id).keys() == before


def test_all_goes_with_the_stack(app, zone_id):
    rename(app, "again.example.org")
    assert changes(app.calls(app.delete))["acm:DeleteCertificate"] >= 1
    assert records(app, zone_id) == {}
