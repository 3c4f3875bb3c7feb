"""The web application firewall: switched on and off in a running stack, kept true, and never in another's place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.app import App, changes
from tests.sim.aws import OPERATOR

GROUPS = {
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
}


@pytest.fixture(scope="module")
def plain(aws) -> App:
    """A stack that has never had a firewall."""
    app = App(aws, "guarded", environment="Development")
    app.settle()
    return app


@pytest.fixture(scope="module")
def app(aws) -> App:
    """A stack that has had a firewall from the start."""
    app = App(aws, "guarded2", environment="Development", waf={"enabled": True})
    app.settle()
    return app


def balancer(app: App) -> str:
    [row] = app.client("elbv2").describe_load_balancers(Names=[f"{app.stack}-alb"])["LoadBalancers"]
    return str(row["LoadBalancerArn"])


def in_front(app: App) -> dict[str, Any]:
    """The web ACL that the load balancer has, if any."""
    return app.client("wafv2").get_web_acl_for_resource(ResourceArn=balancer(app)).get("WebACL", {})


def listed(app: App) -> list[dict[str, Any]]:
    rows = app.client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]
    return [row for row in rows if row["Name"] == f"{app.stack}-waf"]


def rewritten(app: App, **settings: Any) -> None:
    """Change the stack's web ACL as somebody else would."""
    waf, [row] = app.client("wafv2"), listed(app)
    found = waf.get_web_acl(Name=row["Name"], Id=row["Id"], Scope="REGIONAL")
    kept = {key: found["WebACL"][key] for key in ("DefaultAction", "VisibilityConfig", "Rules")}
    waf.update_web_acl(
        Name=row["Name"], Id=row["Id"], Scope="REGIONAL", LockToken=found["LockToken"], **{**kept, **settings}
    )


def test_by_default_there_is_none_and_nothing_is_said_of_it(plain):
    assert (listed(plain), in_front(plain)) == ([], {})
    assert plain.condition("WAFReady")["status"] == ""


def test_it_is_switched_on_without_touching_anything_else(plain):
    app = plain
    app.edit(waf={"enabled": True})
    calls = changes(app.calls(app.grow))
    assert set(calls) == {"wafv2:CreateWebACL", "wafv2:AssociateWebACL"}
    assert calls["wafv2:CreateWebACL"] == 1
    acl = in_front(app)
    assert acl["Name"] == f"{app.stack}-waf"
    assert acl["DefaultAction"] == {"Allow": {}}
    statements = [rule["Statement"] for rule in acl["Rules"]]
    assert {s["ManagedRuleGroupStatement"]["Name"] for s in statements if "ManagedRuleGroupStatement" in s} == GROUPS
    assert [s["RateBasedStatement"]["Limit"] for s in statements if "RateBasedStatement" in s] == [2000]
    seen = [acl["VisibilityConfig"], *(rule["VisibilityConfig"] for rule in acl["Rules"])]
    assert all(each["CloudWatchMetricsEnabled"] and each["SampledRequestsEnabled"] for each in seen)
    assert app.condition("WAFReady")["status"] == "True"
    app.stays_in_sync()


def test_another_rate_is_one_call(app):
    app.edit(waf={"rateLimit": 500})
    assert changes(app.calls(app.grow)) == {"wafv2:UpdateWebACL": 1}
    rates = [rule["Statement"].get("RateBasedStatement") for rule in in_front(app)["Rules"]]
    assert [rate["Limit"] for rate in rates if rate] == [500]
    app.stays_in_sync()


def test_a_rule_that_only_counts_blocks_again(app):
    rules = in_front(app)["Rules"]
    rewritten(
        app, Rules=[{**rule, **({"OverrideAction": {"Count": {}}} if rule["Priority"] else {})} for rule in rules]
    )
    assert changes(app.calls(app.observe_now)) == {"wafv2:UpdateWebACL": 1}
    assert in_front(app)["Rules"] == rules
    assert app.body["status"]["drift"][0]["resource"] == f"wafv2.WebACL/{app.stack}-waf"
    app.stays_in_sync()


def test_the_rule_of_shield_advanced_stays(app):
    """Shield Advanced needs it there: AWS WAF developer guide, and terraform-provider-aws#22869."""
    arn = "arn:aws:wafv2:us-east-1:153427709519:regional/rulegroup/ShieldMitigationRuleGroup_1_2_3/4"
    shield = {
        "Name": "ShieldMitigationRuleGroup_123456789012_e29d_4c1a",
        "Priority": 10_000_000,
        "Statement": {"RuleGroupReferenceStatement": {"ARN": arn}},
        "OverrideAction": {"None": {}},
        "VisibilityConfig": in_front(app)["VisibilityConfig"],
    }
    rewritten(app, Rules=[*in_front(app)["Rules"], shield], Description="theirs")
    app.stays_in_sync()
    assert app.body["status"].get("drift", []) == []
    app.edit(waf={"rateLimit": 700})
    assert changes(app.calls(app.grow)) == {"wafv2:UpdateWebACL": 1}
    acl = in_front(app)
    assert shield in acl["Rules"]
    assert {rule["Priority"] for rule in acl["Rules"]} == {0, 1, 2, 3, 4, 10_000_000}
    rewritten(app, Rules=[shield])
    app.observe_now()
    assert len(in_front(app)["Rules"]) == 6
    app.stays_in_sync()


def test_one_that_blocks_all_lets_pass_again(app):
    rewritten(app, DefaultAction={"Block": {}})
    app.observe_now()
    assert in_front(app)["DefaultAction"] == {"Allow": {}}
    app.stays_in_sync()


def test_one_taken_from_the_load_balancer_is_put_back(app):
    app.client("wafv2").disassociate_web_acl(ResourceArn=balancer(app))
    assert changes(app.calls(app.observe_now)) == {"wafv2:AssociateWebACL": 1}
    assert in_front(app)["Name"] == f"{app.stack}-waf"
    app.stays_in_sync()


def test_what_somebody_else_put_there_stays_and_is_told(app):
    waf = app.client("wafv2")
    seen = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "theirs"}
    theirs = waf.create_web_acl(Name="theirs", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=seen)[
        "Summary"
    ]

    def placed(_: object) -> bool:
        try:
            waf.associate_web_acl(WebACLArn=theirs["ARN"], ResourceArn=balancer(app))
        except waf.exceptions.WAFUnavailableEntityException:
            return False
        return True

    app.until(placed, "associated by somebody else")
    app.restart()
    app.observe_now()
    assert app.reason("WAFReady") == app.reason("Stalled") == "OwnedElsewhere"
    assert theirs["ARN"] in app.condition("WAFReady")["message"]
    assert in_front(app)["ARN"] == theirs["ARN"]
    waf.disassociate_web_acl(ResourceArn=balancer(app))
    waf.delete_web_acl(Name="theirs", Id=theirs["Id"], Scope="REGIONAL", LockToken=theirs["LockToken"])
    app.observe_now()
    app.grow()
    assert in_front(app)["Name"] == f"{app.stack}-waf"
    app.stays_in_sync()


def test_a_lost_tag_comes_back_alone(app):
    [row] = listed(app)
    app.client("wafv2").untag_resource(ResourceARN=row["ARN"], TagKeys=["Environment"])
    assert changes(app.calls(app.observe_now)) == {"wafv2:TagResource": 1}
    app.stays_in_sync()


def test_switched_off_it_goes_and_so_does_its_condition(app):
    app.edit(waf={"enabled": False})
    calls = changes(app.calls(app.grow))
    app.stays_in_sync()
    assert set(calls) <= {"wafv2:DisassociateWebACL", "wafv2:DeleteWebACL"}
    assert (listed(app), in_front(app)) == ([], {})
    assert app.condition("WAFReady")["status"] == ""
    assert not [row for row in app.body["status"]["resources"] if row["component"] == "WAF"]


def test_a_namesake_of_somebody_else_s_is_left_alone(plain):
    app = plain
    waf = app.client("wafv2")
    seen = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "x"}
    made = waf.create_web_acl(
        Name=f"{app.stack}-waf", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=seen
    )["Summary"]
    app.edit(waf={"enabled": True})
    app.until(lambda _: app.reason("Stalled") == "OwnedElsewhere", "told")
    assert in_front(app) == {}
    waf.delete_web_acl(Name=made["Name"], Id=made["Id"], Scope="REGIONAL", LockToken=made["LockToken"])
    app.observe_now()
    app.grow()
    app.stays_in_sync()


def test_the_stack_is_deleted_with_it(app):
    app.delete()
    assert listed(app) == []


def test_a_new_stack_has_it_from_the_start(app):
    app.stays_in_sync()
    assert in_front(app)["Name"] == "guarded2-waf"


def test_an_aws_that_calls_no_web_acl_an_error_is_understood(aws, plain: App) -> None:
    # The reference of GetWebACLForResource lists the exception; Terraform's provider takes both answers for "none".
    failure = {
        "code": "WAFNonexistentItemException",
        "status": 400,
        "message": "AWS WAF couldn't perform the operation",
    }
    aws.faults({"match": "wafv2:GetWebACLForResource", "caller": OPERATOR, "fail": failure})
    plain.edit(waf={"enabled": True})
    plain.settle()
    assert in_front(plain)["Name"] == f"{plain.stack}-waf"
