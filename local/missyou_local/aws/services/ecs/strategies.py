"""What ECS refuses of deployment strategies.

Sources: ECS API reference, DeploymentConfiguration, AdvancedConfiguration, CanaryConfiguration, LinearConfiguration and
DeploymentAlarms; ECS developer guide, "Application Load Balancer resources for blue/green, linear, and canary
deployments" and "Amazon ECS infrastructure IAM role for load balancers".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.elbv2 import listeners
from missyou_local.aws.services.iam import propagation, rights

#: Strategy -> the part of the configuration that only it has.
PARTS = {"CANARY": "canaryConfiguration", "LINEAR": "linearConfiguration"}
#: A day.
_LONGEST = 1440
_TENTHS = 10


def check_strategy(call: Call, settings: Mapping[str, Any]) -> None:
    """Refuse a strategy that its load balancer, its role or its numbers do not allow."""
    configuration = settings["deploymentConfiguration"]
    pairs = [entry for entry in settings["loadBalancers"] if "advancedConfiguration" in entry]
    for problem in (*_numbers(configuration), *_alarms(configuration)):
        raise _invalid(problem)
    if configuration["strategy"] != "ROLLING" and settings["loadBalancers"] and not pairs:
        raise _invalid(f"advancedConfiguration is required on load balancers for {configuration['strategy']}.")
    for entry in pairs:
        _check_pair(call, entry)


def _numbers(configuration: Mapping[str, Any]) -> Iterator[str]:
    canary, linear = configuration.get("canaryConfiguration"), configuration.get("linearConfiguration")
    strategy = configuration["strategy"]
    for needed, part in PARTS.items():
        if part in configuration and strategy != needed:
            yield f"{part} is only valid with the strategy {needed}."
    times = [configuration["bakeTimeInMinutes"], *_of(canary, "canaryBakeTimeInMinutes")]
    if any(not 0 <= minutes <= _LONGEST for minutes in (*times, *_of(linear, "stepBakeTimeInMinutes"))):
        yield f"Bake times must be between 0 and {_LONGEST} minutes."
    shares = [(share, 0.1) for share in _of(canary, "canaryPercent")]
    for share, least in (*shares, *((share, 3.0) for share in _of(linear, "stepPercent"))):
        if not least <= share <= 100 or round(share * _TENTHS) != share * _TENTHS:
            yield f"The percentage must be a multiple of 0.1 between {least} and 100.0."


def _alarms(configuration: Mapping[str, Any]) -> Iterator[str]:
    alarms = configuration.get("alarms") or {}
    if alarms.get("enable") and not alarms.get("alarmNames"):
        yield "Alarm names are required when alarms are enabled."
    if alarms.get("rollback") and not alarms.get("enable"):
        yield "Rollback is possible only where alarms are enabled."


def _of(configuration: Mapping[str, Any] | None, key: str) -> list[float]:
    return [float(configuration[key])] if configuration and key in configuration else []


def _check_pair(call: Call, entry: Mapping[str, Any]) -> None:
    advanced = entry["advancedConfiguration"]
    rule, role = advanced.get("productionListenerRule", ""), advanced.get("roleArn", "")
    alternate = advanced.get("alternateTargetGroupArn")
    if not (alternate and rule and role):
        raise _invalid("alternateTargetGroupArn, productionListenerRule and roleArn are required.")
    if alternate == entry["targetGroupArn"]:
        raise _invalid("The alternate target group must be another one than the target group.")
    weights = listeners.weights_of(call, rule)
    if missing := {entry["targetGroupArn"], alternate} - weights.keys():
        raise _invalid(f"The rule {rule} does not forward to {', '.join(sorted(missing))}.")
    roles = backends.backend("iam", call.account, "global").get_roles()
    if all(each.arn != role for each in roles) or not propagation.is_known(call, role):
        raise _invalid(f"Unable to assume the role {role}. Please verify that the ECS service role is correct.")
    listener = listeners.listener_of(call, rule).arn
    if not propagation.has_its_rights(call, role) or not rights.may(
        call, role, "elasticloadbalancing:ModifyListener", listener
    ):
        raise _invalid(
            f"The role {role} may not modify {listener}. Please verify that the ECS service role being passed has the "
            "proper permissions."
        )


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)
