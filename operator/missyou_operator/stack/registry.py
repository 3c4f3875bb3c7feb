"""The container registry and the image that the tasks run."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.api import AppSpec
from missyou_operator.api.components import Component
from missyou_operator.aws.ecr import Image, Repository
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.engine.values import Ref
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context


@dataclass(frozen=True, slots=True)
class Registry:
    """Where the image comes from. `arn` is the repository that pulling needs permission for, None outside ECR.

    `after` holds the service back until the image is there: only our own repository can be asked.
    """

    repository: str | Ref
    arn: str | None
    after: tuple[Ref, ...] = ()


def registry(ctx: Context) -> Registry:
    """Declare the stack's own repository, unless the spec names another."""
    pushed = image(ctx.app, ctx.stack)
    if pushed is None:
        given = ctx.app.image.repository or ""
        return Registry(given, _ecr_arn(ctx, given))
    repository = ctx.graph.add(
        Repository(
            **ctx.named(Component.REGISTRY)(naming.REPOSITORY),
            scan_on_push=ctx.app.registry.scan_on_push,
            keep_images=ctx.app.registry.keep_images,
        )
    )
    ctx.graph.add(pushed)
    arn = ctx.stack.arn("ecr", f"repository/{repository.name}")
    return Registry(repository.ref("uri"), arn, (pushed.ref(ready=True),))


def image(app: AppSpec, stack: StackIdentity) -> Image | None:
    """Declare the image to run, which a person or a pipeline pushes; None where it is in a repository of another's."""
    if app.image.repository:
        return None
    repository, tag = stack.fill(naming.REPOSITORY), app.image.tag
    return Image(
        name=image_reference(repository, tag),
        component=Component.SERVICE.value,
        repository=Ref(f"{Repository.TYPE}/{repository}", "id"),
        tag=tag,
        uri=f"{registry_host(stack)}/{repository}",
        region=stack.region,
    )


def image_reference(repository: str, tag: str) -> str:
    """Join a repository and a tag (or a `sha256:` digest) as container engines write it."""
    return f"{repository}{'@' if tag.startswith('sha256:') else ':'}{tag}"


def registry_host(stack: StackIdentity) -> str:
    """Return the host name of the account's ECR."""
    suffix = "amazonaws.com.cn" if stack.partition == "aws-cn" else "amazonaws.com"
    return f"{stack.account}.dkr.ecr.{stack.region}.{suffix}"


def _ecr_arn(ctx: Context, repository: str) -> str | None:
    host, _, path = repository.partition("/")
    parts = host.split(".")
    if len(parts) < 6 or parts[1:3] != ["dkr", "ecr"]:
        return None
    return f"arn:{ctx.stack.partition}:ecr:{parts[3]}:{parts[0]}:repository/{path}"
