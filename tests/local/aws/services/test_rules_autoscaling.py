"""What Application Auto Scaling refuses, and the nearest that it accepts."""

from __future__ import annotations

from typing import Any

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import Act, Place, Rule, each, hold, steps
from tests.local.aws.services.ecs.rules_services import service


def _target(s: Place) -> dict[str, str]:
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{s.name}/{s.name}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }


def _register(**capacities: int) -> Act:
    return lambda s: s.aws.application_autoscaling.register_scalable_target(**_target(s), **capacities)


def _policy(name: str, metric: str = "ECSServiceAverageCPUUtilization", **more: Any) -> Act:
    specification = {"PredefinedMetricType": metric, **more}
    return lambda s: s.aws.application_autoscaling.put_scaling_policy(
        **_target(s),
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 70.0, "PredefinedMetricSpecification": specification},
    )


_LABEL = "app/a/0123456789abcdef/targetgroup/b/0123456789abcdef"


def _listed(operation: str, **more: Any) -> Act:
    return lambda s: getattr(s.aws.application_autoscaling, operation)(ServiceNamespace="ecs", **more)


_DIMENSION = {"ScalableDimension": "ecs:service:DesiredCount"}
_both = _register(MinCapacity=1, MaxCapacity=2)


RULES = [
    Rule(
        "application-autoscaling:DescribeScalableTargets",
        "a dimension of no resource",
        "ValidationException",
        "API DescribeScalableTargets",
        _listed("describe_scalable_targets", **_DIMENSION),
        _listed("describe_scalable_targets", ResourceIds=["service/a/b"], **_DIMENSION),
    ),
    Rule(
        "application-autoscaling:DescribeScalingPolicies",
        "a dimension of no resource",
        "ValidationException",
        "API DescribeScalingPolicies",
        _listed("describe_scaling_policies", **_DIMENSION),
        _listed("describe_scaling_policies", ResourceId="service/a/b", **_DIMENSION),
    ),
    Rule(
        "application-autoscaling:RegisterScalableTarget",
        "the service does not exist",
        "ValidationException",
        "aws-behaviour 5.5",
        _both,
        steps(service(), _both),
        lambda s: s.app,
        words="ECS service doesn't exist",
    ),
    Rule(
        "application-autoscaling:RegisterScalableTarget",
        "the least is more than the most",
        "ValidationException",
        "API RegisterScalableTarget",
        _register(MinCapacity=3, MaxCapacity=2),
        _register(MinCapacity=2, MaxCapacity=2),
        service(),
    ),
    Rule(
        "application-autoscaling:RegisterScalableTarget",
        "a new target without its most",
        "ValidationException",
        "API RegisterScalableTarget",
        _register(MinCapacity=1),
        steps(_both, _register(MinCapacity=2)),
        service(),
    ),
    Rule(
        "application-autoscaling:DeregisterScalableTarget",
        "there is none",
        "ObjectNotFoundException",
        "API DeregisterScalableTarget",
        lambda s: s.aws.application_autoscaling.deregister_scalable_target(**_target(s)),
        steps(_both, lambda s: s.aws.application_autoscaling.deregister_scalable_target(**_target(s))),
        service(),
    ),
    Rule(
        "application-autoscaling:PutScalingPolicy",
        "there is no target",
        "ObjectNotFoundException",
        "API PutScalingPolicy",
        _policy("cpu"),
        steps(_both, _policy("cpu")),
        service(),
    ),
    Rule(
        "application-autoscaling:PutScalingPolicy",
        "another policy has the metric",
        "ValidationException",
        "Application Auto Scaling guide, Target tracking scaling policies",
        _policy("cpu2"),
        steps(_policy("cpu"), _policy("memory", "ECSServiceAverageMemoryUtilization")),
        steps(service(), _both, _policy("cpu")),
    ),
    Rule(
        "application-autoscaling:PutScalingPolicy",
        "requests of no target group",
        "ValidationException",
        "API PredefinedMetricSpecification",
        _policy("requests", "ALBRequestCountPerTarget"),
        _policy("requests", "ALBRequestCountPerTarget", ResourceLabel=_LABEL),
        steps(service(), _both),
    ),
    Rule(
        "application-autoscaling:DeleteScalingPolicy",
        "there is none",
        "ObjectNotFoundException",
        "API DeleteScalingPolicy",
        lambda s: s.aws.application_autoscaling.delete_scaling_policy(**_target(s), PolicyName="memory"),
        lambda s: s.aws.application_autoscaling.delete_scaling_policy(**_target(s), PolicyName="cpu"),
        steps(service(), _both, _policy("cpu")),
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)
