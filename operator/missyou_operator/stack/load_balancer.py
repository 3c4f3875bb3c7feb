"""The load balancer, its target group and its listener."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.api.components import Component
from missyou_operator.aws.elbv2.access_logs import AccessLogs, log_policy
from missyou_operator.aws.elbv2.listener import HTTP, Listener
from missyou_operator.aws.elbv2.loadbalancer import LoadBalancer
from missyou_operator.aws.elbv2.targetgroup import TargetGroup, fingerprint
from missyou_operator.aws.s3.bucket import Bucket
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context
from missyou_operator.stack.network import Network
from missyou_operator.stack.security_groups import SecurityGroups


@dataclass(frozen=True, slots=True)
class Balancing:
    """What the other modules refer to."""

    load_balancer: LoadBalancer
    target_group: TargetGroup
    listener: Listener


def load_balancer(ctx: Context, net: Network, groups: SecurityGroups) -> Balancing:
    """Declare the load balancer, its target group, its HTTP listener and its access logs."""
    service, add, named = ctx.app.service, ctx.graph.add, ctx.named(Component.LOAD_BALANCER)
    balancer = add(
        LoadBalancer(
            **named(naming.LOAD_BALANCER),
            subnet_ids=tuple(subnet.ref() for subnet in net.public),
            security_group_ids=(groups.alb.ref(),),
            deletion_protection=ctx.app.load_balancer.deletion_protection,
            # AWS refuses an internet-facing load balancer in a VPC without a gateway.
            after=(net.internet_gateway.ref(ready=True),),
        )
    )
    targets = add(
        TargetGroup(
            **named(naming.TARGET_GROUP, fingerprint(port=service.port)),
            vpc_id=net.vpc.ref(),
            port=service.port,
            health_path=service.health_check.path,
            health_interval=service.health_check.interval_seconds,
        )
    )
    listener = add(
        Listener(
            **named(naming.HTTP),
            load_balancer_arn=balancer.ref("arn"),
            port=HTTP,
            target_group_arn=targets.ref("arn"),
            may_redirect=ctx.app.domain is not None,
        )
    )
    _access_logs(ctx, balancer)
    return Balancing(balancer, targets, listener)


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
