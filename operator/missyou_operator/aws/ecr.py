"""The container registry and its images. Behaviour: ECR API reference, CreateRepository and PutLifecyclePolicy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Client, Cloud
from missyou_operator.aws.errors import gone
from missyou_operator.aws.idempotency import creating
from missyou_operator.aws.identity import tag_list, tag_map
from missyou_operator.aws.informer import SLOW, TAGS, Rhythm, Source
from missyou_operator.aws.listing import Named
from missyou_operator.aws.permissions import Grant, change, make, observe
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.tags import retag
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.external import External
from missyou_operator.engine.resource import READY, Health, Observed, Remains, Resource, World, pending
from missyou_operator.engine.values import Ref

_NAME = ("ecr:repository/{ecr.Repository}",)
#: ECR's words for tags that may be pushed again (its default), and for those that may not. A third,
#: IMMUTABLE_WITH_EXCLUSION, is neither. Source: ECR API reference, Repository, imageTagMutability.
_MUTABILITY = {False: "MUTABLE", True: "IMMUTABLE"}
#: Tags in use at present and before that are kept for ever: the version that runs, and those to go back to.
_KEPT_TAGS = 4


def _among(desired: Any, observed: Any) -> bool:
    """Return whether all desired tags are kept; more do no harm."""
    return set(desired) <= set(observed or ())


@dataclass(frozen=True, kw_only=True)
class Repository(Named):
    """A repository, encrypted with AES256, that keeps the newest `keep_images` images.

    Images under `keep_tags` stay besides, however old. The policy is also the memory of the tags that were in use.
    """

    TYPE: ClassVar[str] = "ecr.Repository"
    LISTING = Source("ecr", "describe_repositories", "repositories", "repositoryName")
    COMPARED = compare("scan_on_push", "keep_images", "immutable_tags", keep_tags=_among)
    # Nothing protects an image that a task still runs.
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ecs.Service",)
    EVIDENCE: ClassVar[tuple[str, ...]] = ("ecs.Service", "ecs.TaskDefinition")
    EFFECTS = Effects(
        Effect("CreateRepository, PutLifecyclePolicy"),
        Effect("DeleteRepository", feels="its images are gone: what names them starts no more tasks"),
        fields={
            "scan_on_push": Effect("PutImageScanningConfiguration"),
            "keep_images": Effect("PutLifecyclePolicy"),
            "keep_tags": Effect("PutLifecyclePolicy"),
            "immutable_tags": Effect("PutImageTagMutability"),
        },
    )
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ecr:DescribeRepositories"),
        observe("ecr:ListTagsForResource", "ecr:GetLifecyclePolicy", "ecr:ListImages", on=_NAME),
        make("ecr:CreateRepository", "ecr:TagResource", on=_NAME),
        change("ecr:PutImageScanningConfiguration", "ecr:PutLifecyclePolicy", "ecr:DeleteRepository", on=_NAME),
        change("ecr:PutImageTagMutability", "ecr:UntagResource", on=_NAME),
    )

    scan_on_push: bool
    keep_images: int
    immutable_tags: bool = False
    keep_tags: tuple[str, ...] = ()

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        name, arn = row["repositoryName"], row["repositoryArn"]
        tags = tag_map(reader.detail(TAGS, "ecr", "list_tags_for_resource", resourceArn=arn).get("tags"))
        attrs = {
            "id": name,
            "arn": row["repositoryArn"],
            "uri": row["repositoryUri"],
            "created": f"{row.get('createdAt', '')}",
            "scan_on_push": bool(row.get("imageScanningConfiguration", {}).get("scanOnPush")),
            "immutable_tags": _immutable(row.get("imageTagMutability", _MUTABILITY[False])),
        }
        if reader.owns(cls, name, tags):
            attrs["keep_images"], attrs["keep_tags"] = kept(_policy(reader, name))
            # Counted only if it is to be deleted, for the plan to show what would be lost.
            if name not in reader.desired_names(cls.TYPE):
                attrs["images"] = _count(reader.client("ecr"), name)
        return reader.observed(cls, name, name, attrs, tags)

    def create(self, cloud: Cloud) -> Observed:
        """Create it and its lifecycle policy."""
        ecr = cloud.client("ecr")
        with creating(self.address):
            row = ecr.create_repository(
                repositoryName=self.name,
                tags=tag_list(self.tags),
                imageScanningConfiguration={"scanOnPush": self.scan_on_push},
                imageTagMutability=_MUTABILITY[self.immutable_tags],
                encryptionConfiguration={"encryptionType": "AES256"},
            )["repository"]
        self._put_policy(ecr, self.keep_tags)
        return self.as_created(
            self.name, arn=row["repositoryArn"], uri=row["repositoryUri"], created=f"{row.get('createdAt', '')}"
        )

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Set what differs, each with its own call."""
        ecr = cloud.client("ecr")
        if "scan_on_push" in changed:
            ecr.put_image_scanning_configuration(
                repositoryName=self.name, imageScanningConfiguration={"scanOnPush": self.scan_on_push}
            )
        if "immutable_tags" in changed:
            mutability = _MUTABILITY[self.immutable_tags]
            ecr.put_image_tag_mutability(repositoryName=self.name, imageTagMutability=mutability)
        if changed & {"keep_images", "keep_tags"}:
            former = observed.attrs.get("keep_tags", ())
            self._put_policy(
                ecr, tuple(dict.fromkeys((*self.keep_tags, *former)))[: max(_KEPT_TAGS, len(self.keep_tags))]
            )
        if "tags" in changed:
            arn = observed.attrs["arn"]
            retag(
                self,
                observed,
                lambda keys: ecr.untag_resource(resourceArn=arn, tagKeys=keys),
                lambda: ecr.tag_resource(resourceArn=arn, tags=tag_list(self.tags)),
            )
        return self.as_desired(observed)

    def _put_policy(self, ecr: Client, tags: Sequence[str]) -> None:
        policy = json.dumps(keep_last(self.keep_images, tags))
        ecr.put_lifecycle_policy(repositoryName=self.name, lifecyclePolicyText=policy)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it with its images: the caller has made sure that they may be lost."""
        return gone(lambda: cloud.client("ecr").delete_repository(repositoryName=observed.id, force=True))

    def evidence(self, observed: Observed, world: World) -> str:
        """Return its incarnation, if it holds the image that the tasks are to run."""
        return self.incarnation(observed) if _of(world, Image.TYPE) else ""

    def lost(self, world: World, recorded: str) -> str:
        """Return the incarnation of a repository with images that was deleted by others: a service still runs them."""
        images = (definition.attrs.get("image_repository") or "" for definition in _of(world, "ecs.TaskDefinition"))
        ours = any(str(image).partition("/")[2] == self.name for image in images)
        return recorded or ("images in use" if ours and _of(world, "ecs.Service") else "")

    def remains(self, cloud: Cloud, incarnation: str) -> Remains:  # noqa: ARG002
        """Return what keeps running without it."""
        return Remains(
            "Tasks that run go on, and no other can start until their image is pushed again",
            anew="create it without images",
        )

    @classmethod
    def incarnation(cls, observed: Observed) -> str:
        """Return when it was created."""
        return str(observed.attrs["created"])

    @classmethod
    def holds_data(cls, observed: Observed) -> str:
        """Return how many images would be lost; if they were not counted, that there may be some."""
        images = observed.attrs.get("images", "any images")
        return f"{images} in the repository {observed.id}" if images else ""


def _immutable(mutability: str) -> bool | str:
    """Return whether tags are immutable; ECR's own word for anything else."""
    return next((immutable for immutable, word in _MUTABILITY.items() if word == mutability), mutability)


def _of(world: World, type_: str) -> list[Observed]:
    """Return what was found of a type."""
    return [observed for rows in world.values() for observed in rows if type_ == observed.kind.TYPE]


def keep_last(images: int, tags: Sequence[str] = ()) -> dict[str, Any]:
    """Return the lifecycle policy that keeps the newest images, tagged or not, and those under some tags for ever.

    An image that matches the tags of a rule cannot be expired by a rule of lower priority, and the rule itself expires
    nothing: no two images have one tag. Source: ECR user guide, "Lifecycle policy evaluation rules".
    """
    rules = [
        _rule(f"keep {tag}, which is or was in use", tagStatus="tagged", tagPatternList=[tag], countNumber=1)
        for tag in tags
    ]
    rules.append(_rule(f"keep the newest {images} images", tagStatus="any", countNumber=images))
    return {"rules": [{"rulePriority": number, **rule} for number, rule in enumerate(rules, 1)]}


def _rule(description: str, **selection: Any) -> dict[str, Any]:
    selection = {"countType": "imageCountMoreThan", **selection}
    return {"description": description, "selection": selection, "action": {"type": "expire"}}


def kept(policy: Mapping[str, Any] | None) -> tuple[int | str | None, tuple[str, ...]]:
    """Return how many images a policy keeps, and under which tags for ever.

    The number is "other rules" for another kind of policy, and None without any.
    """
    if policy is None:
        return None, ()
    try:
        *pinned, last = [rule["selection"] for rule in policy["rules"]]
        tags, count = tuple(rule["tagPatternList"][0] for rule in pinned), int(last["countNumber"])
    except (KeyError, IndexError, ValueError):
        return "other rules", ()
    return (count, tags) if _essence(policy) == _essence(keep_last(count, tags)) else ("other rules", ())


def _essence(policy: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return what a policy does, without descriptions, priorities and the order of keys."""
    return [(rule.get("selection"), rule.get("action")) for rule in policy["rules"]]


def _policy(reader: Reader, name: str) -> dict[str, Any] | None:
    answer = reader.if_present(SLOW, "ecr", "get_lifecycle_policy", repositoryName=name)
    policy: dict[str, Any] | None = json.loads(answer["lifecyclePolicyText"]) if answer else None
    return policy


def _count(ecr: Client, name: str) -> str:
    """Count the images in one page of at most 1000 names; an image may have several."""
    answer = ecr.list_images(repositoryName=name, maxResults=1000)
    number = len({image.get("imageDigest") for image in answer["imageIds"]})
    more = "at least " if answer.get("nextToken") else ""
    return f"{more}{number} image{'' if number == 1 else 's'}" if number else ""


#: A pushed image is looked for in each pass while a stack waits for it; whether a tag has moved, less often.
_PUSHED = Rhythm(per_stack=3.0, most=300.0, closely=True)


@dataclass(frozen=True, kw_only=True)
class Image(External):
    """The image that the tasks are to run: pushed by a person or a pipeline, never by the operator.

    `uri` is the repository as Docker names it, `tag` a tag or a `sha256:` digest. `serves`: tasks run it, so that only
    those to come need it. `pinned`: the digest that they keep although the tag may have moved, "" for none.
    """

    TYPE: ClassVar[str] = "ecr.Image"
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ecr.Repository",)
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (observe("ecr:DescribeImages", on=_NAME),)

    repository: str | Ref
    tag: str
    uri: str
    region: str
    serves: bool = False
    pinned: str = ""

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the desired images, if the repository exists; others do not matter."""
        found = []
        for repository in reader.found("ecr.Repository"):
            for name in reader.desired_names(cls.TYPE):
                if (row := _image(reader, repository.id, name)) is not None:
                    digest, tags = str(row["imageDigest"]), tuple(sorted(row.get("imageTags") or ()))
                    attrs = {"id": digest, "digest": digest, "tags": tags}
                    found.append(reader.observed(cls, name, digest, attrs, repository.tags))
        return found

    def health(self, observed: Observed) -> Health:
        """Return ready; with a note where nothing keeps the image from expiring."""
        digest = observed.attrs["digest"]
        if self.pinned not in {"", digest}:
            return Health(
                "ready",
                Reason.IMAGE_MOVED,
                f"the tag {self.tag} is on {_short(digest)} now, and spec.image.update is Never: the tasks keep "
                f"{_short(self.pinned)}, which expires once registry.keepImages newer images are pushed, unless it has "
                f"another tag. To keep it, tag it: {self._tagging(self.pinned)}. To run the new one, give it another "
                "tag, or make spec.image.update OnPush",
            )
        if observed.attrs["tags"]:
            return READY
        return Health(
            "ready",
            Reason.IMAGE_NOT_KEPT,
            f"{self.uri}@{self.tag} has no tag, so it expires once registry.keepImages newer ones are pushed. To keep "
            f"it, tag it: {self._tagging(self.tag)}",
        )

    def _tagging(self, digest: str) -> str:
        """Return the command that gives an image the tag "keep"."""
        where = f"--region {self.region} --repository-name {self._name}"
        return (
            f"aws ecr put-image {where} --image-tag keep --image-manifest "
            f'"$(aws ecr batch-get-image {where} --image-ids imageDigest={digest} --query images[0].imageManifest '
            '--output text)"'
        )

    def missing(self) -> Health:
        """Return how to push it; the service starts by itself after that, and one that serves goes on."""
        if self.serves:
            gone = "was deleted or has expired: the tasks that run go on, but none can start in their place"
            return Health("ready", Reason.IMAGE_NOT_FOUND, f"{self._reference} {gone}. {self._remedy}", 60.0)
        return pending(Reason.IMAGE_NOT_FOUND, f"{self._reference} does not exist yet. {self._remedy}", 60.0)

    @property
    def _name(self) -> str:
        return self.uri.partition("/")[2]

    @property
    def _reference(self) -> str:
        return f"{self.uri}{'@' if self._by_digest else ':'}{self.tag}"

    @property
    def _by_digest(self) -> bool:
        return self.tag.startswith("sha256:")

    @property
    def _remedy(self) -> str:
        if self._by_digest:
            return "Push that image, or set spec.image.tag to one that is there"
        host = self.uri.partition("/")[0]
        return (
            f"Push it with credentials of the account {host.partition('.')[0]}: "
            f"aws ecr get-login-password --region {self.region} | docker login --username AWS --password-stdin {host}; "
            f"docker build --platform linux/amd64 -f Dockerfile.app -t {self._reference} .; "
            f"docker push {self._reference}"
        )


def _short(digest: str) -> str:
    """Return a digest as container engines abbreviate it."""
    return digest[:19]


def _image(reader: Reader, repository: str, name: str) -> Mapping[str, Any] | None:
    """Describe the image `<repository>:<tag>` or `<repository>@<digest>`; None if there is none."""
    separator = name.removeprefix(repository)[:1]
    identifier = name.removeprefix(repository + separator)
    key = "imageDigest" if separator == "@" else "imageTag"
    wanted = [{key: identifier}]
    answer = reader.if_present(_PUSHED, "ecr", "describe_images", repositoryName=repository, imageIds=wanted)
    rows: Sequence[Mapping[str, Any]] = (answer or {}).get("imageDetails") or ()
    return rows[0] if rows else None


KINDS: tuple[type[Resource], ...] = (Repository, Image)
