"""Who reaches the load balancer: the internet or the VPC alone, and of them the allowed blocks."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.sim.app import App
from tests.sim.aws import Aws

INTERNET, NEIGHBOUR, OFFICE = "192.0.2.1", "10.0.10.20", "203.0.113.9"


def balancer(app: App) -> dict[str, Any]:
    [row] = app.client("elbv2").describe_load_balancers(Names=[f"{app.name}-alb"])["LoadBalancers"]
    return dict(row)


def admitted(app: App, address: str) -> set[int]:
    """Return the ports on which the load balancer's security groups admit a client."""
    groups = [{"Name": "group-id", "Values": balancer(app)["SecurityGroups"]}]
    rules = app.client("ec2").describe_security_group_rules(Filters=groups)["SecurityGroupRules"]
    blocks = [(rule["FromPort"], rule["CidrIpv4"]) for rule in rules if not rule["IsEgress"] and "CidrIpv4" in rule]
    return {port for port, block in blocks if ip_address(address) in ip_network(block)}


def subnets(app: App, tier: str) -> set[str]:
    names = [f"{app.name}-{tier}-{letter}" for letter in "ab"]
    rows = app.client("ec2").describe_subnets(Filters=[{"Name": "tag:Name", "Values": names}])["Subnets"]
    return {row["SubnetId"] for row in rows}


@pytest.fixture(scope="module")
def public(aws: Aws) -> App:
    app = App(aws, "open", environment="Development")
    app.settle()
    return app


@pytest.fixture(scope="module")
def private(aws: Aws) -> App:
    app = App(
        aws,
        "inside",
        environment="Development",
        loadBalancer={"scheme": "internal", "accessLogs": {"enabled": True}},
        waf={"enabled": True},
    )
    app.settle()
    return app


def test_it_is_on_the_internet_by_default_for_everybody(public: App) -> None:
    app = public
    row = balancer(app)
    assert (row["Scheme"], row["DNSName"].startswith("open-alb-")) == ("internet-facing", True)
    assert {zone["SubnetId"] for zone in row["AvailabilityZones"]} == subnets(app, "public")
    assert admitted(app, INTERNET) == {80, 443}
    app.stays_in_sync()


def test_an_internal_one_has_no_way_from_the_internet_and_admits_its_own_network_alone(private: App) -> None:
    app = private
    row = balancer(app)
    assert row["Scheme"] == "internal"
    assert row["DNSName"].startswith("internal-inside-alb-")
    assert {zone["SubnetId"] for zone in row["AvailabilityZones"]} == subnets(app, "app")
    assert (admitted(app, INTERNET), admitted(app, OFFICE), admitted(app, NEIGHBOUR)) == (set(), set(), {80, 443})
    assert app.body["status"]["url"] == f"http://{row['DNSName']}"
    app.stays_in_sync()


def test_an_internal_one_has_its_firewall_and_writes_its_logs(private: App) -> None:
    arn = balancer(private)["LoadBalancerArn"]
    assert private.client("wafv2").get_web_acl_for_resource(ResourceArn=arn)["WebACL"]["Name"] == "inside-waf"
    rows = private.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    assert {"Key": "access_logs.s3.enabled", "Value": "true"} in rows


def test_an_internal_one_has_its_domain_lead_to_it(private: App) -> None:
    app = private
    zone = app.client("route53").create_hosted_zone(Name="example.com", CallerReference="inside")["HostedZone"]["Id"]
    app.edit(domain={"name": "app.example.com"})
    app.settle()
    rows = app.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    [alias] = [row["AliasTarget"]["DNSName"] for row in rows if row["Type"] == "A"]
    assert alias.rstrip(".").endswith(balancer(app)["DNSName"])
    assert app.body["status"]["url"] == "https://app.example.com"
    app.stays_in_sync()


def test_other_networks_reach_an_internal_one_if_they_are_named(private: App) -> None:
    app = private
    app.edit(loadBalancer={"allowedCIDRs": ["10.0.0.0/16", "172.20.0.0/14"]})
    app.settle()
    assert (admitted(app, "172.21.0.1"), admitted(app, NEIGHBOUR)) == ({80, 443}, {80, 443})
    app.stays_in_sync()


def test_who_is_not_allowed_any_more_is_refused_and_who_stays_is_never_shut_out(public: App) -> None:
    app = public
    steps = ([f"{OFFICE}/32"], ["203.0.113.0/24", "198.51.100.7/32"], ["203.0.113.0/25"], ["0.0.0.0/0"])
    shut_out: list[str] = []

    def moment(when: str, call: str) -> None:
        if when == "after" and admitted(app, OFFICE) != {80, 443}:
            shut_out.append(call)

    app.process.moment = moment
    for blocks in steps:
        app.edit(loadBalancer={"allowedCIDRs": blocks})
        app.settle()
        assert admitted(app, INTERNET) == ({80, 443} if blocks == ["0.0.0.0/0"] else set())
        app.stays_in_sync()
    app.process.moment = lambda _when, _call: None
    assert shut_out == []


def test_as_many_blocks_as_a_spec_may_have_change_all_at_once(public: App) -> None:
    app = public
    app.edit(loadBalancer={"allowedCIDRs": [f"10.{number}.0.0/16" for number in range(15)]})
    app.settle()
    app.edit(loadBalancer={"allowedCIDRs": [f"10.{number}.0.0/16" for number in range(20, 35)]})
    app.settle()
    assert (admitted(app, "10.3.0.1"), admitted(app, "10.30.0.1")) == (set(), {80, 443})
    app.stays_in_sync()


def test_a_block_that_somebody_adds_is_taken_away_and_told(public: App) -> None:
    app = public
    app.edit(loadBalancer={"allowedCIDRs": ["203.0.113.0/24"]})
    app.settle()
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    group = balancer(app)["SecurityGroups"][0]
    app.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    assert admitted(app, INTERNET) == {443}
    app.observe_now()
    assert admitted(app, INTERNET) == set()
    assert "open-alb ingress tcp/443 from 0.0.0.0/0" in str(app.body["status"]["drift"])


def test_a_retained_one_of_the_other_scheme_is_replaced(aws: Aws) -> None:
    app = App(aws, "kept", environment="Development", deletionPolicy="Retain")
    app.settle()
    public = balancer(app)["LoadBalancerArn"]
    app.delete()
    again = App(aws, "kept", environment="Development", loadBalancer={"scheme": "internal"})
    again.body["metadata"]["annotations"] = dict(app.body["metadata"]["annotations"])
    again.settle()
    row = balancer(again)
    assert (row["Scheme"], row["LoadBalancerArn"] != public) == ("internal", True)
    assert admitted(again, INTERNET) == set()
    again.stays_in_sync()
