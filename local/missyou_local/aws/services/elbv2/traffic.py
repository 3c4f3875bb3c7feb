"""Turns the records of load balancers into the listeners and target groups of a data plane."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from missyou_local.aws.call import Call
from missyou_local.aws.services.elbv2 import reach, targets
from missyou_local.aws.services.elbv2.load_balancers import is_active, local_port
from missyou_local.dataplane.balancing import (
    Check,
    Forward,
    Group,
    Listener,
    Redirect,
    Target,
)
from missyou_local.dataplane.postgres import HOST

if TYPE_CHECKING:
    from missyou_local.dataplane.plane import DataPlane


def listeners(call: Call) -> Iterator[Listener]:
    """Yield the listeners of the load balancers that are active, and whether they admit this machine."""
    for arn, balancer in call.moto("elbv2").load_balancers.items():
        if not is_active(call, arn):
            continue
        for listener in balancer.listeners.values():
            port, action = int(listener.port), _action(listener.default_actions)
            if action is None:
                continue
            yield Listener(
                name=listener.arn,
                balancer=arn,
                protocol="HTTPS" if listener.protocol == "HTTPS" else "HTTP",
                port=port,
                local_port=local_port(call, arn, port),
                action=action,
                admits=reach.is_open(call, arn, HOST, port),
            )


def _action(actions: list[Any]) -> Forward | Redirect | None:
    """Return the last of a listener's default actions, which is the one that answers; None if we cannot perform it."""
    data: Mapping[str, Any] = actions[-1].data
    if data["Type"] == "redirect":
        to = data["RedirectConfig"]
        return Redirect(to["Protocol"], int(to["Port"]), int(to["StatusCode"].removeprefix("HTTP_")))
    if data["Type"] != "forward":
        return None
    if not data.get("ForwardConfig"):
        return Forward({data["TargetGroupArn"]: 1})
    return Forward({each["TargetGroupArn"]: int(each["Weight"]) for each in data["ForwardConfig"]["TargetGroups"]})


def groups(call: Call, plane: DataPlane) -> Iterator[Group]:
    """Yield the target groups in use, with the ports of this machine that stand for their targets."""
    for arn, group in call.moto("elbv2").target_groups.items():
        check = Check(
            path=group.health_check_path or "/",
            interval=float(group.health_check_interval_seconds) * call.timing.check_second,
            timeout=float(group.health_check_timeout_seconds),
            healthy=int(group.healthy_threshold_count),
            unhealthy=int(group.unhealthy_threshold_count),
            codes=(group.matcher or {}).get("HttpCode", "200"),
            protocol=group.health_check_protocol or "HTTP",
        )
        port = str(group.health_check_port or "traffic-port")
        yield Group(arn, check, tuple(_targets(call, plane, arn, None if port == "traffic-port" else int(port))))


def _targets(call: Call, plane: DataPlane, group: str, check_port: int | None) -> Iterator[Target]:
    """Yield the targets of a group that run here, unreachable where security groups do not let the balancer through."""

    def local(target: targets.Target, port: int) -> int | None:
        there = plane.tasks.local_port(target.task, port)
        return there if there and reach.is_reached(call, group, target.address, port) else None

    for target in targets.of_group(call, group):
        if plane.tasks.local_port(target.task, target.port):
            ports = local(target, target.port), local(target, check_port or target.port)
            yield Target(target.id, HOST, *ports, draining=target.draining)
