"""The load balancer, its target group and its listener."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.api.components import Component
from missyou_operator.aws.elbv2.access_logs import AccessLogs, log_policy
from missyou_operator.aws.elbv2.listener import HTTP, Listener
from missyou_operator.aws.elbv2.loadbalancer import LoadBalancer
from missyou_operator.aws.elbv2.targetgroup import TargetGroup, arn_suffix, fingerprint
from missyou_operator.aws.s3.bucket import Bucket
from missyou_operator.engine.values import Ref
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context
from missyou_operator.stack.network import Network
from missyou_operator.stack.security_groups import SecurityGroups


@dataclass(frozen=True, slots=True)
class Balancing:
    """What the other modules refer to.

    `serving` is the ARN of the target group that gets the requests, `standby`: the groups that every listener has to
    know besides. `groups`: those in which the tasks register. `alternate`: the group that ECS shifts requests to and
    from, "" if it does not. `watched`: by what metrics name them, the groups that may get requests. `shifts`: the
    listeners' weights are ECS's. `production`: the listener that serves.
    """

    load_balancer: LoadBalancer
    listener: Listener
    serving: str | Ref
    standby: tuple[str | Ref, ...]
    groups: tuple[str | Ref, ...]
    alternate: str | Ref
    watched: tuple[str | Ref, ...]
    shifts: bool
    production: Listener


def load_balancer(ctx: Context, net: Network, groups: SecurityGroups) -> Balancing:
    """Declare the load balancer, its target group, its HTTP listener and its access logs."""
    add, named = ctx.graph.add, ctx.named(Component.LOAD_BALANCER)
    internal = ctx.app.load_balancer.scheme == "internal"
    balancer = add(
        LoadBalancer(
            **named(naming.LOAD_BALANCER),
            scheme=ctx.app.load_balancer.scheme,
            # Private addresses belong into subnets that the internet has no route to. Source: guide to application load
            # balancers, "Load balancer scheme".
            subnet_ids=tuple(subnet.ref() for subnet in (net.app if internal else net.public)),
            security_group_ids=(groups.alb.ref(),),
            deletion_protection=ctx.app.load_balancer.deletion_protection,
            # AWS refuses an internet-facing load balancer in a VPC without a gateway.
            after=(net.internet_gateway.ref(ready=True),),
        )
    )
    targets = add(_target_group(ctx, net))
    running, shift, own = ctx.lookups.running, ctx.lookups.running.shift, targets.ref("arn")
    serving: str | Ref = running.serving or own
    standby: tuple[str | Ref, ...] = (*running.standby, *((own,) if running.serving else ()))
    registering: tuple[str | Ref, ...] = (own, *running.registered)
    alternate: str | Ref = ""
    watched: tuple[str | Ref, ...] = (arn_suffix(running.serving) if running.serving else targets.ref("arn_suffix"),)
    if shift.held:
        first, alternate = shift.groups
        serving, registering = running.serving or first, (first,)
        standby = tuple(arn for arn in shift.groups if arn != serving)
        watched = tuple(map(arn_suffix, shift.groups))
    elif shift.wanted:
        other = add(_target_group(ctx, net, alternate=True))
        alternate = other.ref("arn")
        serving, standby, registering = own, (alternate,), (own,)
        watched = (targets.ref("arn_suffix"), other.ref("arn_suffix"))
    listener = add(
        Listener(
            **named(naming.HTTP),
            load_balancer_arn=balancer.ref("arn"),
            port=HTTP,
            target_group_arn=serving,
            standby=standby,
            may_redirect=ctx.app.domain is not None or (shift.held and shift.by_https),
            shifts=shift.owned,
        )
    )
    _access_logs(ctx, balancer)
    if standby and not shift.wanted:
        ctx.graph.keep([listener.address])
    return Balancing(
        balancer,
        listener,
        serving,
        standby,
        registering,
        alternate,
        watched,
        shifts=shift.owned,
        production=listener,
    )


def _target_group(ctx: Context, net: Network, *, alternate: bool = False) -> TargetGroup:
    """Return the target group of the spec, or the other one of its pair."""
    check = ctx.app.service.health_check
    return TargetGroup(
        **ctx.named(Component.LOAD_BALANCER)(
            naming.TARGET_GROUP, fingerprint(health_path=check.path, alternate=alternate)
        ),
        vpc_id=net.vpc.ref(),
        health_path=check.path,
        health_interval=check.interval_seconds,
    )


def _access_logs(ctx: Context, balancer: LoadBalancer) -> None:
    """Declare the bucket that the load balancer logs its requests to, if the spec enables access logs."""
    spec, add, named = ctx.app.load_balancer.access_logs, ctx.graph.add, ctx.named(Component.LOAD_BALANCER)
    if not spec.enabled:
        return
    policy = log_policy(ctx.stack, ctx.stack.fill(naming.LOG_BUCKET))
    bucket = add(Bucket(**named(naming.LOG_BUCKET), policy=policy, retention_days=spec.retention_days))
    add(
        AccessLogs(
            **named.untagged(naming.LOAD_BALANCER),
            load_balancer_arn=balancer.ref("arn"),
            # With its policy: Elastic Load Balancing tries to write.
            bucket=bucket.ref(ready=True),
        )
    )
