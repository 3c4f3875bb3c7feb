"""Application Auto Scaling of ECS services: targets need their service, bound its desired count, and own policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_local.aws.call import Call, Result, checks, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.ecs import services as ecs_services


@handles("application-autoscaling:RegisterScalableTarget")
def register_scalable_target(call: Call) -> Result:
    """Register a target, and bring the service's desired count within its bounds."""
    params = call.params
    low, high = params.get("MinCapacity"), params.get("MaxCapacity")
    if _target(call) is None and (low is None or high is None):
        raise AwsError("ValidationException", "Minimum and maximum capacity must be specified for a new target")
    if min(low or 0, high or 0) < 0:
        raise AwsError("ValidationException", "Capacities cannot be negative")
    if low is not None and high is not None and low > high:
        raise AwsError("ValidationException", "Maximum capacity cannot be less than minimum capacity")
    service = None
    if params["ServiceNamespace"] == "ecs":
        service = ecs_services.find_active(call, params["ResourceId"])
        if service is None:
            raise AwsError("ValidationException", f"ECS service doesn't exist: {params['ResourceId']}")
    result = call.forward()
    target = _target(call)
    # moto keeps no tags of targets.
    target.tags = {**getattr(target, "tags", {}), **params.get("Tags", {})}
    if service is not None:
        ecs_services.scale(call, service, min(max(service.desired, target.min_capacity), target.max_capacity))
    return result


@handles("application-autoscaling:DeregisterScalableTarget")
def deregister_scalable_target(call: Call) -> Result:
    """Deregister a target with its policies and their alarms."""
    if _target(call) is None:
        raise _absent(call)
    result = call.forward()
    scaling = call.moto("applicationautoscaling")
    for policy in [p for p in scaling.policies.values() if p.resource_id == call.params["ResourceId"]]:
        scaling.delete_scaling_policy(
            policy.policy_name, policy.service_namespace, policy.resource_id, policy.scalable_dimension
        )
    return result


@handles("application-autoscaling:PutScalingPolicy")
def put_scaling_policy(call: Call) -> Result:
    """Put a policy; an updated one has the alarms of its new settings only, where moto keeps the old ones as well.

    Source: Application Auto Scaling user guide, target tracking: the alarms are the policy's own.
    """
    scaling = call.moto("applicationautoscaling")
    before = list(scaling.policies.values())
    result = call.forward()
    for policy in before:
        if policy not in scaling.policies.values():
            policy.delete_alarms(scaling.account_id, scaling.region_name)
    return result


@checks("application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies")
def dimension_is_of_a_resource(call: Call) -> None:
    """Refuse a dimension without a resource. Source: the API reference of both, ScalableDimension."""
    if call.params.get("ScalableDimension") and not (call.params.get("ResourceId") or call.params.get("ResourceIds")):
        raise AwsError("ValidationException", "Resource ID cannot be null when a scalable dimension is specified")


@handles("application-autoscaling:ListTagsForResource")
def list_tags_for_resource(call: Call) -> Result:
    """List the tags of a target."""
    return {"Tags": dict(getattr(_by_arn(call), "tags", {}))}


@handles("application-autoscaling:TagResource")
def tag_resource(call: Call) -> Result:
    """Add tags to a target."""
    target = _by_arn(call)
    target.tags = {**getattr(target, "tags", {}), **call.params["Tags"]}
    return {}


@handles("application-autoscaling:UntagResource")
def untag_resource(call: Call) -> Result:
    """Remove tags from a target."""
    target = _by_arn(call)
    target.tags = {k: v for k, v in getattr(target, "tags", {}).items() if k not in call.params["TagKeys"]}
    return {}


@checks("application-autoscaling:DeleteScalingPolicy")
def policy_exists(call: Call) -> None:
    """Refuse to delete an unknown policy, with AWS's code (moto has another)."""
    name, resource = call.params["PolicyName"], call.params["ResourceId"]
    policies = call.moto("applicationautoscaling").policies.values()
    if not any(policy.policy_name == name and policy.resource_id == resource for policy in policies):
        raise AwsError("ObjectNotFoundException", f"No scaling policy found for {resource}, policy name: {name}")


@checks("application-autoscaling:PutScalingPolicy")
def policy_has_a_target(call: Call) -> None:
    """Refuse a policy without a registered target."""
    if _target(call) is None:
        raise _absent(call)


_BY_REQUESTS = "ALBRequestCountPerTarget"


@checks("application-autoscaling:PutScalingPolicy")
def metric_is_given_once(call: Call) -> None:
    """Refuse a second policy for a metric, and a request metric without the label of its target group."""
    metric = _metric(call.params.get("TargetTrackingScalingPolicyConfiguration"))
    if metric.get("PredefinedMetricType") == _BY_REQUESTS and not metric.get("ResourceLabel"):
        message = "You must specify a value for ResourceLabel if the metric is ALBRequestCountPerTarget"
        raise AwsError("ValidationException", message)
    for policy in call.moto("applicationautoscaling").policies.values():
        same_target = policy.resource_id == call.params["ResourceId"]
        other = same_target and policy.policy_name != call.params["PolicyName"]
        if metric and other and _metric(policy.target_tracking_scaling_policy_configuration) == metric:
            message = "Only one TargetTrackingScaling policy for a given metric specification is allowed."
            raise AwsError("ValidationException", message)


def _metric(configuration: Mapping[str, Any] | None) -> Mapping[str, Any]:
    metric: Mapping[str, Any] = (configuration or {}).get("PredefinedMetricSpecification") or {}
    return metric


def _target(call: Call) -> Any:
    targets = call.moto("applicationautoscaling").targets
    return targets.get(call.params["ScalableDimension"], {}).get(call.params["ResourceId"])


def _by_arn(call: Call) -> Any:
    arn = call.params["ResourceARN"]
    for targets in call.moto("applicationautoscaling").targets.values():
        for target in targets.values():
            if target.arn == arn:
                return target
    raise AwsError("ResourceNotFoundException", f"no resource has the ARN {arn}")


def _absent(call: Call) -> AwsError:
    params = call.params
    return AwsError(
        "ObjectNotFoundException",
        f"No scalable target registered for service namespace: {params['ServiceNamespace']}, resource ID: "
        f"{params['ResourceId']}, scalable dimension: {params['ScalableDimension']}",
    )
