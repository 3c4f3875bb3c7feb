"""The container registry and the image that the tasks run."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.api import AppSpec
from missyou_operator.api.components import Component
from missyou_operator.aws.ecr import Image, Repository
from missyou_operator.aws.ecs.service import Service
from missyou_operator.aws.ecs.taskdefinition import TaskDefinition
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.values import Ref
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context, ImageLookup
from missyou_operator.stack.observed import found


@dataclass(frozen=True, slots=True)
class Registry:
    """Where the image comes from. `arns`: the repositories in ECR that pulling needs permission for.

    `after` holds the service back until the image is there: only our own repository can be asked.
    """

    repository: str | Ref
    arns: tuple[str, ...]
    after: tuple[Ref, ...] = ()


def registry(ctx: Context) -> Registry:
    """Declare the stack's own repository, unless the spec names another."""
    pushed = image(ctx.app, ctx.stack, serves=ctx.lookups.image.serves)
    if pushed is None:
        given = ctx.app.image.repository or ""
        return Registry(given, _ecr_arns(ctx, given))
    repository = ctx.graph.add(
        Repository(
            **ctx.named(Component.REGISTRY)(naming.REPOSITORY),
            scan_on_push=ctx.app.registry.scan_on_push,
            keep_images=ctx.app.registry.keep_images,
            keep_tags=_tags_in_use(ctx),
        )
    )
    ctx.graph.add(pushed)
    own = f"{registry_host(ctx.stack)}/{repository.name}"
    return Registry(repository.ref("uri"), _ecr_arns(ctx, own), (pushed.ref(ready=True),))


def _tags_in_use(ctx: Context) -> tuple[str, ...]:
    """Return the tags of the images that tasks run or are to run, the spec's first. A digest has those of its image."""
    tag, lookup = ctx.app.image.tag, ctx.lookups.image
    own = lookup.tags[:1] if tag.startswith("sha256:") else (tag,)
    return tuple(dict.fromkeys((*own, *lookup.running)))


def image_lookup(app: AppSpec, stack: StackIdentity, world: ObservedState) -> ImageLookup:
    """Return what is known of the image in use, for an app whose images are in the stack's own repository."""
    wanted = image(app, stack)
    if wanted is None:
        return ImageLookup()
    service = found(stack, world, Service.TYPE, naming.SERVICE)
    definition = found(stack, world, TaskDefinition.TYPE, naming.TASK_DEFINITION)
    pushed = next(iter(world.get(wanted.address, ())), None)
    running = service.attrs if service else {}
    serves = (
        definition is not None
        and running.get("rollout_state") == "COMPLETED"
        and running.get("running", 0) > 0
        and running.get("task_definition") == definition.id
        and definition.attrs.get("image_tag") == app.image.tag
    )
    return ImageLookup(
        serves=serves,
        tags=pushed.attrs["tags"] if pushed else (),
        running=tuple(
            sorted(
                version["image_tag"]
                for version in running.get("versions", ())
                if version.get("image_repository") == wanted.uri and ":" not in version.get("image_tag", ":")
            )
        ),
    )


def image(app: AppSpec, stack: StackIdentity, *, serves: bool = False) -> Image | None:
    """Declare the image to run, which a person or a pipeline pushes; None where it is in a repository of another's.

    `serves`: tasks run it already.
    """
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
        serves=serves,
    )


def image_reference(repository: str, tag: str) -> str:
    """Join a repository and a tag (or a `sha256:` digest) as container engines write it."""
    return f"{repository}{'@' if tag.startswith('sha256:') else ':'}{tag}"


def registry_host(stack: StackIdentity) -> str:
    """Return the host name of the account's ECR."""
    suffix = "amazonaws.com.cn" if stack.partition == "aws-cn" else "amazonaws.com"
    return f"{stack.account}.dkr.ecr.{stack.region}.{suffix}"


def _ecr_arns(ctx: Context, repository: str) -> tuple[str, ...]:
    """Return the ARNs of the repositories in ECR among the spec's own and those of the running version."""
    arns = (ecr_arn(ctx.stack, each) for each in (repository, *ctx.lookups.running.repositories))
    return tuple(dict.fromkeys(arn for arn in arns if arn))


def ecr_arn(stack: StackIdentity, repository: str) -> str | None:
    """Return the ARN of a repository (host and path); None where it is in another registry than ECR."""
    host, _, path = repository.partition("/")
    parts = host.split(".")
    if len(parts) < 6 or parts[1:3] != ["dkr", "ecr"]:
        return None
    return f"arn:{stack.partition}:ecr:{parts[3]}:{parts[0]}:repository/{path}"
