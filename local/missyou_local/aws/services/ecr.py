"""ECR: refusals of immutable tags and of lifecycle rules."""

from __future__ import annotations

import json

from missyou_local.aws.call import Call, checks
from missyou_local.aws.errors import AwsError


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
