"""Endpoints of AWS services in the VPC: the app's tasks reach them without NAT, for what the stack needs of them.

An endpoint's policy limits what can be carried out through it by whoever runs in the VPC, with credentials of any
account. It is one of several: roles and bucket policies apply as well. Source: AWS PrivateLink guide, "Control access
to VPC endpoints using endpoint policies".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from missyou_operator.api.components import Component
from missyou_operator.aws.ec2.endpoints import OPEN, VpcEndpoint
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context
from missyou_operator.stack.network import Network
from missyou_operator.stack.registry import ecr_arn
from missyou_operator.stack.security_groups import SecurityGroups


def endpoints(ctx: Context, net: Network, groups: SecurityGroups) -> None:
    """Declare the endpoints."""
    add, named, prefix = ctx.graph.add, ctx.named(Component.NETWORK), f"com.amazonaws.{ctx.app.region}"
    if ctx.app.network.endpoints.s3:
        image, running = ctx.app.image.repository, ctx.lookups.running.repositories
        own, others = _is_elsewhere(ctx, image or ""), any(_is_elsewhere(ctx, each) for each in running)
        gateway = add(
            VpcEndpoint(
                **named(naming.ENDPOINT, "s3"),
                vpc_id=net.vpc.ref(),
                service=f"{prefix}.s3",
                kind="Gateway",
                route_table_ids=tuple(table.ref() for table in net.app_routes),
                policy=OPEN if own or others else _layers(ctx),
            )
        )
        if others and not own:
            ctx.graph.keep([gateway.address])
    if groups.endpoints is None:
        return
    for service, policy in INTERFACES.items():
        add(
            VpcEndpoint(
                **named(naming.ENDPOINT, service.replace(".", "-")),
                vpc_id=net.vpc.ref(),
                service=f"{prefix}.{service}",
                kind="Interface",
                subnet_ids=tuple(subnet.ref() for subnet in net.app),
                security_group_ids=(groups.endpoints.ref(),),
                policy=policy(ctx),
            )
        )


def _is_elsewhere(ctx: Context, repository: str) -> bool:
    """Return whether a repository is in another registry than ECR: such a one may keep its layers in any bucket."""
    return bool(repository) and ecr_arn(ctx.stack, repository) is None


def _layers(ctx: Context) -> Mapping[str, Any]:
    """Allow fetching the layers of ECR's images, which a link signed by ECR itself leads to.

    Source: ECR user guide, "Minimum Amazon S3 Bucket Permissions for Amazon ECR".
    """
    bucket = f"arn:{ctx.stack.partition}:s3:::prod-{ctx.stack.region}-starport-layer-bucket/*"
    return _allow(("s3:GetObject",), bucket)


def _pulling(ctx: Context) -> Mapping[str, Any]:
    """Allow pulling images, with credentials of the stack's account; from which repositories, the role says.

    Source: aws-samples/data-perimeter-policy-examples, "Service-specific guidance: Amazon Elastic Container Registry".
    """
    actions = ("BatchCheckLayerAvailability", "BatchGetImage", "GetAuthorizationToken", "GetDownloadUrlForLayer")
    condition = {"StringEquals": {"aws:PrincipalAccount": ctx.stack.account}}
    return _allow([f"ecr:{action}" for action in actions], "*", condition)


def _logging(ctx: Context) -> Mapping[str, Any]:
    """Allow the role that starts the tasks to write the app's log."""
    group = ctx.stack.arn("logs", f"log-group:{ctx.stack.fill(naming.APP_LOG)}:*")
    return _allow(("logs:CreateLogStream", "logs:PutLogEvents"), group, _by(ctx, naming.EXECUTION_ROLE))


def _reading(ctx: Context) -> Mapping[str, Any]:
    """Allow the role that starts the tasks, and the app's, to read secrets; which ones, their own policies say."""
    return _allow(("secretsmanager:GetSecretValue",), "*", _by(ctx, naming.EXECUTION_ROLE, naming.TASK_ROLE))


def _by(ctx: Context, *names: str) -> Mapping[str, Any]:
    roles = tuple(f"arn:{ctx.stack.partition}:iam::{ctx.stack.account}:role/{ctx.stack.fill(name)}" for name in names)
    return {"ArnEquals": {"aws:PrincipalArn": roles if roles[1:] else roles[0]}}


def _allow(actions: Sequence[str], resource: str, condition: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    statement = {"Effect": "Allow", "Principal": "*", "Action": tuple(actions), "Resource": resource}
    return {"Statement": (statement if condition is None else {**statement, "Condition": condition},)}


#: The services that a task needs before it starts, and while it runs; S3, with the layers of images, has a gateway.
#: Source: ECR user guide, "Amazon ECR interface VPC endpoints"; Secrets Manager and CloudWatch Logs likewise.
INTERFACES: Mapping[str, Callable[[Context], Mapping[str, Any]]] = {
    "ecr.api": _pulling,
    "ecr.dkr": _pulling,
    "logs": _logging,
    "secretsmanager": _reading,
}
