"""Registered revisions of a task definition, as AWS describes them, in the shape of the desired fields."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Client
from missyou_operator.aws.ecs import hardening
from missyou_operator.aws.errors import message_of
from missyou_operator.aws.informer import ONCE
from missyou_operator.aws.reader import Reader

#: The name of the app's container, and what the names of its log streams begin with.
CONTAINER = "app"
#: The label of a container that names the image by digest: the tag that the digest was found under.
TAG_LABEL = "missyou.app/tag"


def revision_in_use(reader: Reader, arn: str) -> Mapping[str, Any]:
    """Return what tasks of a revision need: `port`, `secrets` (ARNs), image, environment; {} if it is gone.

    `log_streams` is what the names of their log streams begin with.

    A revision never changes, so each is read once.
    """
    fetch = partial(_needs, reader.client("ecs"), arn, reader.name("ecs.Container"))
    return reader.computed(ONCE, f"ecs.TaskDefinition/{arn}", fetch)


def _needs(ecs: Client, arn: str, container: str) -> Mapping[str, Any]:
    answer = described(ecs, arn)
    if answer is None:
        return {}
    found = attributes(answer["taskDefinition"], container)
    secrets = tuple(sorted({secret for secret, _ in found["secrets"].values()}))
    kept = ("port", "image_repository", "image_tag", "image_digest", "environment", "log_streams")
    return {"secrets": secrets, **{name: found[name] for name in kept}}


def described(ecs: Client, reference: str) -> Mapping[str, Any] | None:
    """Describe a revision with its tags, or the newest ACTIVE one of a family; None if there is none."""
    try:
        answer = ecs.describe_task_definition(taskDefinition=reference, include=["TAGS"])
    except ClientError as error:
        # That has no error code of its own.
        if "Unable to describe task definition" in message_of(error):
            return None
        raise
    return {"taskDefinition": answer["taskDefinition"], "tags": answer.get("tags")}


def versions_in_use(reader: Reader, row: Mapping[str, Any], attrs: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return what each revision needs that runs, or that ECS may go back to: of all deployments that are left.

    `row`: a service as AWS describes it, `attrs`: the same as `rollout.attributes` returns it. While ECS still looks at
    alarms after a rolling deployment, it shows no more what it would go back to.
    """
    shown = {str(item["taskDefinition"]) for item in row.get("deployments") or () if item.get("taskDefinition")}
    if attrs["returns_to"] and attrs["rollout_state"] != "COMPLETED":
        shown.add(f"{attrs['task_definition'].rpartition(':')[0]}:{attrs['returns_to']}")
    return tuple(needs for arn in sorted(shown) if (needs := revision_in_use(reader, arn)))


def revision_of(arn: str) -> int:
    """Return the revision number in an ARN; 0 if there is none."""
    number = arn.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def family_of(arn: str) -> str:
    """Return the family in a revision's ARN."""
    return arn.rpartition("/")[2].partition(":")[0]


def attributes(row: Mapping[str, Any], container: str = CONTAINER) -> dict[str, Any]:
    """Return a revision, as AWS describes it, in the shape of the desired fields.

    `container`: the name of the app's, where a revision that somebody else has registered has several.
    """
    containers = row.get("containerDefinitions") or ()
    named = (item for item in containers if item.get("name") == container or len(containers) == 1)
    app: Mapping[str, Any] = next(named, {})
    ports = [mapping.get("containerPort") for mapping in app.get("portMappings") or ()]
    options = (app.get("logConfiguration") or {}).get("options") or {}
    repository, tag = split_image(app.get("image", ""))
    label = (app.get("dockerLabels") or {}).get(TAG_LABEL, "")
    arn = row["taskDefinitionArn"]
    return {
        "id": arn,
        "arn": arn,
        "revision": row.get("revision") or revision_of(arn),
        "container": app.get("name"),
        "image": app.get("image", ""),
        "cpu": _number(row.get("cpu")),
        "memory": _number(row.get("memory")),
        "execution_role_arn": row.get("executionRoleArn"),
        "task_role_arn": row.get("taskRoleArn"),
        "image_repository": repository,
        "image_tag": label or tag,
        "image_digest": tag if label else "",
        **hardening.observed(app),
        "port": ports[0] if ports else None,
        "environment": {item["name"]: item.get("value", "") for item in app.get("environment") or ()},
        "secrets": {item["name"]: split_secret(item["valueFrom"]) for item in app.get("secrets") or ()},
        "log_group": options.get("awslogs-group"),
        "log_streams": f"{options.get('awslogs-stream-prefix', CONTAINER)}/{app.get('name', container)}",
        "region": options.get("awslogs-region"),
    }


def split_image(image: str) -> tuple[str, str]:
    """Split an image reference into its repository and its tag or digest ("" if it has neither)."""
    if "@" in image:
        repository, _, digest = image.partition("@")
        return repository, digest
    path, colon, tag = image.rpartition(":")
    # A colon before the last slash belongs to a registry's port.
    return (path, tag) if colon and "/" not in tag else (image, "")


def split_secret(value_from: str) -> tuple[str, str]:
    """Split a secret's reference into its ARN (seven parts) and the JSON key that may follow."""
    parts = value_from.split(":")
    return ":".join(parts[:7]), parts[7] if len(parts) > 7 else ""


def _number(text: Any) -> int | None:
    return int(text) if str(text).isdecimal() else None
