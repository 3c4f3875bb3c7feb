"""Endpoints of AWS services in the VPC: the app's tasks reach them without NAT.

A task needs the interfaces before it starts, and while it runs; S3 has the layers of images, and a gateway. Source: ECR
user guide, "Amazon ECR interface VPC endpoints"; Secrets Manager and CloudWatch Logs likewise.
"""

from __future__ import annotations

from missyou_operator.aws.ec2.endpoints import VpcEndpoint
from missyou_operator.stack import naming
from missyou_operator.stack.context import Component, Context
from missyou_operator.stack.network import Network
from missyou_operator.stack.security_groups import SecurityGroups


def endpoints(ctx: Context, net: Network, groups: SecurityGroups) -> None:
    """Declare the endpoints."""
    add, named, prefix = ctx.graph.add, ctx.named(Component.NETWORK), f"com.amazonaws.{ctx.app.region}"
    if ctx.app.network.endpoints.s3:
        add(
            VpcEndpoint(
                **named(naming.S3_ENDPOINT),
                vpc_id=net.vpc.ref(),
                service=f"{prefix}.s3",
                kind="Gateway",
                route_table_ids=tuple(table.ref() for table in net.app_routes),
            )
        )
    if groups.endpoints is None:
        return
    for service, name in naming.INTERFACE_ENDPOINTS.items():
        add(
            VpcEndpoint(
                **named(name),
                vpc_id=net.vpc.ref(),
                service=f"{prefix}.{service}",
                kind="Interface",
                subnet_ids=tuple(subnet.ref() for subnet in net.app),
                security_group_ids=(groups.endpoints.ref(),),
            )
        )
