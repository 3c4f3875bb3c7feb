"""What ECR refuses, and the nearest that it accepts."""

from __future__ import annotations

import json
from typing import Any

from tests.local.aws import building
from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import Act, Place, Rule, each, hold, steps


def _repository(s: Place, **changes: Any) -> None:
    s.aws.ecr.create_repository(repositoryName=s.name, **changes)


def _push(s: Place, tag: str = "v1", digest: str = "0") -> None:
    manifest = building.MANIFEST.replace("sha256:0", f"sha256:{digest}")
    s.aws.ecr.put_image(repositoryName=s.name, imageTag=tag, imageManifest=manifest)


def _lifecycle(rules: list[dict[str, Any]]) -> Act:
    text = json.dumps({"rules": rules}, indent=2).ljust(100)
    return lambda s: s.aws.ecr.put_lifecycle_policy(repositoryName=s.name, lifecyclePolicyText=text)


def _expiry(priority: int, status: str = "untagged") -> dict[str, Any]:
    selection = {"tagStatus": status, "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}
    return {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}


RULES = [
    Rule(
        "ecr:CreateRepository",
        "the name is taken",
        "RepositoryAlreadyExistsException",
        "API CreateRepository",
        _repository,
        lambda s: s.aws.ecr.create_repository(repositoryName=s.name + "-2"),
        _repository,
    ),
    Rule(
        "ecr:CreateRepository",
        "a capital letter in the name",
        "InvalidParameterException",
        "API CreateRepository",
        lambda s: s.aws.ecr.create_repository(repositoryName=s.name + "/App"),
        lambda s: s.aws.ecr.create_repository(repositoryName=s.name + "/app"),
    ),
    Rule(
        "ecr:DeleteRepository",
        "an image is in it",
        "RepositoryNotEmptyException",
        "API DeleteRepository",
        lambda s: s.aws.ecr.delete_repository(repositoryName=s.name),
        lambda s: s.aws.ecr.delete_repository(repositoryName=s.name, force=True),
        steps(_repository, _push),
    ),
    Rule(
        "ecr:PutImage",
        "another image has the tag, and tags are immutable",
        "ImageTagAlreadyExistsException",
        "API PutImage",
        lambda s: _push(s, digest="1"),
        lambda s: _push(s, tag="v2", digest="1"),
        steps(lambda s: _repository(s, imageTagMutability="IMMUTABLE"), _push),
    ),
    Rule(
        "ecr:PutImage",
        "the image has the tag already",
        "ImageAlreadyExistsException",
        "API PutImage",
        _push,
        lambda s: _push(s, tag="v2"),
        steps(_repository, _push),
    ),
    Rule(
        "ecr:PutLifecyclePolicy",
        "two rules of one priority",
        "InvalidParameterException",
        "ECR guide, Lifecycle policy properties",
        _lifecycle([_expiry(1), _expiry(1)]),
        _lifecycle([_expiry(1)]),
        _repository,
    ),
    Rule(
        "ecr:PutLifecyclePolicy",
        "a rule for any image that is not the last",
        "InvalidParameterException",
        "ECR guide, Lifecycle policy properties",
        _lifecycle([_expiry(1, "any"), _expiry(2)]),
        _lifecycle([_expiry(1), _expiry(2, "any")]),
        _repository,
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)
