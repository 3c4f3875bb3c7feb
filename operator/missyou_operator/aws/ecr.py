"""The container registry and its images. Behaviour: ECR API reference, CreateRepository and PutLifecyclePolicy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Client, Cloud, Reader
from missyou_operator.aws.errors import gone, if_present
from missyou_operator.aws.idempotency import creating
from missyou_operator.aws.identity import tag_list, tag_map
from missyou_operator.aws.listing import Listing, Named
from missyou_operator.aws.permissions import Grant, change, make, observe
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.external import External
from missyou_operator.engine.resource import Health, Observed, Resource, pending
from missyou_operator.engine.values import Ref

_NAME = ("ecr:repository/{ecr.Repository}",)


@dataclass(frozen=True, kw_only=True)
class Repository(Named):
    """A repository, encrypted with AES256, that keeps the newest `keep_images` images."""

    TYPE: ClassVar[str] = "ecr.Repository"
    LISTING = Listing("ecr", "describe_repositories", "repositories", "repositoryName")
    COMPARED = compare("scan_on_push", "keep_images")
    # Nothing protects an image that a task still runs.
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ecs.Service",)
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ecr:DescribeRepositories"),
        observe("ecr:ListTagsForResource", "ecr:GetLifecyclePolicy", "ecr:ListImages", on=_NAME),
        make("ecr:CreateRepository", "ecr:TagResource", on=_NAME),
        change("ecr:PutImageScanningConfiguration", "ecr:PutLifecyclePolicy", "ecr:DeleteRepository", on=_NAME),
    )

    scan_on_push: bool
    keep_images: int

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        ecr, name = reader.client("ecr"), row["repositoryName"]
        tags = tag_map(ecr.list_tags_for_resource(resourceArn=row["repositoryArn"]).get("tags"))
        attrs = {
            "id": name,
            "arn": row["repositoryArn"],
            "uri": row["repositoryUri"],
            "created": f"{row.get('createdAt', '')}",
            "scan_on_push": bool(row.get("imageScanningConfiguration", {}).get("scanOnPush")),
        }
        if reader.stack.owns(tags):
            attrs["keep_images"] = kept_images(_policy(ecr, name))
            # Counted only if it is to be deleted, for the plan to show what would be lost.
            if name not in reader.desired_names(cls.TYPE):
                attrs["images"] = _count(ecr, name)
        return reader.observed(cls, name, name, attrs, tags)

    def create(self, cloud: Cloud) -> Observed:
        """Create it and its lifecycle policy."""
        ecr = cloud.client("ecr")
        with creating(self.address):
            row = ecr.create_repository(
                repositoryName=self.name,
                tags=tag_list(self.tags),
                imageScanningConfiguration={"scanOnPush": self.scan_on_push},
                encryptionConfiguration={"encryptionType": "AES256"},
            )["repository"]
        self._put_policy(ecr)
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
        if "keep_images" in changed:
            self._put_policy(ecr)
        if "tags" in changed:
            ecr.tag_resource(resourceArn=observed.attrs["arn"], tags=tag_list(self.tags))
        return self.as_desired(observed)

    def _put_policy(self, ecr: Client) -> None:
        ecr.put_lifecycle_policy(repositoryName=self.name, lifecyclePolicyText=json.dumps(keep_last(self.keep_images)))

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it with its images: the caller has made sure that they may be lost."""
        return gone(lambda: cloud.client("ecr").delete_repository(repositoryName=observed.id, force=True))

    @classmethod
    def incarnation(cls, observed: Observed) -> str:
        """Return when it was created."""
        return str(observed.attrs["created"])

    @classmethod
    def holds_data(cls, observed: Observed) -> str:
        """Return how many images would be lost; if they were not counted, that there may be some."""
        images = observed.attrs.get("images", "any images")
        return f"{images} in the repository {observed.id}" if images else ""


def keep_last(images: int) -> dict[str, Any]:
    """Return the lifecycle policy that keeps the newest images, tagged or not."""
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": images}
    rule = {
        "rulePriority": 1,
        "description": f"keep the newest {images} images",
        "selection": selection,
        "action": {"type": "expire"},
    }
    return {"rules": [rule]}


def kept_images(policy: Mapping[str, Any] | None) -> int | str | None:
    """Return how many images a policy keeps: a number, "other rules" for another kind of policy, None without any."""
    if policy is None:
        return None
    try:
        count = int(policy["rules"][0]["selection"]["countNumber"])
    except (KeyError, IndexError, ValueError):
        return "other rules"
    return count if _essence(policy) == _essence(keep_last(count)) else "other rules"


def _essence(policy: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return what a policy does, without descriptions, priorities and the order of keys."""
    return [(rule.get("selection"), rule.get("action")) for rule in policy["rules"]]


def _policy(ecr: Client, name: str) -> dict[str, Any] | None:
    answer = if_present(lambda: ecr.get_lifecycle_policy(repositoryName=name))
    policy: dict[str, Any] | None = json.loads(answer["lifecyclePolicyText"]) if answer else None
    return policy


def _count(ecr: Client, name: str) -> str:
    """Count the images in one page of at most 1000 names; an image may have several."""
    answer = ecr.list_images(repositoryName=name, maxResults=1000)
    number = len({image.get("imageDigest") for image in answer["imageIds"]})
    more = "at least " if answer.get("nextToken") else ""
    return f"{more}{number} image{'' if number == 1 else 's'}" if number else ""


@dataclass(frozen=True, kw_only=True)
class Image(External):
    """The image that the tasks are to run: pushed by a person or a pipeline, never by the operator.

    `uri` is the repository as Docker names it, `tag` a tag or a `sha256:` digest.
    """

    TYPE: ClassVar[str] = "ecr.Image"
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ecr.Repository",)
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (observe("ecr:DescribeImages", on=_NAME),)

    repository: str | Ref
    tag: str
    uri: str
    region: str

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the desired images, if the repository exists; others do not matter."""
        found = []
        for repository in reader.found("ecr.Repository"):
            for name in reader.desired_names(cls.TYPE):
                digest = _digest(reader.client("ecr"), repository.id, name)
                if digest:
                    attrs = {"id": digest, "digest": digest}
                    found.append(reader.observed(cls, name, digest, attrs, repository.tags))
        return found

    def missing(self) -> Health:
        """Return how to push it; the service starts by itself after that."""
        if self.tag.startswith("sha256:"):
            return pending(
                Reason.IMAGE_NOT_FOUND,
                f"{self.uri} has no image {self.tag}: push it there, or set spec.image.tag to an existing tag",
                60.0,
            )
        image, host = f"{self.uri}:{self.tag}", self.uri.partition("/")[0]
        return pending(
            Reason.IMAGE_NOT_FOUND,
            f"{image} does not exist yet; push it: "
            f"aws ecr get-login-password --region {self.region} | docker login --username AWS --password-stdin {host}; "
            f"docker build --platform linux/amd64 -f Dockerfile.app -t {image} .; "
            f"docker push {image}",
            60.0,
        )


def _digest(ecr: Client, repository: str, name: str) -> str:
    """Return the digest of `<repository>:<tag>` or `<repository>@<digest>`, "" if there is no such image."""
    separator = name.removeprefix(repository)[:1]
    identifier = name.removeprefix(repository + separator)
    key = "imageDigest" if separator == "@" else "imageTag"
    answer = if_present(lambda: ecr.describe_images(repositoryName=repository, imageIds=[{key: identifier}]))
    rows = (answer or {}).get("imageDetails")
    return str(rows[0]["imageDigest"]) if rows else ""


KINDS: tuple[type[Resource], ...] = (Repository, Image)
