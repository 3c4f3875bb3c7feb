"""ECR: images that expire, and refusals of immutable tags and of lifecycle rules."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from missyou_local.aws.call import Call, Regional, Result, advances, checks, handles
from missyou_local.aws.errors import AwsError

#: "Once a lifecycle policy is applied, images become expired within 24 hours": ECR user guide.
_DAY = 86_400.0

_due: Regional[dict[str, float]] = Regional(dict)
"""Repository -> when its lifecycle policy is evaluated next, in seconds since the epoch."""


@advances("ecr")
def advance(call: Call) -> None:
    """Evaluate the lifecycle policies once a day."""
    due = _due.of(call)
    for name, repository in call.moto("ecr").repositories.items():
        if call.now < due.setdefault(name, call.now + _DAY):
            continue
        due[name] = call.now + _DAY
        if repository.lifecycle_policy:
            _expire(repository, json.loads(repository.lifecycle_policy)["rules"])


def _expire(repository: Any, rules: list[Mapping[str, Any]]) -> None:
    """Expire images by number, rule by rule. Rules by age are not in use here.

    An image that matches the tags of one rule is not expired by a later one, though that counts it. Source: ECR user
    guide, "Lifecycle policy evaluation rules".
    """
    claimed: list[Any] = []
    doomed: list[Any] = []
    for rule in sorted(rules, key=lambda each: each["rulePriority"]):
        selection = rule["selection"]
        # moto keeps them in the order in which they were pushed.
        matched = [image for image in reversed(repository.images) if _selects(selection, image.image_tags)]
        if selection["countType"] == "imageCountMoreThan":
            doomed += [image for image in matched[selection["countNumber"] :] if image not in claimed]
        claimed += matched
    repository.images = [image for image in repository.images if image not in doomed]


def _selects(selection: Mapping[str, Any], tags: list[str]) -> bool:
    """Return whether a rule is about an image with these tags: all patterns must match one."""
    if selection["tagStatus"] != "tagged":
        return selection["tagStatus"] == "any" or not tags
    patterns = selection.get("tagPatternList") or [f"{prefix}*" for prefix in selection["tagPrefixList"]]
    return all(any(fnmatchcase(tag, pattern) for tag in tags) for pattern in patterns)


@handles("ecr:PutImage")
def put_image(call: Call) -> Result:
    """Register an image under the digest of its manifest; a tag that another image has moves to it.

    The other image stays, without the tag. moto removes it, and makes the digest of the layers alone. Source: ECR user
    guide, "Deleting an image" and "Image tag mutability"; OCI distribution specification, "Digest".
    """
    params, digest = call.params, hashlib.sha256(call.params["imageManifest"].encode()).hexdigest()
    tag, repository = params.get("imageTag"), call.moto("ecr").repositories.get(params["repositoryName"])
    for image in repository.images if repository and tag else ():
        if tag in image.image_tags and image.image_manifest != params["imageManifest"]:
            image.remove_tag(tag)
            image.image_tag = image.image_tags[-1] if image.image_tags else None
    return call.forward({"imageDigest": f"sha256:{digest}", **params})


@checks("ecr:PutImage")
def tag_is_free(call: Call) -> None:
    """Refuse another image under a taken tag, where tags are immutable, with AWS's code (moto has another)."""
    repository = call.moto("ecr").repositories.get(call.params["repositoryName"])
    tag = call.params.get("imageTag")
    if repository is not None and tag and repository.image_tag_mutability == "IMMUTABLE":
        for image in repository.images:
            if tag in image.image_tags and image.image_manifest != call.params["imageManifest"]:
                raise AwsError(
                    "ImageTagAlreadyExistsException",
                    f"The image tag '{tag}' already exists in the '{repository.name}' repository and cannot be "
                    "overwritten because the repository is immutable.",
                )


@checks("ecr:PutLifecyclePolicy")
def lifecycle_rules_are_ordered(call: Call) -> None:
    """Refuse two rules of one priority, and a rule for any image that is not the last (moto checks the rest)."""
    try:
        rules = json.loads(call.params["lifecyclePolicyText"])["rules"]
        priorities = [rule["rulePriority"] for rule in rules]
        any_image = [rule["rulePriority"] for rule in rules if rule["selection"]["tagStatus"] == "any"]
    except (ValueError, KeyError, TypeError):
        return
    if len(set(priorities)) < len(priorities):
        raise _bad_lifecycle("rulePriority must be unique among the rules")
    if any_image and any_image != [max(priorities)]:
        raise _bad_lifecycle("a rule with tagStatus=any must be the only one, and have the highest rulePriority")


def _bad_lifecycle(message: str) -> AwsError:
    return AwsError("InvalidParameterException", f"Invalid parameter at 'LifecyclePolicyText': {message}")
