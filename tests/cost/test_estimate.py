"""What a stack costs: checked against sums done by hand, and against the graph of what is really made."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missyou_operator.api.components import Component
from missyou_operator.aws.cloudwatch.alarm import Alarm
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.wafv2.webacl import WebACL
from missyou_operator.cost import Estimate, Price, PriceTable, Usage, bundled, estimate
from missyou_operator.stack import Lookups, build

from .specs import app

D = Decimal
GEMINI = {"googleAPIKey": {"secretKeyRef": {"name": "gemini", "key": "api-key"}}}
ELSEWHERE = {"googleAPIKey": {"secretARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:gemini-AbCdEf"}}
ONE = Price(D(1), date(2026, 1, 1), "test")
FLAT = PriceTable({"us-east-1": dict.fromkeys(bundled().regions["us-east-1"], ONE)})


def of(**spec) -> Estimate:
    return estimate(app(**spec), bundled())


def quantity(found: Estimate, item: str) -> Decimal:
    return sum((line.charge.quantity for line in found.lines if line.charge.item.name == item), D(0))


def test_the_production_default_by_hand():
    found = of()
    assert dict(found.by_component()) == {
        "Network": D("65.70") + D("0.45") + D("7.30"),  # 2 x 730 h x 0.045; 10 GB x 0.045; 2 x 730 h x 0.005
        "Database": D("26.28") + D("4.60"),  # 730 h x 0.036; 20 GB x 0.23
        "Registry": D("0.10"),  # 1 GB x 0.10
        "Secrets": D("0.40"),
        "LoadBalancer": D("16.43") + D("1.46") + D("7.30"),  # 730 h x 0.0225; 182.5 x 0.008; 2 x 730 h x 0.005
        "Service": D("29.55") + D("6.49"),  # 2 x 0.5 x 730 h x 0.04048; 2 x 1 x 730 h x 0.004445
        "Monitoring": D("0.50") + D("0.01") + D("1.00") + D("3.00"),
    }
    assert found.total == D("170.57")


def test_the_development_default_by_hand():
    assert of(environment="Development").total == D("88.60")


def test_components_are_those_that_users_see():
    # Records of a domain and public certificates cost nothing.
    everything = of(waf={"enabled": True}, loadBalancer={"accessLogs": {"enabled": True}})
    assert set(everything.by_component()) == set(Component) - {Component.DOMAIN}


def test_a_firewall_by_hand():
    # 5.00 a web ACL; 5 rules x 1.00; 1 million requests x 0.60.
    assert of(waf={"enabled": True}).by_component()["WAF"] == D("10.60")


def test_access_logs_are_paid_for_as_long_as_they_are_kept():
    on = {"enabled": True, "retentionDays": 365}
    more = estimate(app(loadBalancer={"accessLogs": on}), bundled(), Usage(access_log_gb=D(10)))
    # 10 GB a month, kept for twelve, at 0.023.
    assert more.total - of().total == D("2.76")


def test_flow_logs_are_paid_for_as_they_are_written_and_as_long_as_they_are_kept():
    on = {"enabled": True, "retentionDays": 365}
    more = estimate(app(network={"flowLogs": on}), bundled(), Usage(flow_log_gb=D(10)))
    paid = [(line.charge.what, line.usd) for line in more.lines if "flow logs" in line.charge.what]
    # 10 GB a month, and twelve times as many kept.
    prices = [bundled().price(more.region, item).usd for item in ("logs.ingestedGB", "logs.storedGBMonth")]
    assert paid == [("flow logs written", 10 * prices[0]), ("flow logs kept", 120 * prices[1])]
    assert more.total - of().total == sum(usd for _, usd in paid)


def test_lines_components_and_total_add_up():
    found = of(network={"endpoints": {"interfaces": True}}, secrets=GEMINI)
    assert sum(line.usd for line in found.lines if line.usd is not None) == found.known == found.total
    assert sum(found.by_component().values()) == found.total


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"environment": "Development"},
        {"network": {"natGateways": 1, "endpoints": {"interfaces": True}}},
        {"secrets": GEMINI},
        {"secrets": ELSEWHERE},
        {"image": {"repository": "registry.example.com/missyou"}},
        {"waf": {"enabled": True}, "loadBalancer": {"accessLogs": {"enabled": True}}},
    ],
    ids=str,
)
def test_counts_are_those_of_the_graph(spec):
    stack = StackIdentity("missyou", "default/missyou", "uid", "123456789012", "us-east-1", "app-uid")
    graph = list(build(app(**spec), stack, Lookups(("a", "b"))))
    made = Counter(
        resource.TYPE + (f"/{resource.kind}" if resource.TYPE == "ec2.VpcEndpoint" else "") for resource in graph
    )
    hour = estimate(app(**spec), bundled(), Usage(hours=D(1)))
    assert quantity(hour, "nat.hour") == made["ec2.NatGateway"]
    # Beside the gateways' own addresses AWS puts one into each zone of the load balancer.
    assert quantity(hour, "ipv4.hour") == made["ec2.Address"] + 2
    assert quantity(hour, "endpoint.hour") == 2 * made["ec2.VpcEndpoint/Interface"]
    assert quantity(hour, "alb.hour") == made["elbv2.LoadBalancer"]
    assert quantity(hour, "secret.month") == made["secretsmanager.Secret"]
    assert quantity(hour, "alarm.month") == sum(len(a.operands) or 1 for a in graph if isinstance(a, Alarm))
    assert (quantity(hour, "ecr.gbMonth") > 0) == (made["ecr.Repository"] > 0)
    assert quantity(hour, "waf.aclMonth") == made["wafv2.WebACL"]
    assert quantity(hour, "waf.ruleMonth") == sum(len(acl.rules) for acl in graph if isinstance(acl, WebACL))
    assert (quantity(hour, "s3.gbMonth") > 0) == (made["s3.Bucket"] > 0)
    # (Topics cost nothing, and of e-mails the first thousand a month are free.)
    assert quantity(hour, "dashboard.month") == made["cloudwatch.Dashboard"]


def test_what_has_no_price_is_named_and_there_is_no_total():
    found = of(database={"instanceClass": "db.x9.mega"})
    assert found.not_priced == ("rds.db.x9.mega.multi",)
    assert found.total is None
    assert found.known == of().known - D("26.28")


def test_a_region_without_prices_has_none_at_all():
    found = estimate(app("eu-south-2"), bundled())
    assert (found.total, found.known, found.date, dict(found.by_component())) == (None, D(0), None, {})
    assert set(found.not_priced) == {line.charge.item.name for line in found.lines}


def test_the_date_is_that_of_the_oldest_price_used():
    assert of().date == date(2026, 8, 31)
    assert of(database={"instanceClass": "db.m7g.large"}).date == date(2026, 7, 29)


def test_one_gateway_less_is_its_hours_and_its_address():
    assert of().known - of(network={"natGateways": 1}).known == D("32.85") + D("3.65")


def test_assumptions_can_be_replaced():
    more = estimate(app(), bundled(), Usage(nat_gb=D(1010)))
    assert more.known - of().known == D("45.00")


@given(low=st.integers(1, 9), more=st.integers(1, 9), storage=st.integers(20, 500))
def test_more_never_costs_less(low, more, storage):
    def cost(tasks: int, gib: int) -> Decimal:
        database = {"storageGiB": gib, "maxStorageGiB": gib}
        return estimate(app(service={"replicas": {"min": tasks, "max": 100}}, database=database), FLAT).known

    assert cost(low, storage) < cost(low + more, storage)
    assert cost(low, storage) < cost(low, storage + more)
