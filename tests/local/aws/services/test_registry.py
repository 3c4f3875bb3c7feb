"""ECR's images: tags that move, and the evaluation of lifecycle policies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from missyou_local.pushing import put_image
from tests.local.aws.conftest import Aws

_DAY = 86_400.0


def _push(aws: Aws, name: str, tag: str) -> str:
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": {"size": len(tag), "of": tag}, "layers": []}
    answer = aws.ecr.put_image(repositoryName=name, imageTag=tag.partition("/")[0], imageManifest=json.dumps(manifest))
    return str(answer["image"]["imageId"]["imageDigest"])


def _images(aws: Aws, name: str) -> list[dict[str, Any]]:
    return list(aws.ecr.describe_images(repositoryName=name)["imageDetails"])


def test_a_tag_that_moves_leaves_the_former_image_without_it(aws: Aws) -> None:
    aws.ecr.create_repository(repositoryName="moving")
    first, second = _push(aws, "moving", "latest/1"), _push(aws, "moving", "latest/2")
    assert first != second
    found = {image["imageDigest"]: image.get("imageTags", []) for image in _images(aws, "moving")}
    assert found == {first: [], second: ["latest"]}


def test_an_image_that_matches_a_rule_is_not_expired_by_a_later_one_that_counts_it(aws: Aws) -> None:
    aws.ecr.create_repository(repositoryName="expiring")
    pinned = {"tagStatus": "tagged", "tagPatternList": ["v1"], "countType": "imageCountMoreThan", "countNumber": 1}
    newest = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 2}
    rules = [
        {"rulePriority": number, "selection": selection, "action": {"type": "expire"}}
        for number, selection in enumerate((pinned, newest), 1)
    ]
    for tag in ("v1", "v2", "v3", "v4"):
        _push(aws, "expiring", tag)
    aws.ecr.put_lifecycle_policy(repositoryName="expiring", lifecyclePolicyText=json.dumps({"rules": rules}))
    assert len(_images(aws, "expiring")) == 4
    aws.clock.advance(_DAY)
    assert sorted(tag for image in _images(aws, "expiring") for tag in image["imageTags"]) == ["v1", "v3", "v4"]


def test_the_demo_pushes_the_same_image_again_in_one_line(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "ENDPOINT_URL": aws.ecr.meta.endpoint_url,
        "ACCESS_KEY_ID": "any",
        "SECRET_ACCESS_KEY": "any",
        "DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    url = aws.ecr.create_repository(repositoryName="again")["repository"]["repositoryUri"]
    for command in ("exit 1", "exit 1", ""):
        put_image(url, "v2", command)
    assert capsys.readouterr().out.splitlines() == [
        f"registered {url}:v2, which runs exit 1",
        f"nothing to do: there already is {url}:v2, which runs exit 1",
        f"registered {url}:v2, which runs the backend of this checkout",
    ]
