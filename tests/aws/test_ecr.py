"""The repository and its images: their count, their retention, and the commands that push a missing one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.ecr import Image, Repository, keep_last, kept
from missyou_operator.engine.resource import Observed
from tests.aws.live import ACCOUNT, REGION, apply, changed, client, live, neighbour, observe, read, tags


def repository(cloud: Cloud) -> Repository:
    name = cloud.stack.name
    return Repository(
        name=name, component="Registry", tags=tags(cloud, name, "Registry"), scan_on_push=True, keep_images=10
    )


def image(cloud: Cloud, tag: str) -> Image:
    name = cloud.stack.name
    return Image(
        name=f"{name}{'@' if ':' in tag else ':'}{tag}",
        component="Service",
        repository=name,
        tag=tag,
        uri=f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}",
        region=REGION,
    )


def push(name: str, tag: str) -> str:
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    blob = {"digest": f"sha256:{tag:0>64}", "size": 1}
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": blob, "layers": [blob]}
    answer = client("ecr").put_image(repositoryName=name, imageManifest=json.dumps(manifest), imageTag=tag)
    return str(answer["image"]["imageId"]["imageDigest"])


def test_a_created_repository_is_found_as_desired() -> None:
    cloud = live()
    desired = repository(cloud)
    created = desired.create(cloud)
    found = observe(desired, cloud)
    assert desired.diff(found) == desired.diff(created) == ()
    assert {key: created.attrs[key] for key in ("id", "arn", "uri")} == {
        key: found.attrs[key] for key in ("id", "arn", "uri")
    }
    [row] = client("ecr").describe_repositories(repositoryNames=[desired.name])["repositories"]
    assert row["encryptionConfiguration"]["encryptionType"] == "AES256"


def test_changes_are_made_and_drift_is_corrected_in_place() -> None:
    cloud = live()
    repository(cloud).create(cloud)
    client("ecr").delete_lifecycle_policy(repositoryName=cloud.stack.name)
    desired = replace(
        repository(cloud), scan_on_push=False, keep_images=3, tags={**repository(cloud).tags, "Team": "x"}
    )
    assert changed(desired, observe(desired, cloud)) == {"scan_on_push", "keep_images", "tags"}
    assert desired.diff(apply(desired, cloud)) == ()


def test_images_are_counted_only_where_they_would_be_lost() -> None:
    cloud = live()
    desired = repository(cloud)
    desired.create(cloud)
    [empty] = read(Repository, cloud)
    assert Repository.holds_data(empty) == ""
    push(desired.name, "1")
    push(desired.name, "2")
    assert "images" not in observe(desired, cloud).attrs
    [doomed] = read(Repository, cloud)
    assert Repository.holds_data(doomed) == f"2 images in the repository {desired.name}"
    for _ in range(2):
        assert Repository.delete(cloud, doomed).status == "ready"
    assert read(Repository, cloud) == []


def test_another_owners_repository_is_not_ours() -> None:
    cloud = live()
    repository(neighbour(cloud)).create(neighbour(cloud))
    assert not observe(repository(cloud), cloud).owned


@pytest.mark.parametrize(
    ("policy", "number"),
    [
        (None, None),
        (keep_last(7), 7),
        ({"rules": [{**keep_last(7)["rules"][0], "rulePriority": 5, "description": "foreign"}]}, 7),
        ({"rules": []}, "other rules"),
        ({"rules": keep_last(7)["rules"] * 2}, "other rules"),
        (
            {"rules": [{"selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countNumber": 7}}]},
            "other rules",
        ),
    ],
)
def test_policies_are_compared_by_what_they_do(policy: dict[str, Any] | None, number: int | str | None) -> None:
    assert kept(policy) == (number, ())


def test_tags_in_use_are_kept_for_ever_and_so_are_the_last_ones_before() -> None:
    cloud = live()
    desired = replace(repository(cloud), keep_tags=("v1",))
    desired.create(cloud)
    assert observe(desired, cloud).attrs["keep_tags"] == ("v1",)
    for tag in ("v2", "v3", "v4", "v5"):
        desired = replace(desired, keep_tags=(tag,))
        assert changed(desired, observe(desired, cloud)) == {"keep_tags"}
        assert desired.diff(apply(desired, cloud)) == ()
    assert observe(desired, cloud).attrs["keep_tags"] == ("v5", "v4", "v3", "v2")


def images(cloud: Cloud, desired: Image) -> list[Observed]:
    return list(read(Image, cloud, {"ecr.Repository": read(Repository, cloud)}, [desired.name]))


def test_a_pushed_image_is_found() -> None:
    cloud = live()
    desired = image(cloud, "v1.2")
    assert images(cloud, desired) == []
    repository(cloud).create(cloud)
    assert images(cloud, desired) == []
    digest = push(cloud.stack.name, "v1.2")
    [found] = images(cloud, desired)
    assert (found.id, found.address, found.owned) == (digest, desired.address, True)
    [same] = images(cloud, image(cloud, digest))
    assert same.id == digest
    assert images(cloud, image(cloud, f"sha256:{'0' * 64}")) == []


def test_a_missing_image_comes_with_the_commands_that_push_it() -> None:
    cloud = live()
    health, uri = image(cloud, "v1").missing(), image(cloud, "v1").uri
    assert (health.status, health.reason) == ("pending", "ImageNotFound")
    assert f"docker login --username AWS --password-stdin {uri.partition('/')[0]}; " in health.message
    assert health.message.endswith(f"docker push {uri}:v1")
    by_digest = image(cloud, "sha256:abc").missing()
    assert by_digest.reason == "ImageNotFound"
    assert "docker push" not in by_digest.message
