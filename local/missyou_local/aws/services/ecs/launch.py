"""What a task needs in order to start: image, secrets and log group, checked as Fargate's agent does."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call
from missyou_local.aws.services.ecs import trouble
from missyou_local.aws.services.iam import propagation as iam_propagation
from missyou_local.aws.services.iam import rights

_ECR = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([^:@]+)(?::([^@]+))?(?:@(sha256:[0-9a-f]+))?")
_SECRET = re.compile(r"(arn:aws:secretsmanager:([^:]+):(\d+):secret:[^:]+)(?::([^:]*):([^:]*):([^:]*))?")


class LaunchError(Exception):
    """A task does not start; the text is its stoppedReason."""


def check(call: Call, definition: Any, images: dict[str, Any]) -> None:
    """Check that everything exists that tasks of a definition need. Error: LaunchError for what is missing first.

    `images` are those that the deployment has resolved so far; those of the definition are added.
    """
    if trouble.at_present().fail:
        raise LaunchError(trouble.at_present().fail)
    role = definition.execution_role_arn or ""
    for container in definition.container_definitions:
        if role and container.get("secrets") and not iam_propagation.has_its_rights(call, role):
            raise LaunchError(
                f"{_NO_SECRETS} service call has been retried 1 time(s): AccessDeniedException: "
                f"{role} is not authorized to perform: secretsmanager:GetSecretValue"
            )
        if role:
            _check_secrets(call, role, container)
            _check_pull(call, role, container["image"])
        secrets(container)
        images.setdefault(container["image"], find_image(call, container["image"], images))
        if role:
            _check_log(call, role, container.get("logConfiguration") or {})
        if not _log_group_exists(call, container.get("logConfiguration") or {}):
            raise LaunchError(
                "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
                "failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not "
                "exist. : exit status 1"
            )


def _check_secrets(call: Call, role: str, container: Mapping[str, Any]) -> None:
    """Check that the execution role may read the secrets."""
    action = "secretsmanager:GetSecretValue"
    for secret in container.get("secrets", []):
        if parsed := _SECRET.fullmatch(secret["valueFrom"]):
            arn = parsed[1]
            if why := rights.forbidden(call, role, action, arn):
                raise LaunchError(
                    f"{_NO_SECRETS} service call has been retried 1 time(s): failed to fetch secret {arn} from secrets "
                    f"manager: AccessDeniedException: User: {role} is not authorized to perform: {action} on resource: "
                    f"{arn} {why}"
                )


def _check_pull(call: Call, role: str, image: str) -> None:
    """Check that the execution role may pull an image of this account's registry."""
    parsed = _ECR.fullmatch(image)
    if parsed is None or parsed[1] != call.account:
        return
    if why := rights.forbidden(call, role, "ecr:GetAuthorizationToken", "*"):
        raise LaunchError(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
            "failed: unable to retrieve ecr registry auth: service call has been retried 1 time(s): "
            f"AccessDeniedException: User: {role} is not authorized to perform: ecr:GetAuthorizationToken on resource: "
            f"* {why}"
        )
    arn = f"arn:aws:ecr:{parsed[2]}:{parsed[1]}:repository/{parsed[3]}"
    for action in ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
        if why := rights.forbidden(call, role, action, arn):
            raise LaunchError(
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref "
                f"{image}: pulling from host {image.partition('/')[0]} failed with status code 403 Forbidden: User: "
                f"{role} is not authorized to perform: {action} on resource: {arn} {why}"
            )


def _check_log(call: Call, role: str, configuration: Mapping[str, Any]) -> None:
    """Check that the execution role may write to the log group."""
    options = configuration.get("options", {})
    if configuration.get("logDriver") != "awslogs":
        return
    region, group = options.get("awslogs-region", call.region), options.get("awslogs-group")
    arn = f"arn:aws:logs:{region}:{call.account}:log-group:{group}:log-stream:new"
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        if why := rights.forbidden(call, role, action, arn):
            raise LaunchError(
                "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
                f"failed to create Cloudwatch log stream: AccessDeniedException: User: {role} is not authorized to "
                f"perform: {action} on resource: {arn} {why}"
            )


def find_image(call: Call, image: str, resolved: Mapping[str, Any]) -> Any:
    """Return moto's image for a reference to this account's registry, None for one elsewhere.

    `resolved` are the images that references stand for already, whatever their tags are now. Raises LaunchError where
    the registry does not have it.
    """
    parsed = _ECR.fullmatch(image)
    if parsed is None or parsed.group(1) != call.account:
        return None
    _, region, name, tag, digest = parsed.groups()
    repository = backends.backend("ecr", call.account, region).repositories.get(name)
    known = resolved.get(image)
    for present in repository.images if repository else ():
        named = present.get_image_digest() == digest if digest else (tag or "latest") in present.image_tags
        if present is known or (known is None and named):
            return present
    raise LaunchError(
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref "
        f"{image}: {image}: not found"
    )


def secrets(container: Mapping[str, Any]) -> dict[str, str]:
    """Return the secret variables of a container definition with their values. Raises LaunchError."""
    return {secret["name"]: _secret(secret["valueFrom"]) for secret in container.get("secrets", [])}


def _secret(value_from: str) -> str:
    parsed = _SECRET.fullmatch(value_from)
    if parsed is None:
        raise LaunchError(f"{_NO_SECRETS} invalid ARN {value_from}")
    arn, region, account, key = parsed.group(1), parsed.group(2), parsed.group(3), parsed.group(4)
    secret = backends.backend("secretsmanager", account, region).secrets.get(arn)
    current = next(
        (v for v in secret.versions.values() if "AWSCURRENT" in v["version_stages"]) if secret else iter(()), None
    )
    if secret is not None and secret.is_deleted():
        raise LaunchError(
            f"{_NO_SECRETS} service call has been retried 1 time(s): failed to fetch secret {arn} from secrets "
            "manager: InvalidRequestException: You can't perform this operation on the secret because it was marked "
            "for deletion."
        )
    if secret is None or current is None or secret.arn != arn:
        raise LaunchError(
            f"{_NO_SECRETS} service call has been retried 1 time(s): failed to fetch secret {arn} from secrets "
            "manager: ResourceNotFoundException: Secrets Manager can't find the specified secret."
        )
    text = str(current.get("secret_string") or "")
    if not key:
        return text
    if key not in (held := _object(text)):
        raise LaunchError(
            f"{_NO_SECRETS} service call has been retried 1 time(s): retrieved secret from Secrets Manager did not "
            f"contain json key {key}"
        )
    return held[key] if isinstance(held[key], str) else json.dumps(held[key])


_NO_SECRETS = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
    "unable to retrieve secret from asm:"
)


def _object(text: str) -> dict[str, Any]:
    try:
        loaded = json.loads(text)
    except ValueError:
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _log_group_exists(call: Call, configuration: dict[str, Any]) -> bool:
    options = configuration.get("options", {})
    if configuration.get("logDriver") != "awslogs" or options.get("awslogs-create-group") == "true":
        return True
    logs = backends.backend("logs", call.account, options.get("awslogs-region", call.region))
    return options.get("awslogs-group") in logs.groups
