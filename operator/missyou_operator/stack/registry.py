"""The container registry and the image that the tasks run (ecr.tf)."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.api.components import Component
from missyou_operator.aws.ecr import Image, Repository
from missyou_operator.engine.values import Ref
from missyou_operator.stack.context import Context


@dataclass(frozen=True, slots=True)
class Registry:
    """Whence the image comes. `arn` is the ECR repository that pulling needs permission for, if it is in ECR.

    `after` holds the service back until the image is there (only our own repository can be asked).
    """

    repository: str | Ref
    arn: str | None
    after: tuple[Ref, ...] = ()


def registry(ctx: Context) -> Registry:
    """Declare the stack's own repository, unless the spec names another."""
    if ctx.app.image.repository:
        return Registry(ctx.app.image.repository, _ecr_arn(ctx, ctx.app.image.repository))
    repository = ctx.graph.add(
        Repository(
            **ctx.named(Component.REGISTRY),
            scan_on_push=ctx.app.registry.scan_on_push,
            keep_images=ctx.app.registry.keep_images,
        )
    )
    tag = ctx.app.image.tag
    image = ctx.graph.add(
        Image(
            **ctx.named(Component.SERVICE, full=image_reference(ctx.stack.name, tag)),
            repository=repository.ref(),
            tag=tag,
            uri=f"{registry_host(ctx)}/{ctx.stack.name}",
            region=ctx.stack.region,
        )
    )
    return Registry(
        repository.ref("uri"), ctx.stack.arn("ecr", f"repository/{ctx.stack.name}"), (image.ref(ready=True),)
    )


def image_reference(repository: str, tag: str) -> str:
    """Join a repository and a tag (or a `sha256:` digest) as container engines write it."""
    return f"{repository}{'@' if tag.startswith('sha256:') else ':'}{tag}"


def registry_host(ctx: Context) -> str:
    """Give the account's ECR host name."""
    suffix = "amazonaws.com.cn" if ctx.stack.partition == "aws-cn" else "amazonaws.com"
    return f"{ctx.stack.account}.dkr.ecr.{ctx.stack.region}.{suffix}"


def _ecr_arn(ctx: Context, repository: str) -> str | None:
    host, _, path = repository.partition("/")
    parts = host.split(".")
    if len(parts) < 6 or parts[1:3] != ["dkr", "ecr"]:
        return None
    return f"arn:{ctx.stack.partition}:ecr:{parts[3]}:{parts[0]}:repository/{path}"
