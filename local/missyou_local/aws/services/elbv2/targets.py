"""Target health: the targets that services register in target groups, and their states by the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from missyou_local.aws.call import Call, Regional, Result, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.elbv2 import reach
from missyou_local.aws.services.elbv2.load_balancers import users_of
from missyou_local.dataplane.balancing import TargetHealth
from missyou_local.dataplane.balancing.health import DRAINING, HEALTHY, REGISTERING, TIMED_OUT, UNUSED, mismatch


@dataclass(slots=True)
class Target:
    """One registered address, of a task. `healthy_at` in seconds since the epoch, where nothing really runs."""

    address: str
    port: int
    zone: str
    task: str
    healthy_at: float
    draining: bool = False

    @property
    def id(self) -> str:
        """Return the address and port by which a load balancer tells targets apart."""
        return f"{self.address}:{self.port}"


_targets: Regional[dict[str, list[Target]]] = Regional(dict)


def register(call: Call, group: str, target: Target) -> None:
    """Register a target in a target group (an ARN)."""
    _targets.of(call).setdefault(group, []).append(target)


def deregister(call: Call, group: str, address: str) -> None:
    """Remove an address from a target group."""
    targets = _targets.of(call).get(group, [])
    targets[:] = [target for target in targets if target.address != address]


def drain(call: Call, group: str, address: str) -> None:
    """Drain an address: it takes no new connections until it is deregistered."""
    for target in _targets.of(call).get(group, []):
        target.draining = target.draining or target.address == address


def of_group(call: Call, group: str) -> Sequence[Target]:
    """Return the targets in a target group."""
    return tuple(_targets.of(call).get(group, ()))


def state_of(call: Call, group: str, address: str) -> str:
    """Return the state of an address in a target group, "" if it is not registered."""
    return next(
        (health(call, group, target)["State"] for target in of_group(call, group) if target.address == address), ""
    )


def health(call: Call, group: str, target: Target) -> dict[str, str]:
    """Return the TargetHealth of a target: as checked where a data plane runs, by the clock else."""
    return {key.capitalize(): text for key, text in asdict(_health(call, group, target)).items() if text}


def _health(call: Call, group: str, target: Target) -> TargetHealth:
    if target.draining:
        return DRAINING
    if not users_of(call.moto("elbv2"), group):
        return UNUSED
    if call.plane is not None:
        return call.plane.balancers.health(group, target.id) or REGISTERING
    if target.healthy_at > call.now:
        return REGISTERING
    if not reach.is_reached(call, group, target.address, target.port):
        return TIMED_OUT
    path = call.moto("elbv2").target_groups[group].health_check_path or "/"
    return HEALTHY if reach.is_answered(path) else mismatch(404)


def answers(call: Call, group: str, address: str) -> bool:
    """Return whether an address will pass the checks of a group, where nothing really runs."""
    elb = call.moto("elbv2")
    ports = [target.port for target in of_group(call, group) if target.address == address]
    if group not in elb.target_groups or not users_of(elb, group):
        return False
    path = elb.target_groups[group].health_check_path or "/"
    return reach.is_answered(path) and all(reach.is_reached(call, group, address, port) for port in ports)


@handles("elbv2:DescribeTargetHealth")
def describe_target_health(call: Call) -> Result:
    """Describe the targets that services registered, and those that moto holds."""
    group = call.params["TargetGroupArn"]
    elb = call.moto("elbv2")
    if group not in elb.target_groups:
        raise AwsError("TargetGroupNotFound", "One or more target groups not found")
    ours = [
        {
            "Target": {"Id": target.address, "Port": target.port, "AvailabilityZone": target.zone},
            "HealthCheckPort": str(target.port),
            "TargetHealth": health(call, group, target),
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
