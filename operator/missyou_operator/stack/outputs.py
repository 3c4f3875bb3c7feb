"""What other tools and people need to know of a stack (outputs.tf), read from what was observed. Pure."""

from __future__ import annotations

from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.api.status import Outputs
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.resource import Observed
from missyou_operator.stack.naming import (
    APP_LOG,
    CLUSTER,
    DATABASE,
    HTTPS,
    LOAD_BALANCER,
    LOG_BUCKET,
    REDIRECT,
    REPOSITORY,
    SERVICE,
    VPC,
)
from missyou_operator.stack.registry import image_reference


def found(world: ObservedState, type_: str, name: str) -> Observed | None:
    """Return one of the stack's resources, if it exists."""
    return next((observed for observed in world.get(f"{type_}/{name}", ()) if observed.owned), None)


def _attr(world: ObservedState, type_: str, name: str, attr: str) -> Any:
    observed = found(world, type_, name)
    return observed.attrs.get(attr) if observed else None


def outputs(stack: StackIdentity, world: ObservedState) -> Outputs:
    """Return the outputs as far as they exist."""
    cluster, service, database = stack.fill(CLUSTER), stack.fill(SERVICE), stack.fill(DATABASE)
    endpoint = _attr(world, "rds.DBInstance", database, "endpoint")
    port = _attr(world, "rds.DBInstance", database, "port")
    return Outputs(
        certificate_arn=_attr(world, "elbv2.Listener", stack.fill(HTTPS), "certificate_arn"),
        region=stack.region,
        alb_url=_balancer_url(stack, world),
        rds_endpoint=f"{endpoint}:{port}" if endpoint else None,
        ecr_repository_url=_attr(world, "ecr.Repository", stack.fill(REPOSITORY), "uri"),
        vpc_id=_attr(world, "ec2.Vpc", stack.fill(VPC), "id"),
        ecs_cluster=cluster if found(world, "ecs.Cluster", cluster) else None,
        ecs_service=service if found(world, "ecs.Service", service) else None,
        log_group=_attr(world, "logs.LogGroup", stack.fill(APP_LOG), "id"),
        snapshot_arn=_snapshot(world),
        access_log_bucket=_attr(world, "s3.Bucket", stack.fill(LOG_BUCKET), "id"),
        database_engine_version=_attr(world, "rds.DBInstance", database, "running_version"),
    )


def _snapshot(world: ObservedState) -> str | None:
    """Return the ARN of the requested snapshot, once it can be restored from."""
    every = (observed for rows in world.values() for observed in rows if observed.kind.TYPE == "rds.DBSnapshot")
    return next((snapshot.id for snapshot in every if snapshot.owned and snapshot.state == "available"), None)


def url(stack: StackIdentity, world: ObservedState) -> str | None:
    """Return the app's URL: by its own domain once HTTPS is served there, by the load balancer's name until then."""
    serving = _attr(world, "elbv2.Listener", stack.fill(HTTPS), "certificate_arn")
    secure = found(world, "elbv2.Redirect", stack.fill(REDIRECT))
    for rows in world.values() if serving and secure else ():
        for observed in rows:
            if observed.id == serving and observed.kind.TYPE == "acm.Certificate":
                return f"https://{observed.name}"
    return _balancer_url(stack, world)


def _balancer_url(stack: StackIdentity, world: ObservedState) -> str | None:
    host = _attr(world, "elbv2.LoadBalancer", stack.fill(LOAD_BALANCER), "dns_name")
    return f"http://{host}" if host else None


def image(app: AppSpec, stack: StackIdentity) -> str:
    """Return the image that the spec asks for, without the registry's host where the repository is our own."""
    return image_reference(app.image.repository or stack.fill(REPOSITORY), app.image.tag)
