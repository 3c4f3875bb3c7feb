"""A name of its own: certificate, HTTPS, redirect, records; moved, removed, made by hand, and left to others."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from missyou_operator.engine.packing import _models
from tests.sim.app import App, changes
from tests.sim.aws import REGION, Aws

_REFERENCES = itertools.count(1)


def zone(aws: Aws, name: str) -> str:
    """Create a public hosted zone; return its ID."""
    made = aws.client("route53").create_hosted_zone(Name=name, CallerReference=f"{name}-{next(_REFERENCES)}")
    return str(made["HostedZone"]["Id"].rpartition("/")[2])


def records(app: App, zone_id: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the records of a zone, its own apart."""
    rows = app.client("route53").list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    return {(row["Name"].rstrip("."), row["Type"]): row for row in rows if row["Type"] not in {"NS", "SOA"}}


def listeners(app: App) -> dict[int, dict[str, Any]]:
    elb = app.client("elbv2")
    [balancer] = elb.describe_load_balancers(Names=[f"{app.name}-alb"])["LoadBalancers"]
    rows = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    return {row["Port"]: row for row in rows}


def certificates(app: App) -> dict[str, str]:
    """Map the domains of our certificates to their ARNs."""
    acm = app.client("acm")
    found = {}
    for row in acm.list_certificates()["CertificateSummaryList"]:
        tags = acm.list_tags_for_certificate(CertificateArn=row["CertificateArn"])["Tags"]
        if {"Key": "missyou.app/stack", "Value": f"default/{app.name}"} in tags:
            found[row["DomainName"]] = row["CertificateArn"]
    return found


def in_sync(app: App) -> None:
    app.stays_in_sync()
    assert "drift" not in app.body["status"], (app.body["status"]["drift"], listeners(app))


def elsewhere(aws: Aws, account: str) -> Any:
    """Return a Route 53 client of another account."""
    role = f"arn:aws:iam::{account}:role/somebody"
    found = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return aws.client("route53", found["AccessKeyId"], REGION, found["SessionToken"])


@pytest.fixture(scope="module")
def zones(aws) -> dict[str, str]:
    """The hosted zones of the account, by their names."""
    return {name: zone(aws, name) for name in ("example.com", "shop.example.com", "example.net")}


@pytest.fixture(scope="module")
def app(aws, zones) -> App:
    """A stack without a name of its own."""
    app = App(aws, "named", environment="Development")
    app.settle()
    return app


def serve(app: App, name: str) -> None:
    """Give the stack a name, and wait until it is served by it."""
    app.edit(domain={"name": name})
    app.settle()


def test_what_is_packed_by_a_value_is_of_few_kinds(app, zones) -> None:
    """Of each kind a value is kept as long as the process lives: no name of a stack, domain or role makes another."""
    for name in ("example.net", "shop.example.com"):
        serve(app, name)
    words = re.compile(r"[a-z0-9-]+\.[A-Za-z_]+|status|world|matched|uses")
    assert "route53.records" in _models
    assert [kind for kind in _models if not words.fullmatch(kind)] == []


def test_a_name_is_served_by_https_and_http_leads_there(app):
    app.edit(domain={"name": "app.shop.example.com"})
    app.until(lambda _: app.condition("DomainReady")["status"] == "False", "begun")
    # HTTP goes on until HTTPS is there.
    assert listeners(app)[80]["DefaultActions"][0]["Type"] == "forward"
    assert app.body["status"]["url"].startswith("http://named-alb")
    app.grow()
    in_sync(app)
    [action] = listeners(app)[80]["DefaultActions"]
    assert action["RedirectConfig"]["StatusCode"] == "HTTP_301"
    secure = listeners(app)[443]
    assert secure["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert secure["DefaultActions"][0]["Type"] == "forward"
    assert secure["Certificates"][0]["CertificateArn"] == certificates(app)["app.shop.example.com"]
    assert app.body["status"]["url"] == "https://app.shop.example.com"
    assert app.body["status"]["outputs"]["certificateARN"] == certificates(app)["app.shop.example.com"]


def test_its_records_are_in_the_zone_with_the_longest_name(app, zones):
    serve(app, "app.shop.example.com")
    assert records(app, zones["example.com"]) == {}
    found = records(app, zones["shop.example.com"])
    assert {type_ for _, type_ in found} == {"A", "CNAME", "TXT"}
    alias = found["app.shop.example.com", "A"]["AliasTarget"]
    assert alias["DNSName"].rstrip(".") in app.body["status"]["outputs"]["albURL"]
    [owner] = found["_missyou.app.shop.example.com", "TXT"]["ResourceRecords"]
    assert "stack=default/named" in owner["Value"]


def test_what_others_change_is_put_right(app, zones):
    serve(app, "app.shop.example.com")
    elb, found = app.client("elbv2"), listeners(app)
    forward = found[443]["DefaultActions"]
    elb.modify_listener(ListenerArn=found[80]["ListenerArn"], DefaultActions=forward)
    row = records(app, zones["shop.example.com"])["app.shop.example.com", "A"]
    another = {**row, "AliasTarget": {**row["AliasTarget"], "DNSName": "other-1.us-east-1.elb.amazonaws.com"}}
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": another}]}
    app.client("route53").change_resource_record_sets(HostedZoneId=zones["shop.example.com"], ChangeBatch=batch)
    assert changes(app.calls(app.observe_now)) == {"elbv2:ModifyListener": 1, "route53:ChangeResourceRecordSets": 1}
    assert listeners(app)[80]["DefaultActions"][0]["Type"] == "redirect"
    assert records(app, zones["shop.example.com"])["app.shop.example.com", "A"] == row


@pytest.mark.parametrize("match", ["route53:ListHostedZones", "route53:*", "acm:*"])
def test_records_stay_where_they_are_while_nothing_can_be_read(app, zones, match):
    serve(app, "app.shop.example.com")
    before = records(app, zones["shop.example.com"])
    app.aws.faults({"match": match, "throttle": 1})
    assert changes(app.calls(app.observe_now)) == {}
    app.aws.faults()
    in_sync(app)
    assert records(app, zones["shop.example.com"]) == before


def test_a_zone_that_fits_better_since_changes_nothing(app):
    serve(app, "app.shop.example.com")
    better = zone(app.aws, "app.shop.example.com")
    in_sync(app)
    assert records(app, better) == {}


def test_another_name_is_served_before_the_old_one_goes(app, zones):
    serve(app, "app.shop.example.com")
    seen = len(app.aws.control.ledger.entries())
    app.edit(domain={"name": "love.example.net"})
    app.grow()
    in_sync(app)
    done = [entry["operation"] for entry in app.aws.control.ledger.entries()[seen:]]
    swapped = done.index("elbv2:ModifyListener")
    assert done.index("acm:RequestCertificate") < swapped < done.index("acm:DeleteCertificate")
    assert "elbv2:DeleteListener" not in done
    gone = [i for i, name in enumerate(done) if name == "route53:ChangeResourceRecordSets"]
    assert len([i for i in gone if i < swapped]) == 3, "the claim and both new records come first"
    app.until(lambda _: set(certificates(app)) == {"love.example.net"}, "rid of the old certificate")
    assert records(app, zones["shop.example.com"]) == {}
    assert {name for name, type_ in records(app, zones["example.net"]) if type_ == "A"} == {"love.example.net"}
    assert app.body["status"]["url"] == "https://love.example.net"


def test_without_the_name_http_serves_again_before_https_goes(app, zones):
    serve(app, "love.example.net")
    seen = len(app.aws.control.ledger.entries())
    del app.body["spec"]["domain"]
    app.edit()
    app.grow()
    app.until(lambda _: not certificates(app), "rid of the certificate")
    in_sync(app)
    done = [entry["operation"] for entry in app.aws.control.ledger.entries()[seen:]]
    assert done.index("elbv2:ModifyListener") < done.index("elbv2:DeleteListener")
    assert set(listeners(app)) == {80}
    assert listeners(app)[80]["DefaultActions"][0]["Type"] == "forward"
    assert records(app, zones["example.net"]) == {}
    assert app.condition("DomainReady")["status"] == ""
    assert app.body["status"]["url"].startswith("http://named-alb")


def test_a_record_that_is_not_ours_is_left_alone(app, zones):
    theirs = {"Name": "www.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": theirs}]}
    route53, zone_id = app.client("route53"), zones["example.com"]
    route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch=batch)
    app.edit(domain={"name": "www.example.com"})
    app.until(lambda _: app.reason("Stalled") == "OwnedElsewhere", "told")
    said = app.condition("Stalled")["message"]
    assert "Remove that record from the hosted zone, or set another spec.domain.name" in said
    assert "stackName" not in said
    assert "www.example.com" not in certificates(app)
    assert records(app, zone_id)["www.example.com", "A"]["ResourceRecords"] == [{"Value": "192.0.2.1"}]
    batch["Changes"][0]["Action"] = "DELETE"
    route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch=batch)
    app.observe_now()
    app.grow()
    in_sync(app)
    assert app.body["status"]["url"] == "https://www.example.com"


def test_where_there_is_no_zone_the_records_are_named_and_made_by_hand(app, zones):
    serve(app, "www.example.com")
    app.edit(domain={"name": "app.elsewhere.org"})
    app.until(lambda _: app.reason("DomainReady") == "ValidationRecordMissing", "told")
    said = app.condition("DomainReady")["message"]
    assert app.condition("Stalled")["status"] == ""
    name, value = said.split("create the record ")[1].split(" by hand")[0].split(" CNAME ")
    assert f"point app.elsewhere.org at {app.body['status']['outputs']['albURL'].removeprefix('http://')}" in said
    # The name before it is served meanwhile.
    assert listeners(app)[443]["Certificates"][0]["CertificateArn"] == certificates(app)["www.example.com"]
    assert ("www.example.com", "A") in records(app, zones["example.com"])
    # In somebody else's DNS, which is another account here.
    theirs = elsewhere(app.aws, "222222222222")
    zone_id = theirs.create_hosted_zone(Name="elsewhere.org", CallerReference="theirs")["HostedZone"]["Id"]
    by_hand = {"Name": name, "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": value}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": by_hand}]}
    theirs.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch=batch)
    app.grow()
    in_sync(app)
    assert app.body["status"]["url"] == "https://app.elsewhere.org"
    assert "point app.elsewhere.org at" in app.condition("DomainReady")["message"]
    assert ("www.example.com", "A") not in records(app, zones["example.com"])


def test_a_zone_in_another_account_is_reached_by_its_role_and_found_again_without_the_spec(aws):
    theirs = elsewhere(aws, "333333333333")
    zone_id = theirs.create_hosted_zone(Name="far.org", CallerReference="far")["HostedZone"]["Id"].rpartition("/")[2]
    role = {"roleARN": "arn:aws:iam::333333333333:role/dns", "externalID": "nobody-else"}
    app = App(aws, "far", environment="Development", domain={"name": "far.org", "hostedZoneID": zone_id})
    app.body["spec"]["domain"]["credentials"] = role
    app.grow()
    in_sync(app)

    def found() -> set[tuple[str, str]]:
        rows = theirs.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
        return {(row["Name"], row["Type"]) for row in rows if row["Type"] not in {"NS", "SOA"}}

    assert ("far.org.", "A") in found()
    assert len(found()) == 4
    # The spec names no domain any more, and the operator remembers nothing: the certificate's tags do.
    del app.body["spec"]["domain"]
    app.restart()
    app.delete()
    assert found() == set()


def test_a_zone_that_is_named_and_not_there_is_told(aws):
    app = App(aws, "nozone", environment="Development", domain={"name": "no.zone.org", "hostedZoneID": "Z0NOBODY"})
    app.until(lambda _: app.reason("Stalled") == "ZoneNotFound", "told")
    assert "Z0NOBODY" in app.condition("Stalled")["message"]
    app.delete()


def test_a_stack_with_a_name_is_deleted_and_its_records_too(app, zones):
    serve(app, "last.example.net")
    app.delete()
    assert certificates(app) == {}
    assert records(app, zones["example.net"]) == {}
    assert records(app, zones["example.com"]) == {}
