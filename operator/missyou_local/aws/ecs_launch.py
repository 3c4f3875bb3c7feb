"""Why a task does not start: its image, its secrets and its log groups are looked for as Fargate's agent would."""

from __future__ import annotations

import json
import re
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call

_ECR = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([^:@]+)(?::([^@]+))?(?:@(sha256:[0-9a-f]+))?")
_SECRET = re.compile(r"(arn:aws:secretsmanager:([^:]+):(\d+):secret:[^:]+)(?::([^:]*):([^:]*):([^:]*))?")


def problem(call: Call, definition: Any) -> str | None:
    """Return the stoppedReason with which tasks of this definition fail to start, or None if they start."""
    for container in definition.container_definitions:
        for secret in container.get("secrets", []):
            if found := _secret_problem(secret["valueFrom"]):
                return f"ResourceInitializationError: unable to pull secrets or registry auth: {found}"
        if not _image_exists(call, container["image"]):
            image = container["image"]
            return (
                "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref "
                f"{image}: {image}: not found"
            )
        if not _log_group_exists(call, container.get("logConfiguration") or {}):
            return (
                "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
                "failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not "
                "exist. : exit status 1"
            )
    return None


def _image_exists(call: Call, image: str) -> bool:
    """Look the image up if it is in this account's registry; what other registries hold is not ours to know."""
    parsed = _ECR.fullmatch(image)
    if parsed is None or parsed.group(1) != call.account:
        return True
    _, region, name, tag, digest = parsed.groups()
    repository = backends.backend("ecr", call.account, region).repositories.get(name)
    if repository is None:
        return False
    if digest:
        return any(present.get_image_digest() == digest for present in repository.images)
    return any((tag or "latest") in present.image_tags for present in repository.images)


def _secret_problem(value_from: str) -> str | None:
    parsed = _SECRET.fullmatch(value_from)
    if parsed is None:
        return None
    arn, region, account, key = parsed.group(1), parsed.group(2), parsed.group(3), parsed.group(4)
    secret = backends.backend("secretsmanager", account, region).secrets.get(arn)
    current = next(
        (v for v in secret.versions.values() if "AWSCURRENT" in v["version_stages"]) if secret else iter(()), None
    )
    if secret is None or secret.is_deleted() or current is None or secret.arn != arn:
        return (
            "execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 "
            f"time(s): failed to fetch secret {arn} from secrets manager: ResourceNotFoundException: Secrets Manager "
            "can't find the specified secret."
        )
    if key and key not in _keys(current.get("secret_string")):
        return (
            "execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 "
            f"time(s): retrieved secret from Secrets Manager did not contain json key {key}"
        )
    return None


def _keys(text: str | None) -> set[str]:
    try:
        loaded = json.loads(text or "")
    except ValueError:
        return set()
    return set(loaded) if isinstance(loaded, dict) else set()


def _log_group_exists(call: Call, configuration: dict[str, Any]) -> bool:
    options = configuration.get("options", {})
    if configuration.get("logDriver") != "awslogs" or options.get("awslogs-create-group") == "true":
        return True
    logs = backends.backend("logs", call.account, options.get("awslogs-region", call.region))
    return options.get("awslogs-group") in logs.groups
