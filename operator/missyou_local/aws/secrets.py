"""Secrets Manager: what it refuses of secrets that are scheduled for deletion, and of names."""

from __future__ import annotations

import re

from missyou_local.aws.call import Call, Result, checks, plays
from missyou_local.aws.errors import AwsError

_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")


@checks("secretsmanager:CreateSecret")
def name_is_free(call: Call) -> None:
    """Refuse bad names, and those that a secret in its recovery window still holds."""
    name = call.params["Name"]
    if not _NAME.fullmatch(name):
        raise AwsError(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        )
    secret = call.moto("secretsmanager").secrets.get(name)
    if secret is not None and secret.is_deleted():
        raise AwsError(
            "InvalidRequestException",
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        )


@plays("secretsmanager:UpdateSecretVersionStage")
def update_secret_version_stage(call: Call) -> Result:
    """Move a label; the version that has AWSCURRENT is the one that is read (moto goes on reading the other)."""
    result = call.forward()
    if call.params["VersionStage"] == "AWSCURRENT" and call.params.get("MoveToVersionId"):
        call.moto("secretsmanager").secrets[call.params["SecretId"]].default_version_id = call.params["MoveToVersionId"]
    return result


@checks("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret", "secretsmanager:TagResource")
def secret_is_alive(call: Call) -> None:
    """Refuse changes to a secret that is scheduled for deletion."""
    secret = call.moto("secretsmanager").secrets.get(call.params["SecretId"])
    if secret is not None and secret.is_deleted():
        raise AwsError(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        )
