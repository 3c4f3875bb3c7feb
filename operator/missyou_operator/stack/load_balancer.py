"""The load balancer, its target group and its listener (alb.tf)."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.api.components import Component
from missyou_operator.aws.elbv2.access_logs import AccessLogs, log_policy
from missyou_operator.aws.elbv2.listener import HTTP, Listener
from missyou_operator.aws.elbv2.loadbalancer import LoadBalancer
from missyou_operator.aws.elbv2.targetgroup import TargetGroup, target_group_name
from missyou_operator.aws.s3.bucket import Bucket, log_bucket_name
from missyou_operator.stack.context import Context
from missyou_operator.stack.network import Network
from missyou_operator.stack.security_groups import SecurityGroups


@dataclass(frozen=True, slots=True)
class Balancing:
    """What the service refers to."""

    load_balancer: LoadBalancer
    target_group: TargetGroup
    listener: Listener


def load_balancer(ctx: Context, net: Network, groups: SecurityGroups) -> Balancing:
    """Declare them."""
    service, add = ctx.app.service, ctx.graph.add
    balancer = add(
        LoadBalancer(
            **ctx.named(Component.LOAD_BALANCER, "alb"),
            subnet_ids=tuple(subnet.ref() for subnet in net.public),
            security_group_ids=(groups.alb.ref(),),
            deletion_protection=ctx.app.load_balancer.deletion_protection,
            # AWS refuses an internet-facing load balancer in a VPC without a gateway.
            after=(net.internet_gateway.ref(ready=True),),
        )
    )
    targets = add(
        TargetGroup(
            **ctx.named(Component.LOAD_BALANCER, full=target_group_name(ctx.stack.name, port=service.port)),
            vpc_id=net.vpc.ref(),
            port=service.port,
            health_path=service.health_check.path,
            health_interval=service.health_check.interval_seconds,
        )
    )
    listener = add(
        Listener(
            **ctx.named(Component.LOAD_BALANCER, "http"),
            load_balancer_arn=balancer.ref("arn"),
            port=HTTP,
            target_group_arn=targets.ref("arn"),
            may_redirect=ctx.app.domain is not None,
        )
    )
    _access_logs(ctx, balancer)
    return Balancing(balancer, targets, listener)


def _access_logs(ctx: Context, balancer: LoadBalancer) -> None:
    """Declare where the load balancer writes what it is asked, if it is to."""
    wanted = ctx.app.load_balancer.access_logs
    if not wanted.enabled:
        return
    bucket = ctx.graph.add(
        Bucket(
            **ctx.named(Component.LOAD_BALANCER, full=log_bucket_name(ctx.stack)),
            policy=log_policy(ctx.stack),
            retention_days=wanted.retention_days,
        )
    )
    ctx.graph.add(
        AccessLogs(
            name=balancer.name,
            component=Component.LOAD_BALANCER.value,
            load_balancer_arn=balancer.ref("arn"),
            # Policy included: Elastic Load Balancing tries to write.
            bucket=bucket.ref(ready=True),
        )
    )
