"""Secrets Manager: scheduled deletion, and refusals of names and of secrets that are scheduled for deletion."""

from __future__ import annotations

import re
from typing import Any

from missyou_local.aws.call import Call, Regional, Result, advances, checks, handles
from missyou_local.aws.errors import AwsError

_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
_DAY = 86_400.0
_LONGEST_VALUE = 65_536

_doomed: Regional[dict[str, float]] = Regional(dict)
"""ARN of a secret that is scheduled for deletion -> when it goes, in seconds since the epoch."""


@advances("secretsmanager")
def advance(call: Call) -> None:
    """Delete the secrets whose recovery window is over."""
    doomed, secrets = _doomed.of(call), call.moto("secretsmanager").secrets
    for arn in [arn for arn, at in doomed.items() if at <= call.now]:
        del doomed[arn]
        secret = secrets.get(arn)
        if secret is not None and secret.is_deleted():
            secrets.pop(secret.name)


@handles("secretsmanager:DeleteSecret")
def delete_secret(call: Call) -> Result:
    """Schedule a secret for deletion, or delete it at once."""
    result = call.forward()
    if not call.params.get("ForceDeleteWithoutRecovery"):
        _doomed.of(call)[result["ARN"]] = call.now + call.params.get("RecoveryWindowInDays", 30) * _DAY
    return result


@handles("secretsmanager:RestoreSecret")
def restore_secret(call: Call) -> Result:
    """Cancel the deletion of a secret."""
    result = call.forward()
    _doomed.of(call).pop(result["ARN"], None)
    return result


@checks("secretsmanager:CreateSecret")
def name_is_free(call: Call) -> None:
    """Refuse malformed names, and the name of a secret in its recovery window."""
    name = call.params["Name"]
    if not _NAME.fullmatch(name):
        raise AwsError(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        )
    if _is_doomed(_secret(call, name)):
        raise AwsError(
            "InvalidRequestException",
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        )


@checks("secretsmanager:CreateSecret", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret")
def value_is_short_enough(call: Call) -> None:
    """Refuse a value of more than 65 536 bytes."""
    if len(call.params.get("SecretString", "").encode()) > _LONGEST_VALUE:
        raise AwsError("ValidationException", f"SecretString must have length less than or equal to {_LONGEST_VALUE}")


@handles("secretsmanager:PutSecretValue")
def put_secret_value(call: Call) -> Result:
    """Write a version once, and move the labels to it; what is written again is ignored, and other content refused.

    moto overwrites a version with AWSPENDING, and takes all labels from the one that was current. Source: Secrets
    Manager API reference, PutSecretValue (`ClientRequestToken`, `VersionStages`).
    """
    secret, version = _secret(call, call.params["SecretId"]), call.params.get("ClientRequestToken")
    if secret is None or version is None:
        return call.forward()
    if (known := secret.versions.get(version)) is not None:
        if known.get("secret_string") != call.params.get("SecretString"):
            raise AwsError("ResourceExistsException", "A resource with the ID you requested already exists.")
        labels = list(known["version_stages"])
        return {"ARN": secret.arn, "Name": secret.name, "VersionId": version, "VersionStages": labels}
    labels = call.params.get("VersionStages") or ["AWSCURRENT"]
    before = {each: set(found["version_stages"]) for each, found in secret.versions.items()}
    result = call.forward({**call.params, "VersionStages": list(labels)})
    for each, had in before.items():
        kept = had - set(labels)
        if "AWSCURRENT" in labels:
            kept = (kept - {"AWSPREVIOUS"}) | ({"AWSPREVIOUS"} if "AWSCURRENT" in had else set())
        secret.versions[each]["version_stages"] = sorted(kept)
    return result


@handles("secretsmanager:RotateSecret", "secretsmanager:CancelRotateSecret")
def switch_rotation(call: Call) -> Result:
    """Turn rotation on or off. moto would call the function, which is nowhere; its record stays when rotation ends.

    Source: Secrets Manager API reference, CancelRotateSecret.
    """
    secret = _secret(call, call.params["SecretId"])
    if secret is None:
        return call.forward()
    secret.rotation_requested, secret.rotation_enabled = True, call.operation == "RotateSecret"
    secret.rotation_lambda_arn = call.params.get("RotationLambdaARN", secret.rotation_lambda_arn)
    return {"ARN": secret.arn, "Name": secret.name}


@handles("secretsmanager:UpdateSecretVersionStage")
def update_secret_version_stage(call: Call) -> Result:
    """Move a label. The version with AWSCURRENT is the one that is read; moto would read the other."""
    result = call.forward()
    if call.params["VersionStage"] == "AWSCURRENT" and call.params.get("MoveToVersionId"):
        call.moto("secretsmanager").secrets[call.params["SecretId"]].default_version_id = call.params["MoveToVersionId"]
    return result


@checks(
    "secretsmanager:DeleteSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:TagResource",
    "secretsmanager:UntagResource",
    "secretsmanager:UpdateSecret",
    "secretsmanager:UpdateSecretVersionStage",
)
def secret_is_alive(call: Call) -> None:
    """Refuse to read or change a secret that is scheduled for deletion."""
    forced = call.params.get("ForceDeleteWithoutRecovery", False)
    if _is_doomed(_secret(call, call.params["SecretId"])) and not forced:
        raise AwsError(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        )


def _secret(call: Call, name_or_arn: str) -> Any:
    return call.moto("secretsmanager").secrets.get(name_or_arn)


def _is_doomed(secret: Any) -> bool:
    return secret is not None and bool(secret.is_deleted())
