"""Refusals of target groups, their health checks and attributes that moto lacks.

Sources: Elastic Load Balancing API reference, CreateTargetGroup, ModifyTargetGroup and TargetGroupAttribute.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_local.aws.call import Call, Result, checks, handles
from missyou_local.aws.errors import AwsError

_RANGES = {
    "Port": (1, 65_535),
    "HealthCheckIntervalSeconds": (5, 300),
    "HealthCheckTimeoutSeconds": (2, 120),
    "HealthyThresholdCount": (2, 10),
    "UnhealthyThresholdCount": (2, 10),
}
_DEFAULT_INTERVAL, _DEFAULT_TIMEOUT = 30, 5
_DELAY = "deregistration_delay.timeout_seconds"
_LONGEST_DELAY = 3600


@checks("elbv2:CreateTargetGroup", "elbv2:ModifyTargetGroup")
def health_check_is_possible(call: Call) -> None:
    """Refuse numbers out of range, a timeout as long as the interval, and paths that are none."""
    params = call.params
    for name, (low, high) in _RANGES.items():
        if name in params and not low <= int(params[name]) <= high:
            raise _invalid(f"{name} '{params[name]}' must be between {low} and {high}")
    interval, timeout = _timing(call)
    if timeout >= interval:
        raise _invalid(f"Health check interval must be greater than the timeout: {interval} and {timeout}")
    path = params.get("HealthCheckPath", "/")
    if not path.startswith("/") or len(path) > 1024:
        raise _invalid(f"Health check path '{path}' must begin with a '/' character, and be at most 1024 long")


def _timing(call: Call) -> tuple[int, int]:
    """Return the interval and the timeout that the target group would have."""
    group = call.moto("elbv2").target_groups.get(call.params.get("TargetGroupArn"))
    interval = getattr(group, "healthcheck_interval_seconds", None) or _DEFAULT_INTERVAL
    timeout = getattr(group, "healthcheck_timeout_seconds", None) or _DEFAULT_TIMEOUT
    given: Mapping[str, Any] = call.params
    return (
        int(given.get("HealthCheckIntervalSeconds", interval)),
        int(given.get("HealthCheckTimeoutSeconds", timeout)),
    )


@checks("elbv2:CreateTargetGroup", "elbv2:ModifyTargetGroup")
def health_checks_stay_enabled(call: Call) -> None:
    """Refuse to disable health checks: that is possible for Lambda only (CreateTargetGroup, HealthCheckEnabled)."""
    group = call.moto("elbv2").target_groups.get(call.params.get("TargetGroupArn"))
    type_ = call.params.get("TargetType") or getattr(group, "target_type", "instance")
    if call.params.get("HealthCheckEnabled") is False and type_ != "lambda":
        raise _invalid(f"Health check enabled must be true for target groups with target type '{type_}'")


@checks("elbv2:CreateTargetGroup")
def vpc_exists(call: Call) -> None:
    """Refuse an unknown VPC."""
    vpc = call.params.get("VpcId")
    if vpc is not None and vpc not in call.moto("ec2").vpcs:
        raise _invalid(f"The VPC ID '{vpc}' is not found")


@checks("elbv2:ModifyTargetGroupAttributes")
def slow_start_in_range(call: Call) -> None:
    """Refuse a slow start of other than 30 to 900 seconds, or 0 (moto sees to the delay, and to unknown keys)."""
    for attribute in call.params["Attributes"]:
        value = attribute.get("Value", "")
        allowed = value == "0" or (value.isdecimal() and 30 <= int(value) <= 900)
        if attribute["Key"] == "slow_start.duration_seconds" and not allowed:
            raise _invalid(f"'slow_start.duration_seconds' must be 0, or between 30 and 900, not '{value}'")


@handles("elbv2:ModifyTargetGroupAttributes")
def modify_target_group_attributes(call: Call) -> Result:
    """Set attributes, including the longest delay, which moto refuses."""
    wanted = list(call.params["Attributes"])
    longest = {"Key": _DELAY, "Value": str(_LONGEST_DELAY)}
    if longest not in wanted:
        return call.forward()
    shorter = {"Key": _DELAY, "Value": str(_LONGEST_DELAY - 1)}
    asked = [shorter if attribute == longest else attribute for attribute in wanted]
    result = call.forward({**call.params, "Attributes": asked})
    call.moto("elbv2").target_groups[call.params["TargetGroupArn"]].attributes[_DELAY] = longest["Value"]
    return {"Attributes": [longest if attribute == shorter else attribute for attribute in result["Attributes"]]}


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationError", message)
