"""The app on ECS Fargate: cluster, roles, task definition, service, auto scaling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypedDict

from missyou_operator.api.components import Component
from missyou_operator.aws.autoscaling import ScalableTarget, ScalingPolicy, scaled_service
from missyou_operator.aws.ecs.answers import BALANCER
from missyou_operator.aws.ecs.cluster import Cluster
from missyou_operator.aws.ecs.service import Service
from missyou_operator.aws.ecs.strategy import ROLLING
from missyou_operator.aws.ecs.taskdefinition import TaskDefinition
from missyou_operator.aws.iam.role import Role
from missyou_operator.aws.logs import LogGroup
from missyou_operator.aws.permissions import ROLE_TAG
from missyou_operator.engine.values import Ref
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context
from missyou_operator.stack.database import Database
from missyou_operator.stack.load_balancer import Balancing
from missyou_operator.stack.network import Network
from missyou_operator.stack.registry import Registry
from missyou_operator.stack.secrets import SecretVariable, readable_arn
from missyou_operator.stack.security_groups import SecurityGroups
from missyou_operator.stack.shifting import strategy_of

#: Seconds in which a new task may fail its health checks: the app starts, and three checks pass.
_GRACE_SECONDS = 120


class Pair(TypedDict, total=False):
    """The arguments of a service that shifts requests between two target groups."""

    alternate_target_group: str | Ref
    listener_rule: str | Ref
    balancing_role: str | Ref


def service(  # noqa: PLR0913, PLR0917 - the service is where all modules meet
    ctx: Context,
    net: Network,
    groups: SecurityGroups,
    images: Registry,
    db: Database,
    secrets: Mapping[str, SecretVariable],
    balancing: Balancing,
    log_group: LogGroup,
) -> None:
    """Declare the cluster, the roles, the task definition, the service and its auto scaling."""
    spec, add, named = ctx.app.service, ctx.graph.add, ctx.named(Component.SERVICE)
    cluster = add(Cluster(**named(naming.CLUSTER)))
    variables = {
        "DATABASE_URL": SecretVariable(
            db.url.ref("arn"), readable_arn(ctx, db.url.name), "DATABASE_URL", db.url.ref("version")
        ),
        **secrets,
    }
    execution, task = roles(ctx, images, variables, log_group, readable_arn(ctx, db.url.name))
    shift = ctx.lookups.running.shift
    pair: Pair = {}
    if balancing.alternate:
        pair = {
            "alternate_target_group": balancing.alternate,
            "listener_rule": shift.rule if shift.held else balancing.production.ref("rule"),
            "balancing_role": balancing_role(ctx).ref("arn", ready=True),
        }
    definition = add(
        TaskDefinition(
            **named(naming.TASK_DEFINITION),
            container=ctx.stack.fill(naming.CONTAINER),
            cpu=spec.cpu,
            memory=spec.memory,
            execution_role_arn=execution.ref("arn", ready=True),
            task_role_arn=task.ref("arn", ready=True),
            image_repository=images.repository,
            image_tag=ctx.app.image.tag,
            image_digest=images.digest,
            hardened=spec.hardened,
            read_only_root=spec.read_only_root_filesystem,
            port=spec.port,
            environment={
                **spec.env,
                "PORT": str(spec.port),
                "DEBUG": str(spec.debug).lower(),
                # Where an app finds the password that a rotation gives the database while its tasks run.
                "DATABASE_SECRET": db.url.name,
            },
            secrets={name: (variable.arn, variable.key) for name, variable in variables.items()},
            secret_versions=tuple(v.version for v in variables.values() if v.version is not None),
            log_group=log_group.ref(),
            region=ctx.stack.region,
        )
    )
    running = add(
        Service(
            **named(naming.SERVICE),
            cluster=cluster.ref("arn"),
            task_definition=definition.ref("arn"),
            subnet_ids=tuple(subnet.ref() for subnet in net.app),
            security_group_ids=(groups.ecs.ref(),),
            target_groups=balancing.groups,
            container=ctx.stack.fill(naming.CONTAINER),
            **pair,
            strategy=strategy_of(ctx.app) if shift.strategy is None and shift.wanted else shift.strategy or ROLLING,
            alarms=ctx.lookups.running.alarms,
            waits=shift.held,
            container_port=spec.port,
            min_tasks=spec.replicas.min,
            max_tasks=spec.replicas.max,
            grace_seconds=_GRACE_SECONDS,
            after=(
                # A target group that no listener knows is refused, tasks without a way out cannot pull their image.
                balancing.listener.ref("standby"),
                *((balancing.production.ref("standby"),) if balancing.alternate else ()),
                *(routes.ref(ready=True) for routes in net.app_routes),
                *images.after,
            ),
        )
    )
    if running.strategy != strategy_of(ctx.app):
        # A deployment has to end before the spec's strategy counts: until then AWS is not as the spec says.
        ctx.graph.keep([running.address])
    scaling(ctx, running, cluster)


def scaling(ctx: Context, running: Service, cluster: Cluster) -> None:
    """Declare Application Auto Scaling on CPU and memory."""
    spec, add, named = ctx.app.service, ctx.graph.add, ctx.named(Component.SERVICE)
    resource_id = scaled_service(cluster.name, running.name)
    target = add(
        ScalableTarget(
            **named(naming.SCALING),
            resource_id=resource_id,
            minimum=spec.replicas.min,
            maximum=spec.replicas.max,
            after=(running.ref(),),
        )
    )
    for name, metric, percent in (
        (naming.CPU_SCALING, "ECSServiceAverageCPUUtilization", spec.autoscaling.cpu_target),
        (naming.MEMORY_SCALING, "ECSServiceAverageMemoryUtilization", spec.autoscaling.memory_target),
    ):
        add(
            ScalingPolicy(
                **named.untagged(name),
                resource_id=resource_id,
                metric=metric,
                target=float(percent),
                scale_out_cooldown=spec.autoscaling.scale_out_cooldown,
                scale_in_cooldown=spec.autoscaling.scale_in_cooldown,
                after=(target.ref(),),
            )
        )


def roles(
    ctx: Context, images: Registry, variables: Mapping[str, SecretVariable], log_group: LogGroup, credentials: str
) -> tuple[Role, Role]:
    """Declare the role that starts tasks, and the app's own, which may read the database's `credentials` (an ARN)."""
    add, named, account = ctx.graph.add, ctx.named_role(Component.SERVICE), ctx.stack.account
    boundary, tags = ctx.lookups.boundary, {ROLE_TAG: ctx.stack.name}
    readable = list(dict.fromkeys(variable.readable for variable in variables.values()))
    others = [arn for arn in ctx.lookups.running.secrets if not any(fnmatchcase(arn, each) for each in readable)]
    readable += others
    statements = [
        _allow(("secretsmanager:GetSecretValue",), readable),
        _allow(("logs:CreateLogStream", "logs:PutLogEvents"), [ctx.stack.arn("logs", f"log-group:{log_group.name}:*")]),
    ]
    if given := [variable.arn for variable in variables.values() if variable.version is None]:
        statements.append(_decrypt(ctx, given))
    if images.arns:
        pull = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
        statements += [_allow(pull, images.arns), _allow(("ecr:GetAuthorizationToken",), ["*"])]
    execution = add(
        Role(
            **named(naming.EXECUTION_ROLE, tags=tags),
            account=account,
            permissions_boundary=boundary,
            policy={"Version": "2012-10-17", "Statement": tuple(statements)},
            description=f"Starts the tasks of {ctx.stack.app}",
        )
    )
    if others or len(images.arns) > 1:
        ctx.graph.keep([execution.address])
    task = add(
        Role(
            **named(naming.TASK_ROLE, tags=tags),
            account=account,
            permissions_boundary=boundary,
            policy={
                "Version": "2012-10-17",
                "Statement": (_allow(("secretsmanager:GetSecretValue",), [credentials]),),
            },
            description=f"What the app of {ctx.stack.app} may do in AWS",
        )
    )
    return execution, task


def balancing_role(ctx: Context) -> Role:
    """Declare the role by which ECS shifts requests: by this load balancer's listeners, between its own groups.

    What AWS's policy AmazonECSInfrastructureRolePolicyForLoadBalancers allows, on no other load balancer. Its trust
    has no condition, like that of the guide. Source: ECS developer guide, "Amazon ECS infrastructure IAM role for load
    balancers".
    """
    balancer, service = ctx.stack.fill(naming.LOAD_BALANCER), "elasticloadbalancing"
    read = ("DescribeListeners", "DescribeRules", "DescribeTargetGroups", "DescribeTargetHealth")
    groups = ctx.stack.arn(service, f"targetgroup/{ctx.stack.fill(naming.TARGET_GROUP)}/*")
    statements = (
        _allow([f"{service}:{each}" for each in read], ["*"]),
        _allow([f"{service}:RegisterTargets", f"{service}:DeregisterTargets"], [groups]),
        _allow([f"{service}:ModifyListener"], [ctx.stack.arn(service, f"listener/app/{balancer}/*")]),
        _allow([f"{service}:ModifyRule"], [ctx.stack.arn(service, f"listener-rule/app/{balancer}/*")]),
    )
    return ctx.graph.add(
        Role(
            **ctx.named_role(Component.SERVICE)(naming.BALANCING_ROLE, tags={ROLE_TAG: ctx.stack.name}),
            account=ctx.stack.account,
            service=BALANCER,
            source=None,
            permissions_boundary=ctx.lookups.boundary,
            policy={"Version": "2012-10-17", "Statement": statements},
            description=f"Shifts the requests of {ctx.stack.app} between its target groups",
        )
    )


def _decrypt(ctx: Context, secrets: Sequence[str | Ref]) -> dict[str, Any]:
    """Allow decrypting given secrets, by whatever key, and nothing else that this key protects.

    Secrets Manager uses the caller's rights to a secret's KMS key, and names the secret in the encryption context.
    Source: Secrets Manager user guide, "Secret encryption and decryption in AWS Secrets Manager".
    """
    suffix = ".cn" if ctx.stack.partition == "aws-cn" else ""
    via = f"secretsmanager.{ctx.stack.region}.amazonaws.com{suffix}"
    return {
        **_allow(("kms:Decrypt",), [f"arn:{ctx.stack.partition}:kms:{ctx.stack.region}:*:key/*"]),
        "Condition": {"StringEquals": {"kms:ViaService": via, "kms:EncryptionContext:SecretARN": tuple(secrets)}},
    }


def _allow(actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": tuple(actions), "Resource": tuple(resources)}
