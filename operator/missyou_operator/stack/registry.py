"""The container registry and the image that the tasks run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

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

    `after` holds the service back until the image is there: only our own repository can be asked, also for the `digest`
    of what is under the tag.
    """

    repository: str | Ref
    arns: tuple[str, ...]
    after: tuple[Ref, ...] = ()
    digest: str | Ref = ""


def registry(ctx: Context) -> Registry:
    """Declare the stack's own repository, unless the spec names another."""
    known = ctx.lookups.image
    pushed = image(ctx.app, ctx.stack, serves=known.serves, pinned=known.digest if known.pinned else "")
    if pushed is None:
        given = ctx.app.image.repository or ""
        return Registry(given, _ecr_arns(ctx, given))
    repository = ctx.graph.add(
        Repository(
            **ctx.named(Component.REGISTRY)(naming.REPOSITORY),
            scan_on_push=ctx.app.registry.scan_on_push,
            keep_images=ctx.app.registry.keep_images,
            immutable_tags=ctx.app.registry.immutable_tags,
            keep_tags=_tags_in_use(ctx),
        )
    )
    ctx.graph.add(pushed)
    own = f"{registry_host(ctx.stack)}/{repository.name}"
    digest = "" if _is_digest(pushed.tag) else known.digest or pushed.ref("digest")
    return Registry(repository.ref("uri"), _ecr_arns(ctx, own), (pushed.ref(ready=True),), digest)


def _tags_in_use(ctx: Context) -> tuple[str, ...]:
    """Return the tags of the images that tasks run or are to run, the spec's first. A digest has those of its image."""
    tag, lookup = ctx.app.image.tag, ctx.lookups.image
    own = lookup.tags[:1] if _is_digest(tag) else (tag,)
    return tuple(dict.fromkeys((*own, *lookup.running)))


def image_lookup(app: AppSpec, stack: StackIdentity, world: ObservedState) -> ImageLookup:
    """Return what is known of the image in use, for an app whose images are in the stack's own repository."""
    wanted = image(app, stack)
    if wanted is None:
        return ImageLookup()
    service = found(stack, world, Service.TYPE, naming.SERVICE)
    definition = found(stack, world, TaskDefinition.TYPE, naming.TASK_DEFINITION)
    pushed = next((each for each in world.get(wanted.address, ()) if not each.unread), None)
    running = service.attrs if service else {}
    serves = (
        definition is not None
        and running.get("rollout_state") == "COMPLETED"
        and running.get("running", 0) > 0
        and running.get("task_definition") == definition.id
        # The same tag in a repository of another's is another image.
        and definition.attrs.get("image_repository") == wanted.uri
        and definition.attrs.get("image_tag") == app.image.tag
    )
    kept = _registered_digest(app, wanted, [*([definition.attrs] if definition else []), *running.get("versions", ())])
    pushed_digest = pushed.attrs["digest"] if pushed and not _is_digest(wanted.tag) else ""
    pinned = app.image.update == "Never" and bool(kept)
    return ImageLookup(
        serves=serves,
        digest=kept if pinned else pushed_digest or kept,
        pinned=pinned,
        tags=pushed.attrs["tags"] if pushed else (),
        running=tuple(
            sorted(
                version["image_tag"]
                for version in running.get("versions", ())
                if version.get("image_repository") == wanted.uri and ":" not in version.get("image_tag", ":")
            )
        ),
    )


def _registered_digest(app: AppSpec, wanted: Image, revisions: Iterable[Mapping[str, Any]]) -> str:
    """Return the digest that the first of some revisions has for the spec's tag, "" where none names it.

    It stays while the tag is missing in the repository: what runs needs no other revision because of that.
    """
    digests = (
        str(each.get("image_digest") or "")
        for each in revisions
        if each.get("image_repository") == wanted.uri and each.get("image_tag") == app.image.tag
    )
    return next(filter(None, digests), "")


def image(app: AppSpec, stack: StackIdentity, *, serves: bool = False, pinned: str = "") -> Image | None:
    """Declare the image to run, which a person or a pipeline pushes; None where it is in a repository of another's.

    `serves`: tasks run it already. `pinned`: the digest that they keep, whatever is pushed under the tag.
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
        pinned=pinned,
    )


def _is_digest(tag: str) -> bool:
    return tag.startswith("sha256:")


def image_reference(repository: str, tag: str) -> str:
    """Join a repository and a tag (or a `sha256:` digest) as container engines write it."""
    return f"{repository}{'@' if _is_digest(tag) else ':'}{tag}"


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
