"""Endpoints of AWS's services in the VPC: the app's tasks reach them without NAT."""

from __future__ import annotations

from missyou_operator.api.components import Component
from missyou_operator.aws.ec2.endpoints import VpcEndpoint
from missyou_operator.stack.context import Context
from missyou_operator.stack.network import Network
from missyou_operator.stack.security_groups import SecurityGroups

#: What a task needs of AWS before it runs, and while it does; S3, which has the layers of images, has a gateway.
#: Source: ECR user guide, "Amazon ECR interface VPC endpoints"; Secrets Manager and CloudWatch Logs likewise.
INTERFACES = ("ecr.api", "ecr.dkr", "logs", "secretsmanager")


def endpoints(ctx: Context, net: Network, groups: SecurityGroups) -> None:
    """Declare them."""

    def service(name: str) -> str:
        return f"com.amazonaws.{ctx.app.region}.{name}"

    if ctx.app.network.endpoints.s3:
        ctx.graph.add(
            VpcEndpoint(
                **ctx.named(Component.NETWORK, "s3"),
                vpc_id=net.vpc.ref(),
                service=service("s3"),
                kind="Gateway",
                route_table_ids=tuple(table.ref() for table in net.app_routes),
            )
        )
    if groups.endpoints is None:
        return
    for name in INTERFACES:
        ctx.graph.add(
            VpcEndpoint(
                **ctx.named(Component.NETWORK, name.replace(".", "-")),
                vpc_id=net.vpc.ref(),
                service=service(name),
                kind="Interface",
                subnet_ids=tuple(subnet.ref() for subnet in net.app),
                security_group_ids=(groups.endpoints.ref(),),
            )
        )
