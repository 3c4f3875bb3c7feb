"""The container registry and the image that the tasks run (ecr.tf)."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.aws.ecr import Image, Repository
from missyou_operator.engine.values import Ref
from missyou_operator.stack.context import Component, Context


@dataclass(frozen=True, slots=True)
class Registry:
    """Whence the image comes. `arn` is the ECR repository that pulling needs permission for, if it is in ECR.

    `after` holds the service back until the image is there (only our own repository can be asked).
    """

    repository: str | Ref
    arn: str | None
    after: tuple[Ref, ...] = ()


def registry(site: Context) -> Registry:
    """Declare the stack's own repository, unless the spec names another."""
    if site.app.image.repository:
        return Registry(site.app.image.repository, _ecr_arn(site, site.app.image.repository))
    repository = site.graph.add(
        Repository(
            **site.named(Component.REGISTRY),
            scan_on_push=site.app.registry.scan_on_push,
            keep_images=site.app.registry.keep_images,
        )
    )
    tag = site.app.image.tag
    image = site.graph.add(
        Image(
            **site.named(Component.SERVICE, full=image_reference(site.stack.name, tag)),
            repository=repository.ref(),
            tag=tag,
            uri=f"{registry_host(site)}/{site.stack.name}",
            region=site.stack.region,
        )
    )
    return Registry(
        repository.ref("uri"), site.stack.arn("ecr", f"repository/{site.stack.name}"), (image.ref(ready=True),)
    )


def image_reference(repository: str, tag: str) -> str:
    """Join a repository and a tag (or a `sha256:` digest) as container engines write it."""
    return f"{repository}{'@' if tag.startswith('sha256:') else ':'}{tag}"


def registry_host(site: Context) -> str:
    """Give the account's ECR host name."""
    suffix = "amazonaws.com.cn" if site.stack.partition == "aws-cn" else "amazonaws.com"
    return f"{site.stack.account}.dkr.ecr.{site.stack.region}.{suffix}"


def _ecr_arn(site: Context, repository: str) -> str | None:
    host, _, path = repository.partition("/")
    parts = host.split(".")
    if len(parts) < 6 or parts[1:3] != ["dkr", "ecr"]:
        return None
    return f"arn:{site.stack.partition}:ecr:{parts[3]}:{parts[0]}:repository/{path}"
