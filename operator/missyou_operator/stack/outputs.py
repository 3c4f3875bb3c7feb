"""What other tools and people need to know of a stack, read from what was observed. Pure."""

from __future__ import annotations

from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.api.status import Outputs
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.engine.plan import ObservedState
from missyou_operator.stack import naming
from missyou_operator.stack.observed import found
from missyou_operator.stack.registry import image_reference


def outputs(stack: StackIdentity, world: ObservedState) -> Outputs:
    """Return the outputs as far as they exist."""

    def attr(type_: str, pattern: str, name: str) -> Any:
        observed = found(stack, world, type_, pattern)
        return observed.attrs.get(name) if observed else None

    endpoint = attr("rds.DBInstance", naming.DATABASE, "endpoint")
    service = found(stack, world, "ecs.Service", naming.SERVICE)
    return Outputs(
        certificate_arn=attr("elbv2.Listener", naming.HTTPS, "certificate_arn"),
        region=stack.region,
        alb_url=_balancer_url(stack, world),
        rds_endpoint=f"{endpoint}:{attr('rds.DBInstance', naming.DATABASE, 'port')}" if endpoint else None,
        ecr_repository_url=attr("ecr.Repository", naming.REPOSITORY, "uri"),
        vpc_id=attr("ec2.Vpc", naming.VPC, "id"),
        ecs_cluster=attr("ecs.Cluster", naming.CLUSTER, "cluster_name"),
        ecs_service=service.name if service else None,
        log_group=attr("logs.LogGroup", naming.APP_LOG, "id"),
        snapshot_arn=_snapshot(world),
        access_log_bucket=attr("s3.Bucket", naming.LOG_BUCKET, "id"),
        database_engine_version=attr("rds.DBInstance", naming.DATABASE, "running_version"),
    )


def _snapshot(world: ObservedState) -> str | None:
    """Return the ARN of the requested snapshot, once it can be restored from."""
    every = (observed for rows in world.values() for observed in rows if observed.kind.TYPE == "rds.DBSnapshot")
    return next((snapshot.id for snapshot in every if snapshot.owned and snapshot.state == "available"), None)


def url(stack: StackIdentity, world: ObservedState) -> str | None:
    """Return the app's URL: by its own domain once HTTPS is served there, by the load balancer's name until then."""
    https = found(stack, world, "elbv2.Listener", naming.HTTPS)
    if https and found(stack, world, "elbv2.Redirect", naming.REDIRECT):
        for rows in world.values():
            for observed in rows:
                if observed.id == https.attrs.get("certificate_arn") and observed.kind.TYPE == "acm.Certificate":
                    return f"https://{observed.name}"
    return _balancer_url(stack, world)


def _balancer_url(stack: StackIdentity, world: ObservedState) -> str | None:
    balancer = found(stack, world, "elbv2.LoadBalancer", naming.LOAD_BALANCER)
    host = balancer.attrs.get("dns_name") if balancer else None
    return f"http://{host}" if host else None


def image(app: AppSpec, stack: StackIdentity) -> str:
    """Return the image that the spec asks for, without the registry's host where the repository is our own."""
    return image_reference(app.image.repository or stack.fill(naming.REPOSITORY), app.image.tag)


def image_digest(stack: StackIdentity, world: ObservedState) -> str | None:
    """Return the digest that the newest revision names, None where it goes by a tag."""
    definition = found(stack, world, "ecs.TaskDefinition", naming.TASK_DEFINITION)
    if definition is None:
        return None
    tag = str(definition.attrs.get("image_tag") or "")
    return definition.attrs.get("image_digest") or (tag if tag.startswith("sha256:") else None)
