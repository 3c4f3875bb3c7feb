"""From the records of load balancers to what a data plane listens on, checks and forwards to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from missyou_local.aws.call import Call
from missyou_local.aws.services.elbv2 import targets
from missyou_local.aws.services.elbv2.listening import local_port
from missyou_local.aws.services.elbv2.load_balancers import is_active
from missyou_local.dataplane.balancing import Action, Check, Fixed, Forward, Group, Listener, Redirect, Rule, Target
from missyou_local.dataplane.postgres import HOST

if TYPE_CHECKING:
    from missyou_local.dataplane.plane import DataPlane


def listeners(call: Call) -> Iterator[Listener]:
    """Give the listeners of the load balancers that are active."""
    for arn, balancer in call.moto("elbv2").load_balancers.items():
        if not is_active(call, arn):
            continue
        for listener in balancer.listeners.values():
            port = int(listener.port)
            yield Listener(
                name=listener.arn,
                balancer=arn,
                protocol="HTTPS" if listener.protocol == "HTTPS" else "HTTP",
                port=port,
                local_port=local_port(call, arn, port),
                default=_action(listener.default_actions),
                rules=tuple(_rule(rule) for rule in listener.rules.values() if rule.priority != "default"),
            )


def _rule(rule: Any) -> Rule:
    paths = _patterns(rule, "path-pattern", "PathPatternConfig")
    hosts = _patterns(rule, "host-header", "HostHeaderConfig")
    return Rule(int(rule.priority), paths, hosts, _action(rule.actions))


def _patterns(rule: Any, field: str, config: str) -> tuple[str, ...]:
    """Return the patterns of a kind of condition; its values stand in a structure of its own, or beside its name."""
    return tuple(
        pattern
        for condition in rule.conditions
        if condition["Field"] == field
        for pattern in condition.get(config, condition).get("Values") or ()
    )


def _action(actions: list[Any]) -> Action:
    """Return the last of a rule's actions, which is the one that answers."""
    data: Mapping[str, Any] = actions[-1].data
    if data["Type"] == "redirect":
        to = data["RedirectConfig"]
        return Redirect(
            host=to.get("Host", "#{host}"),
            port=str(to.get("Port", "#{port}")),
            protocol=to.get("Protocol", "#{protocol}"),
            path=to.get("Path", "/#{path}"),
            query=to.get("Query", "#{query}"),
            status=int(to["StatusCode"].removeprefix("HTTP_")),
        )
    if data["Type"] == "fixed-response":
        answer = data["FixedResponseConfig"]
        return Fixed(int(answer["StatusCode"]), answer.get("ContentType", "text/plain"), answer.get("MessageBody", ""))
    group = data.get("TargetGroupArn") or data["ForwardConfig"]["TargetGroups"][0]["TargetGroupArn"]
    return Forward(group)


def groups(call: Call, plane: DataPlane) -> Iterator[Group]:
    """Give the target groups in use, with the ports of this machine that stand for their targets."""
    for arn, group in call.moto("elbv2").target_groups.items():
        check = Check(
            path=group.health_check_path or "/",
            interval=float(group.health_check_interval_seconds) * call.timing.check_second,
            timeout=float(group.health_check_timeout_seconds),
            healthy=int(group.healthy_threshold_count),
            unhealthy=int(group.unhealthy_threshold_count),
            codes=(group.matcher or {}).get("HttpCode", "200"),
        )
        known = [(target, plane.tasks.local_port(target.task, target.port)) for target in targets.of_group(call, arn)]
        wanted = [Target(target.id, HOST, port, draining=target.draining) for target, port in known if port]
        yield Group(arn, check, tuple(wanted))
