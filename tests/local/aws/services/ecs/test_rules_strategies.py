"""What ECS refuses of deployment strategies and of alarms, and the nearest that it accepts."""

from __future__ import annotations

import json
from typing import Any

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import Act, Place, Rule, each, hold
from tests.local.aws.services.ecs.rules_services import service

PARAMETER = "InvalidParameterException"
RESOURCES = "ECS guide, Application Load Balancer resources for blue/green, linear, and canary deployments"
ROLE = "ECS guide, Amazon ECS infrastructure IAM role for load balancers"


def _pair(s: Place) -> None:
    """Give the load balancer's listener a second target group, and make the role that may shift requests."""
    [listener] = s.aws.elbv2.describe_listeners(LoadBalancerArn=s.app.balancer)["Listeners"]
    other = s.keep("other", s.another_group())
    groups = [{"TargetGroupArn": s.app.group, "Weight": 1}, {"TargetGroupArn": other, "Weight": 0}]
    actions: Any = [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]
    s.aws.elbv2.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=actions)
    [rule] = s.aws.elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    s.keep("rule", rule["RuleArn"])
    s.keep("role", _role(s, "shifts", "elasticloadbalancing:ModifyListener"))


def _role(s: Place, suffix: str, action: str) -> str:
    name, trust = f"{s.name}-{suffix}", json.dumps({"Version": "2012-10-17", "Statement": []})
    made = s.aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [action], "Resource": "*"}]}
    s.aws.iam.put_role_policy(RoleName=name, PolicyName="it", PolicyDocument=json.dumps(document))
    s.aws.clock.advance(s.aws.timing.iam)
    return str(made["Role"]["Arn"])


def _shifting(configuration: dict[str, Any] | None = None, **changes: Any) -> Act:
    """Create a service with two target groups."""

    def create(s: Place) -> None:
        pair = {
            "alternateTargetGroupArn": s.kept["other"],
            "productionListenerRule": s.kept["rule"],
            "roleArn": s.kept["role"],
            **changes,
        }
        entry = {"targetGroupArn": s.app.group, "containerName": "app", "containerPort": 8000}
        advanced = {key: value for key, value in pair.items() if value}
        service(
            loadBalancers=[{**entry, "advancedConfiguration": advanced}],
            deploymentConfiguration=configuration or {"strategy": "BLUE_GREEN"},
        )(s)

    return create


def _canary(percent: float) -> dict[str, Any]:
    return {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": percent, "canaryBakeTimeInMinutes": 1}}


def _linear(percent: float) -> dict[str, Any]:
    return {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": percent, "stepBakeTimeInMinutes": 1}}


def _alarms(*names: str, **changes: bool) -> dict[str, Any]:
    return {"alarms": {"alarmNames": [*names], "enable": True, "rollback": True, **changes}}


def _by_a_rule_of_one_group(s: Place) -> None:
    made = s.aws.elbv2.create_listener(
        LoadBalancerArn=s.app.balancer,
        Port=81,
        Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": s.app.group}],
    )
    [rule] = s.aws.elbv2.describe_rules(ListenerArn=made["Listeners"][0]["ListenerArn"])["Rules"]
    _shifting(productionListenerRule=rule["RuleArn"])(s)


RULES = [
    Rule(
        "ecs:CreateService",
        "a strategy that shifts requests, with one target group",
        PARAMETER,
        "API DeploymentConfiguration, strategy",
        service(deploymentConfiguration={"strategy": "BLUE_GREEN"}),
        _shifting(),
        _pair,
        words="advancedConfiguration is required",
    ),
    *(
        Rule(
            "ecs:CreateService",
            f"two target groups without {missing}",
            PARAMETER,
            "API AdvancedConfiguration",
            _shifting(**{missing: ""}),
            _shifting(),
            _pair,
            words="are required",
        )
        for missing in ("productionListenerRule", "roleArn")
    ),
    Rule(
        "ecs:CreateService",
        "the rule does not forward to both target groups",
        PARAMETER,
        RESOURCES,
        _by_a_rule_of_one_group,
        _shifting(),
        _pair,
        words="does not forward to",
    ),
    Rule(
        "ecs:CreateService",
        "the target group twice",
        PARAMETER,
        RESOURCES,
        lambda s: _shifting(alternateTargetGroupArn=s.app.group)(s),
        _shifting(),
        _pair,
        words="must be another one",
    ),
    Rule(
        "ecs:CreateService",
        "the role for the load balancer does not exist",
        PARAMETER,
        ROLE,
        lambda s: _shifting(roleArn=s.kept["role"] + "-absent")(s),
        _shifting(),
        _pair,
        words="Unable to assume the role",
    ),
    Rule(
        "ecs:CreateService",
        "the role may not modify the listener",
        PARAMETER,
        ROLE,
        lambda s: _shifting(roleArn=_role(s, "reads", "elasticloadbalancing:DescribeListeners"))(s),
        _shifting(),
        _pair,
        words="may not modify",
    ),
    Rule(
        "ecs:CreateService",
        "a canary of 0.05 %",
        PARAMETER,
        "API CanaryConfiguration",
        _shifting(_canary(0.05)),
        _shifting(_canary(0.1)),
        _pair,
    ),
    Rule(
        "ecs:CreateService",
        "steps of 2 %",
        PARAMETER,
        "API LinearConfiguration",
        _shifting(_linear(2.0)),
        _shifting(_linear(3.0)),
        _pair,
    ),
    Rule(
        "ecs:CreateService",
        "a bake time of more than a day",
        PARAMETER,
        "API DeploymentConfiguration, bakeTimeInMinutes",
        _shifting({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1441}),
        _shifting({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1440}),
        _pair,
    ),
    Rule(
        "ecs:CreateService",
        "a canary of another strategy",
        PARAMETER,
        "API DeploymentConfiguration, canaryConfiguration",
        _shifting({**_canary(5.0), "strategy": "LINEAR"}),
        _shifting(_canary(5.0)),
        _pair,
    ),
    Rule(
        "ecs:CreateService",
        "alarms without a name",
        PARAMETER,
        "API DeploymentAlarms, the stricter reading",
        service(deploymentConfiguration=_alarms()),
        service(deploymentConfiguration=_alarms("failing")),
    ),
    Rule(
        "ecs:CreateService",
        "a rollback by alarms that are not enabled",
        PARAMETER,
        "API DeploymentAlarms, the stricter reading",
        service(deploymentConfiguration=_alarms("failing", enable=False)),
        service(deploymentConfiguration=_alarms("failing", rollback=False)),
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)
