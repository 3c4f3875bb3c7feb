"""Who may talk to whom: allowed clients → load balancer → app → database, and no wider way out."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.api.components import Component
from missyou_operator.api.resolve import ANYWHERE
from missyou_operator.aws.ec2.security import Direction, SecurityGroup, SecurityGroupRule, rule_name
from missyou_operator.aws.rds.desired import PORT
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context
from missyou_operator.stack.network import Network


@dataclass(frozen=True, slots=True)
class SecurityGroups:
    """What the other modules refer to. `endpoints` is None without interface endpoints."""

    alb: SecurityGroup
    ecs: SecurityGroup
    rds: SecurityGroup
    endpoints: SecurityGroup | None


def security_groups(ctx: Context, net: Network) -> SecurityGroups:
    """Declare the groups and each rule."""
    add, named = ctx.graph.add, ctx.named(Component.NETWORK)

    def group(name: str, description: str) -> SecurityGroup:
        return add(SecurityGroup(**named(name), vpc_id=net.vpc.ref(), description=description))

    def allow(
        owner: SecurityGroup, direction: Direction, port: int, peer: SecurityGroup | str, why: str
    ) -> SecurityGroupRule:
        peer_name = peer if isinstance(peer, str) else peer.name
        name = rule_name(owner.name, direction, "tcp", port, port, peer_name)
        return add(
            SecurityGroupRule(
                **named(name),
                group_id=owner.ref(),
                direction=direction,
                from_port=port,
                to_port=port,
                peer=peer if isinstance(peer, str) else peer.ref(),
                description=why,
            )
        )

    app_port = ctx.app.service.port
    app_ports = sorted({app_port, *ctx.lookups.running.ports})
    groups = SecurityGroups(
        alb=group(naming.LOAD_BALANCER_GROUP, "Load balancer: HTTP and HTTPS from the allowed blocks"),
        ecs=group(naming.TASKS_GROUP, "App tasks: from the load balancer only"),
        rds=group(naming.DATABASE_GROUP, "Database: from the app tasks only"),
        endpoints=group(naming.ENDPOINTS_GROUP, "Endpoints of AWS services: from the app tasks only")
        if ctx.app.network.endpoints.interfaces
        else None,
    )
    for block in ctx.app.load_balancer.allowed_cidrs:
        where = "anywhere" if block == ANYWHERE else block
        allow(groups.alb, "ingress", 80, block, f"HTTP from {where}")
        allow(groups.alb, "ingress", 443, block, f"HTTPS from {where}")
    for port in app_ports:
        rules = (
            allow(groups.alb, "egress", port, groups.ecs, "to the app tasks"),
            allow(groups.ecs, "ingress", port, groups.alb, "from the load balancer"),
        )
        ctx.graph.keep(rule.address for rule in rules if port != app_port)
    allow(groups.ecs, "egress", PORT, groups.rds, "to the database")
    allow(groups.ecs, "egress", 443, ANYWHERE, "AWS APIs, Gemini and Firebase")
    allow(groups.rds, "ingress", PORT, groups.ecs, "from the app tasks")
    if groups.endpoints:
        allow(groups.endpoints, "ingress", 443, groups.ecs, "from the app tasks")
    return groups
