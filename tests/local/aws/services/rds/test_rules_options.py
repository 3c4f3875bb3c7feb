"""What WAF and SNS refuse, the nearest that they accept, and what they leave pending."""

from __future__ import annotations

from typing import Any

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import Act, Place, Rule, each, hold, steps

_UNSEEN = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "x"}


def _acl(s: Place, suffix: str = "", *rules: dict[str, Any]) -> None:
    made = s.aws.wafv2.create_web_acl(
        Name=s.name + suffix,
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig=_UNSEEN,
        Rules=[{"VisibilityConfig": _UNSEEN, **rule} for rule in rules],
    )
    s.keep("acl", made["Summary"])
    s.aws.clock.advance(s.aws.timing.web_acl)


def _with(*rules: dict[str, Any]) -> Act:
    return lambda s: _acl(s, f"-{len(s.kept)}", *rules)


def _rate(window: int = 300, **changes: Any) -> dict[str, Any]:
    statement = {"RateBasedStatement": {"Limit": 100, "EvaluationWindowSec": window, "AggregateKeyType": "IP"}}
    return {"Name": "rate", "Priority": 0, "Statement": statement, "Action": {"Block": {}}, **changes}


def _group(name: str = "AWSManagedRulesSQLiRuleSet", **changes: Any) -> dict[str, Any]:
    statement = {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": name}}
    return {"Name": "group", "Priority": 1, "Statement": statement, "OverrideAction": {"None": {}}, **changes}


def _update(s: Place) -> None:
    """Update with the token that came with the making."""
    acl = s.kept["acl"]
    s.aws.wafv2.update_web_acl(
        Name=acl["Name"],
        Id=acl["Id"],
        Scope="REGIONAL",
        LockToken=acl["LockToken"],
        DefaultAction={"Block": {}},
        VisibilityConfig=_UNSEEN,
    )


def _fetch(s: Place) -> None:
    acl = s.kept["acl"]
    found = s.aws.wafv2.get_web_acl(Name=acl["Name"], Id=acl["Id"], Scope="REGIONAL")
    s.keep("acl", {**acl, "LockToken": found["LockToken"]})


def _associate(s: Place) -> None:
    s.aws.wafv2.associate_web_acl(WebACLArn=s.kept["acl"]["ARN"], ResourceArn=s.balancer)


def _new(s: Place) -> None:
    """A web ACL of this moment, and a load balancer of old."""
    assert s.balancer
    s.aws.clock.advance(s.aws.timing.alb)
    _acl(s)
    s.aws.clock.advance(-s.aws.timing.web_acl)


def _guard(s: Place) -> None:
    _acl(s)
    assert s.balancer
    s.aws.clock.advance(s.aws.timing.alb)
    _associate(s)


def _delete_acl(s: Place) -> None:
    summary = s.kept["acl"]
    s.aws.wafv2.delete_web_acl(Name=summary["Name"], Id=summary["Id"], LockToken=summary["LockToken"], Scope="REGIONAL")


def _topic(name: str = "", **changes: Any) -> Act:
    return lambda s: s.keep("topic", s.aws.sns.create_topic(Name=name or s.name, **changes)["TopicArn"])


def _subscribe(s: Place) -> None:
    made = s.aws.sns.subscribe(TopicArn=s.kept["topic"], Protocol="email", Endpoint="a@example.com")
    assert made["SubscriptionArn"] == "pending confirmation"


def _labelled(owner: str) -> dict[str, Any]:
    return {"Tags": [{"Key": "owner", "Value": owner}]}


def _subscription(s: Place) -> str:
    (found,) = s.aws.sns.list_subscriptions_by_topic(TopicArn=s.kept["topic"])["Subscriptions"]
    return str(found["SubscriptionArn"])


WEB_ACLS = [
    Rule(
        "wafv2:CreateWebACL",
        "the name is taken",
        "WAFDuplicateItemException",
        "API CreateWebACL",
        _acl,
        lambda s: _acl(s, "-2"),
        _acl,
    ),
    Rule(
        "wafv2:AssociateWebACL",
        "the load balancer is being provisioned",
        "WAFUnavailableEntityException",
        "API AssociateWebACL; aws-behaviour 9",
        _associate,
        steps(lambda s: s.aws.clock.advance(s.aws.timing.alb), _associate),
        steps(_acl, lambda s: s.balancer),
    ),
    Rule(
        "wafv2:AssociateWebACL",
        "there is no such load balancer",
        "WAFNonexistentItemException",
        "API AssociateWebACL",
        lambda s: s.aws.wafv2.associate_web_acl(WebACLArn=s.kept["acl"]["ARN"], ResourceArn=s.balancer + "0"),
        _associate,
        steps(_acl, lambda s: s.balancer, lambda s: s.aws.clock.advance(s.aws.timing.alb)),
    ),
    Rule(
        "wafv2:AssociateWebACL",
        "the web ACL is new",
        "WAFUnavailableEntityException",
        "API AssociateWebACL; hashicorp/terraform-provider-aws, issue 17527",
        _associate,
        steps(lambda s: s.aws.clock.advance(s.aws.timing.web_acl), _associate),
        _new,
    ),
    Rule(
        "wafv2:DisassociateWebACL",
        "there is no such load balancer",
        "WAFNonexistentItemException",
        "API DisassociateWebACL",
        lambda s: s.aws.wafv2.disassociate_web_acl(ResourceArn=s.balancer + "0"),
        lambda s: s.aws.wafv2.disassociate_web_acl(ResourceArn=s.balancer),
        _guard,
    ),
    Rule(
        "wafv2:CreateWebACL",
        "a managed rule group that AWS does not have",
        "WAFNonexistentItemException",
        "WAF guide, AWS Managed Rules rule groups list",
        _with(_group("AWSManagedRulesEverythingRuleSet")),
        _with(_group()),
    ),
    Rule(
        "wafv2:CreateWebACL",
        "a rule group with an action of a rule",
        "WAFInvalidParameterException",
        "API Rule: OverrideAction for rule groups, Action for all else",
        _with({"Action": {"Block": {}}, **{k: v for k, v in _group().items() if k != "OverrideAction"}}),
        _with(_group()),
    ),
    Rule(
        "wafv2:CreateWebACL",
        "two rules of one priority",
        "WAFInvalidParameterException",
        "API Rule: Priority",
        _with(_rate(), _group(Priority=0)),
        _with(_rate(), _group()),
    ),
    Rule(
        "wafv2:CreateWebACL",
        "two rules of one name",
        "WAFInvalidParameterException",
        "API Rule: Name, the stricter reading",
        _with(_rate(), _group(Name="rate")),
        _with(_rate(), _group()),
    ),
    Rule(
        "wafv2:CreateWebACL",
        "requests counted over 90 seconds",
        "WAFInvalidParameterException",
        "API RateBasedStatement: EvaluationWindowSec",
        _with(_rate(90)),
        _with(_rate(120)),
    ),
    Rule(
        "wafv2:UpdateWebACL",
        "somebody has changed it since",
        "WAFOptimisticLockException",
        "API UpdateWebACL: LockToken",
        _update,
        steps(_fetch, _update),
        steps(_acl, _update),
    ),
    Rule(
        "wafv2:DeleteWebACL",
        "somebody has changed it since",
        "WAFOptimisticLockException",
        "API DeleteWebACL: LockToken",
        _delete_acl,
        steps(_fetch, _delete_acl),
        steps(_acl, _update),
    ),
    Rule(
        "wafv2:DeleteWebACL",
        "a load balancer has it",
        "WAFAssociatedItemException",
        "API DeleteWebACL",
        _delete_acl,
        steps(lambda s: s.aws.elbv2.delete_load_balancer(LoadBalancerArn=s.balancer), _delete_acl),
        _guard,
    ),
]


TOPICS = [
    Rule(
        "sns:CreateTopic",
        "it exists with other attributes",
        "InvalidParameter",
        "API CreateTopic",
        _topic(Attributes={"DisplayName": "b"}),
        _topic(Attributes={"DisplayName": "a"}),
        _topic(Attributes={"DisplayName": "a"}),
        words="different attributes",
    ),
    Rule(
        "sns:CreateTopic",
        "it exists with other tags",
        "InvalidParameter",
        "API CreateTopic",
        _topic(**_labelled("b")),
        _topic(**_labelled("a")),
        _topic(**_labelled("a")),
        words="different tags",
    ),
    Rule(
        "sns:CreateTopic",
        "a dot in the name",
        "InvalidParameter",
        "API CreateTopic",
        _topic("a.b"),
        _topic("a_b"),
    ),
    Rule(
        "sns:Subscribe",
        "there is no such topic",
        "NotFound",
        "API Subscribe",
        _subscribe,
        steps(_topic(), _subscribe),
        steps(_topic(), lambda s: s.aws.sns.delete_topic(TopicArn=s.kept["topic"])),
        status=404,
    ),
    Rule(
        "sns:Subscribe",
        "the address is none",
        "InvalidParameter",
        "API Subscribe",
        lambda s: s.aws.sns.subscribe(TopicArn=s.kept["topic"], Protocol="email", Endpoint="a"),
        _subscribe,
        _topic(),
        words="Email address",
    ),
    Rule(
        "sns:ConfirmSubscription",
        "the token is that of no mail",
        "InvalidParameter",
        "API ConfirmSubscription",
        lambda s: s.aws.sns.confirm_subscription(TopicArn=s.kept["topic"], Token="0"),
        lambda s: s.aws.sns.confirm_subscription(TopicArn=s.kept["topic"], Token=s.aws.control("/mail")[-1]["token"]),
        steps(_topic(), _subscribe),
    ),
    Rule(
        "sns:Unsubscribe",
        "the subscription is pending",
        "InvalidParameter",
        "API Unsubscribe; aws-behaviour 8.3",
        lambda s: s.aws.sns.unsubscribe(SubscriptionArn=_subscription(s)),
        lambda s: s.aws.sns.delete_topic(TopicArn=s.kept["topic"]),
        steps(_topic(), _subscribe),
    ),
]


RULES = WEB_ACLS + TOPICS


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)


def test_an_association_replaces_another_and_ends_with_the_load_balancer(aws: Aws, name: str) -> None:
    s = Place(aws, name)
    _guard(s)
    first = s.kept["acl"]["ARN"]
    _acl(s, "-2")
    _associate(s)
    second = s.kept["acl"]["ARN"]
    listed = [aws.wafv2.list_resources_for_web_acl(WebACLArn=arn)["ResourceArns"] for arn in (first, second)]
    assert listed == [[], [s.balancer]]
    aws.elbv2.delete_load_balancer(LoadBalancerArn=s.balancer)
    assert aws.wafv2.list_resources_for_web_acl(WebACLArn=second)["ResourceArns"] == []


def test_an_e_mail_subscription_stays_pending(aws: Aws, name: str) -> None:
    s = Place(aws, name)
    _topic()(s)
    _subscribe(s)
    assert _subscription(s) == "PendingConfirmation"
