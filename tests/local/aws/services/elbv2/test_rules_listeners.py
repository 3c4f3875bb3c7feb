"""What load balancing refuses of target groups and listeners, and the nearest that it accepts."""

from __future__ import annotations

from typing import Any

from tests.local.aws import building
from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import ACCOUNT, Act, Place, Rule, each, hold, steps


def _group(**changes: Any) -> Act:
    return lambda s: s.another_group(**changes)


def _modify(**changes: Any) -> Act:
    return lambda s: s.aws.elbv2.modify_target_group(TargetGroupArn=s.group, **changes)


def _tune(key: str, value: str) -> Act:
    wanted = [{"Key": key, "Value": value}]
    return lambda s: s.aws.elbv2.modify_target_group_attributes(TargetGroupArn=s.group, Attributes=wanted)


def _listen(port: int = 81, **changes: Any) -> Act:
    def create(s: Place) -> None:
        params = {
            "LoadBalancerArn": s.balancer,
            "Port": port,
            "Protocol": "HTTP",
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": s.group}],
            **changes,
        }
        s.aws.elbv2.create_listener(**params)

    return create


def _rule_at(priority: int) -> Act:
    condition = {"Field": "path-pattern", "Values": ["/x"]}
    return lambda s: s.aws.elbv2.create_rule(
        ListenerArn=s.listener,
        Priority=priority,
        Conditions=[condition],
        Actions=[{"Type": "forward", "TargetGroupArn": s.group}],
    )


def _second_balancer(s: Place) -> str:
    return str(s.keep("second", building.balancer(s.aws, s.name + "-2", s.net)))


GROUPS = [
    Rule(
        "elbv2:CreateTargetGroup",
        "the name is taken, with other settings",
        "DuplicateTargetGroupName",
        "API CreateTargetGroup",
        _group(Port=81),
        _group(Port=80),
        _group(Port=80),
    ),
    Rule(
        "elbv2:CreateTargetGroup",
        "an underscore in the name",
        "ValidationError",
        "API CreateTargetGroup",
        _group(Name="a_b"),
        _group(Name="f-g"),
    ),
    Rule(
        "elbv2:CreateTargetGroup",
        "a name of 33 characters",
        "ValidationError",
        "API CreateTargetGroup",
        _group(Name="h" * 33),
        _group(Name="h" * 32),
    ),
    Rule(
        "elbv2:CreateTargetGroup",
        "an unknown VPC",
        "ValidationError",
        "API CreateTargetGroup",
        _group(VpcId="vpc-0123456789abcdef0"),
        _group(),
    ),
    Rule(
        "elbv2:CreateTargetGroup",
        "a health check path without slash",
        "ValidationError",
        "API CreateTargetGroup",
        _group(HealthCheckPath="health"),
        _group(HealthCheckPath="/health"),
    ),
    Rule(
        "elbv2:CreateTargetGroup",
        "an interval of 301 seconds",
        "ValidationError",
        "API CreateTargetGroup",
        _group(HealthCheckIntervalSeconds=301),
        _group(HealthCheckIntervalSeconds=300),
    ),
    Rule(
        "elbv2:CreateTargetGroup",
        "a timeout as long as the interval",
        "ValidationError",
        "ALB guide, Health checks for target groups",
        _group(HealthCheckIntervalSeconds=10, HealthCheckTimeoutSeconds=10),
        _group(HealthCheckIntervalSeconds=10, HealthCheckTimeoutSeconds=9),
    ),
    Rule(
        "elbv2:ModifyTargetGroup",
        "an interval as short as the timeout",
        "ValidationError",
        "ALB guide, Health checks for target groups",
        _modify(HealthCheckIntervalSeconds=5),
        _modify(HealthCheckIntervalSeconds=6),
    ),
    Rule(
        "elbv2:ModifyTargetGroup",
        "no health checks of addresses",
        "ValidationError",
        "API CreateTargetGroup",
        _modify(HealthCheckEnabled=False),
        _modify(HealthCheckEnabled=True),
    ),
    Rule(
        "elbv2:ModifyTargetGroup",
        "a threshold of eleven",
        "ValidationError",
        "API ModifyTargetGroup",
        _modify(HealthyThresholdCount=11),
        _modify(HealthyThresholdCount=10),
    ),
    Rule(
        "elbv2:ModifyTargetGroupAttributes",
        "a delay of more than an hour",
        "ValidationError",
        "API TargetGroupAttribute",
        _tune("deregistration_delay.timeout_seconds", "3601"),
        _tune("deregistration_delay.timeout_seconds", "3600"),
    ),
    Rule(
        "elbv2:ModifyTargetGroupAttributes",
        "a slow start of 29 seconds",
        "ValidationError",
        "API TargetGroupAttribute",
        _tune("slow_start.duration_seconds", "29"),
        steps(_tune("slow_start.duration_seconds", "30"), _tune("slow_start.duration_seconds", "0")),
    ),
    Rule(
        "elbv2:DeleteTargetGroup",
        "a listener forwards to it",
        "ResourceInUse",
        "API DeleteTargetGroup",
        lambda s: s.aws.elbv2.delete_target_group(TargetGroupArn=s.group),
        steps(
            lambda s: s.aws.elbv2.delete_listener(ListenerArn=s.listener),
            lambda s: s.aws.elbv2.delete_target_group(TargetGroupArn=s.group),
        ),
        lambda s: s.listener,
    ),
]


LISTENERS = [
    Rule(
        "elbv2:CreateListener",
        "the port has a listener with other settings",
        "DuplicateListener",
        "API CreateListener",
        lambda s: _listen(DefaultActions=[{"Type": "forward", "TargetGroupArn": s.another_group()}])(s),
        _listen(82),
        _listen(),
    ),
    Rule(
        "elbv2:ModifyListener",
        "the port has another listener",
        "DuplicateListener",
        "API ModifyListener",
        lambda s: s.aws.elbv2.modify_listener(ListenerArn=s.listener, Port=81),
        lambda s: s.aws.elbv2.modify_listener(ListenerArn=s.listener, Port=82),
        steps(lambda s: s.listener, _listen(81)),
    ),
    Rule(
        "elbv2:CreateListener",
        "a port that does not exist",
        "ValidationError",
        "API CreateListener",
        _listen(65_536),
        _listen(65_535),
    ),
    Rule(
        "elbv2:CreateListener",
        "an unknown target group",
        "TargetGroupNotFound",
        "API CreateListener",
        lambda s: _listen(DefaultActions=[{"Type": "forward", "TargetGroupArn": s.group + "0"}])(s),
        _listen(),
    ),
    Rule(
        "elbv2:CreateListener",
        "the target group is another load balancer's",
        "TargetGroupAssociationLimit",
        "API CreateListener",
        lambda s: _listen(LoadBalancerArn=_second_balancer(s))(s),
        lambda s: _listen(
            LoadBalancerArn=s.kept["second"],
            DefaultActions=[{"Type": "forward", "TargetGroupArn": s.another_group()}],
        )(s),
        _listen(),
    ),
    Rule(
        "elbv2:CreateListener",
        "HTTPS without certificate",
        "ValidationError",
        "API CreateListener",
        _listen(Protocol="HTTPS"),
        _listen(),
    ),
    Rule(
        "elbv2:CreateListener",
        "an unknown certificate",
        "CertificateNotFound",
        "API CreateListener",
        _listen(Protocol="HTTPS", Certificates=[{"CertificateArn": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/x"}]),
        _listen(),
    ),
    Rule(
        "elbv2:CreateRule",
        "the priority is taken",
        "PriorityInUse",
        "API CreateRule",
        _rule_at(1),
        _rule_at(2),
        _rule_at(1),
    ),
]


RULES = GROUPS + LISTENERS


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)
