"""What other tools and people need to know of a stack (outputs.tf). Pure: read from what was found."""

from __future__ import annotations

from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.api.status import Outputs
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.s3.bucket import log_bucket_name
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.resource import Observed
from missyou_operator.stack.registry import image_reference


def found(world: ObservedState, type_: str, name: str) -> Observed | None:
    """Give one of our resources, if it is there."""
    return next((observed for observed in world.get(f"{type_}/{name}", ()) if observed.owned), None)


def _attr(world: ObservedState, type_: str, name: str, attr: str) -> Any:
    observed = found(world, type_, name)
    return observed.attrs.get(attr) if observed else None


def outputs(stack: StackIdentity, world: ObservedState) -> Outputs:
    """Give the outputs as far as they exist."""
    name = stack.name
    endpoint = _attr(world, "rds.DBInstance", f"{name}-db", "endpoint")
    port = _attr(world, "rds.DBInstance", f"{name}-db", "port")
    return Outputs(
        certificate_arn=_attr(world, "elbv2.Listener", f"{name}-https", "certificate_arn"),
        region=stack.region,
        alb_url=_balancer_url(stack, world),
        rds_endpoint=f"{endpoint}:{port}" if endpoint else None,
        ecr_repository_url=_attr(world, "ecr.Repository", name, "uri"),
        vpc_id=_attr(world, "ec2.Vpc", f"{name}-vpc", "id"),
        ecs_cluster=f"{name}-cluster" if found(world, "ecs.Cluster", f"{name}-cluster") else None,
        ecs_service=f"{name}-service" if found(world, "ecs.Service", f"{name}-service") else None,
        log_group=_attr(world, "logs.LogGroup", f"/ecs/{name}", "id"),
        snapshot_arn=_snapshot(world),
        access_log_bucket=_attr(world, "s3.Bucket", log_bucket_name(stack), "id"),
        database_engine_version=_attr(world, "rds.DBInstance", f"{name}-db", "running_version"),
    )


def _snapshot(world: ObservedState) -> str | None:
    """Give the ARN of the snapshot that is asked for, once it can be restored from."""
    every = (observed for rows in world.values() for observed in rows if observed.kind.TYPE == "rds.DBSnapshot")
    return next((snapshot.id for snapshot in every if snapshot.owned and snapshot.state == "available"), None)


def url(stack: StackIdentity, world: ObservedState) -> str | None:
    """Give the URL of the app: by its own name once HTTPS is served for it, by the load balancer's until then."""
    serving = _attr(world, "elbv2.Listener", f"{stack.name}-https", "certificate_arn")
    secure = found(world, "elbv2.Redirect", f"{stack.name}-http-redirect")
    for rows in world.values() if serving and secure else ():
        for observed in rows:
            if observed.id == serving and observed.kind.TYPE == "acm.Certificate":
                return f"https://{observed.name}"
    return _balancer_url(stack, world)


def _balancer_url(stack: StackIdentity, world: ObservedState) -> str | None:
    host = _attr(world, "elbv2.LoadBalancer", f"{stack.name}-alb", "dns_name")
    return f"http://{host}" if host else None


def image(app: AppSpec, stack: StackIdentity) -> str:
    """Give the image that the spec asks for; the registry's host is left out of our own repository's name."""
    return image_reference(app.image.repository or stack.name, app.image.tag)
