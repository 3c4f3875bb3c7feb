"""A domain in trouble: lost answers, strangers' records and certificates, and what nobody can use any more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from missyou_local.aws import Server, acm, backends
from tests.sim.app import REGION, App, changes

from .test_domain import certificates, listeners, records, zone


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(aws, "trouble", environment="Development")
    app.grow()
    app.zones = {"example.org": zone(app, "example.org")}
    return app


@pytest.fixture
def lossy(aws: Server):
    """Answers to changes of records are lost."""
    rules = [{"match": "route53:ChangeResourceRecordSets", "caller": "operator", "lost": 1, "times": 2}]
    aws.control.answer("POST", "/_control", json.dumps({"rules": rules}).encode())
    yield
    aws.control.answer("POST", "/_control", b'{"rules": []}')


def in_sync(app: App) -> None:
    app.until(lambda _: app.condition("InSync")["status"] == "True", "in sync")
    assert changes(app.calls(app.look_now)) == {}
    assert app.condition("Ready")["status"] == "True"


def change(app: App, *batch: tuple[str, dict[str, Any]]) -> None:
    """Change records as somebody else would."""
    app.client("route53").change_resource_record_sets(
        HostedZoneId=app.zones["example.org"],
        ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": row} for action, row in batch]},
    )


def forget_the_token(arn: str) -> None:
    """Let the hour go by in which a second request would be the same."""
    [requests] = [state for state in acm._requests.states() if arn in state]
    requests[arn].token = None


def rename(app: App, name: str) -> None:
    app.edit(domain={"name": name})
    app.grow()
    in_sync(app)


def forget_the_domain(app: App) -> None:
    app.body["spec"].pop("domain", None)
    app.edit()
    app.until(lambda _: not certificates(app) and app.condition("InSync")["status"] == "True", "gone")


def test_a_lost_answer_is_not_taken_for_somebody_elses_record(app, lossy):
    app.edit(domain={"name": "lost.example.org"})
    reasons = set()

    def ready(_: Any) -> bool:
        reasons.add(app.reason("DomainReady"))
        return app.condition("Ready")["status"] == "True"

    app.until(ready, "Ready")
    assert "OwnedElsewhere" not in reasons
    assert {("lost.example.org", "A"), ("_missyou.lost.example.org", "TXT")} <= records(
        app, app.zones["example.org"]
    ).keys()
    in_sync(app)


def test_an_expired_certificate_is_replaced_while_https_goes_on(app):
    [old] = certificates(app).values()
    before = records(app, app.zones["example.org"])
    backends.backend("acm", "123456789012", REGION)._certificates[old].status = "EXPIRED"
    forget_the_token(old)
    app.look_now()
    app.until(lambda _: old not in certificates(app).values(), "replaced")
    app.grow()
    [new] = certificates(app).values()
    assert new != old
    assert [each["CertificateArn"] for each in listeners(app)[443]["Certificates"]] == [new]
    assert records(app, app.zones["example.org"]) == before
    in_sync(app)


def test_a_cname_that_somebody_put_in_its_place_is_told_and_stays(app):
    row = records(app, app.zones["example.org"])["lost.example.org", "A"]
    theirs = {"Name": "lost.example.org", "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "else.org."}]}
    change(app, ("DELETE", row), ("CREATE", theirs))
    app.memory.created.clear()
    app.look_now()
    assert app.reason("DomainReady") == "OwnedElsewhere"
    assert "CNAME" in app.condition("DomainReady")["message"]
    forget_the_domain(app)
    left = records(app, app.zones["example.org"])
    assert left.keys() == {("lost.example.org", "CNAME")}
    change(app, ("DELETE", theirs))


def test_the_proof_stays_for_another_certificate_of_the_same_name(app):
    rename(app, "shared.example.org")
    theirs = app.client("acm").request_certificate(
        DomainName="example.org",
        SubjectAlternativeNames=["shared.example.org"],
        ValidationMethod="DNS",
        KeyAlgorithm="EC_prime256v1",
    )["CertificateArn"]
    forget_the_domain(app)
    [(name, kind)] = records(app, app.zones["example.org"])
    assert (name.endswith(".shared.example.org"), kind) == (True, "CNAME")
    app.client("acm").delete_certificate(CertificateArn=theirs)
    change(app, ("DELETE", records(app, app.zones["example.org"])[name, kind]))


def test_a_zone_that_was_made_anew_is_found(app):
    rename(app, "again.example.org")
    gone, route53 = app.zones["example.org"], app.client("route53")
    change(app, *(("DELETE", row) for row in records(app, gone).values()))
    route53.delete_hosted_zone(Id=gone)
    app.memory.created.clear()
    app.look_now()
    app.until(lambda _: "no public hosted zone" in app.condition("DomainReady")["message"], "told")
    app.zones["example.org"] = zone(app, "example.org")
    app.look_now()
    app.grow()
    assert ("again.example.org", "A") in records(app, app.zones["example.org"])
    in_sync(app)


def test_a_name_that_is_taken_back_at_once_leaves_nothing(app):
    """The record was made a moment ago, and has not been looked at since."""
    before = records(app, app.zones["example.org"]).keys()
    app.edit(domain={"name": "short.example.org"})

    def made(_: Any) -> bool:
        return any("short.example.org" in name for name, _ in records(app, app.zones["example.org"]))

    app.until(made, "made")
    rename(app, "again.example.org")
    app.until(lambda _: "short.example.org" not in certificates(app), "gone")
    assert records(app, app.zones["example.org"]).keys() == before


def test_all_goes_with_the_stack(app):
    assert changes(app.calls(app.delete))["acm:DeleteCertificate"] >= 1
    assert records(app, app.zones["example.org"]) == {}
