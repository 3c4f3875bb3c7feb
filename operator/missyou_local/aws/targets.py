"""Target health: the targets that services put into target groups, and how they fare by the clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from missyou_local.aws.call import Call, Regional, Result, plays
from missyou_local.aws.errors import AwsError
from missyou_local.aws.loadbalancer import users_of


@dataclass(slots=True)
class Target:
    """One registered address. `healthy_at` and `draining` in seconds since the epoch and as a flag."""

    address: str
    port: int
    zone: str
    healthy_at: float
    draining: bool = False


_targets: Regional[dict[str, list[Target]]] = Regional(dict)


def register(call: Call, group: str, target: Target) -> None:
    """Put a target into a target group (an ARN)."""
    _targets.of(call).setdefault(group, []).append(target)


def deregister(call: Call, group: str, address: str) -> None:
    """Take an address out of a target group."""
    targets = _targets.of(call).get(group, [])
    targets[:] = [target for target in targets if target.address != address]


def drain(call: Call, group: str, address: str) -> None:
    """Let an address take no new connections until it is deregistered."""
    for target in _targets.of(call).get(group, []):
        target.draining = target.draining or target.address == address


@plays("elbv2:DescribeTargetHealth")
def describe_target_health(call: Call) -> Result:
    """Describe the targets that services registered, and those that moto holds."""
    group = call.params["TargetGroupArn"]
    elb = call.moto("elbv2")
    if group not in elb.target_groups:
        raise AwsError("TargetGroupNotFound", "One or more target groups not found")
    used = bool(users_of(elb, group))
    ours = [
        {
            "Target": {"Id": target.address, "Port": target.port, "AvailabilityZone": target.zone},
            "HealthCheckPort": str(target.port),
            "TargetHealth": _health(call, target, used=used),
        }
        for target in _targets.of(call).get(group, [])
    ]
    asked = call.params.get("Targets")
    if asked:
        wanted = {target["Id"] for target in asked}
        ours = [entry for entry in ours if entry["Target"]["Id"] in wanted]  # type: ignore[index]
        if len(ours) == len(wanted):
            return {"TargetHealthDescriptions": ours}
    return {"TargetHealthDescriptions": ours + call.forward()["TargetHealthDescriptions"]}


def _health(call: Call, target: Target, *, used: bool) -> dict[str, Any]:
    if target.draining:
        return {
            "State": "draining",
            "Reason": "Target.DeregistrationInProgress",
            "Description": "Target deregistration is in progress",
        }
    if not used:
        return {
            "State": "unused",
            "Reason": "Target.NotInUse",
            "Description": "Target group is not configured to receive traffic from the load balancer",
        }
    if target.healthy_at > call.now:
        return {
            "State": "initial",
            "Reason": "Elb.RegistrationInProgress",
            "Description": "Target registration is in progress",
        }
    return {"State": "healthy"}
