"""Refusals of IAM roles, by name, trust policy and size, that moto lacks."""

from __future__ import annotations

import json
import re
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, checks
from missyou_local.aws.errors import AwsError

_PATH = re.compile(r"/|/[!-~]{1,510}/")
_TRUST_SIZE, _INLINE_SIZE, _MANAGED = 2048, 10_240, 10
"""IAM guide, "IAM and AWS STS quotas": characters (without white space) of a trust policy and of all inline policies
of a role, and its managed policies."""
_STATEMENT_KEYS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition"}


@checks("iam:CreateRole")
def role_name_is_free(call: Call) -> None:
    """Refuse a name that differs from an existing role's in case only."""
    name = call.params["RoleName"]
    if any(role.name.lower() == name.lower() for role in _iam(call).get_roles()):
        raise AwsError("EntityAlreadyExists", f"Role with name {name} already exists.", 409)


@checks("iam:CreateRole")
def role_is_well_formed(call: Call) -> None:
    """Refuse bad paths and session lengths."""
    path, hours = call.params.get("Path", "/"), call.params.get("MaxSessionDuration", 3600)
    if not _PATH.fullmatch(path):
        message = f"The specified value for path is invalid: {path}. It must begin and end with /"
        raise AwsError("ValidationError", message)
    if not 3600 <= int(hours) <= 43_200:
        raise AwsError("ValidationError", f"MaxSessionDuration must be between 3600 and 43200, not {hours}")


@checks("iam:CreateRole", "iam:UpdateAssumeRolePolicy")
def trust_is_well_formed(call: Call) -> None:
    """Refuse a trust policy that is too long or malformed."""
    text = call.params.get("AssumeRolePolicyDocument") or call.params.get("PolicyDocument", "")
    for statement in _statements(text):
        _check_trust(statement)
    if _size(text) > _TRUST_SIZE:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {_TRUST_SIZE}", 409)


def _statements(text: str) -> list[dict[str, Any]]:
    try:
        document = json.loads(text)
    except ValueError:
        raise _malformed("This policy contains invalid Json") from None
    if not isinstance(document, dict) or "Statement" not in document:
        raise _malformed("Missing required field Statement")
    if document.get("Version", "2008-10-17") not in ("2012-10-17", "2008-10-17"):
        raise _malformed("The policy must contain a valid version string")
    statements = document["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _check_trust(statement: dict[str, Any]) -> None:
    if "Resource" in statement or "NotResource" in statement:
        raise _malformed("Has prohibited field Resource")
    if not isinstance(statement, dict) or set(statement) - _STATEMENT_KEYS:
        raise _malformed("Syntax errors in policy")
    for field in (("Effect",), ("Principal", "NotPrincipal"), ("Action", "NotAction")):
        if not any(name in statement for name in field):
            raise _malformed(f"Missing required field {field[0]}")
    if statement["Effect"] not in ("Allow", "Deny"):
        raise _malformed(f"Invalid effect: {statement['Effect']}")
    actions = statement.get("Action", "sts:*")
    for action in [actions] if isinstance(actions, str) else actions:
        if not action.startswith("sts:"):
            raise _malformed("AssumeRole policy may only specify STS AssumeRole actions.")


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicyDocument", message)


def _size(text: str) -> int:
    """Return the length that IAM counts: without white space."""
    return len("".join(text.split()))


@checks("iam:PutRolePolicy")
def inline_policies_are_small(call: Call) -> None:
    """Refuse more than 10 240 characters of inline policies in a role."""
    role = _role(call)
    if role is None:
        return
    others = [text for name, text in role.policies.items() if name != call.params["PolicyName"]]
    if sum(_size(text) for text in (*others, call.params["PolicyDocument"])) > _INLINE_SIZE:
        message = f"Maximum policy size of {_INLINE_SIZE} bytes exceeded for role {role.name}"
        raise AwsError("LimitExceeded", message, 409)


@checks("iam:AttachRolePolicy")
def few_managed_policies(call: Call) -> None:
    """Refuse more than ten managed policies in a role."""
    role = _role(call)
    attached = role.managed_policies if role is not None else {}
    if call.params["PolicyArn"] not in attached and len(attached) >= _MANAGED:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for PoliciesPerRole: {_MANAGED}", 409)


@checks("iam:CreateRole", "iam:PutRolePermissionsBoundary")
def boundary_exists(call: Call) -> None:
    """Refuse a permissions boundary that is no policy of the account."""
    arn = call.params.get("PermissionsBoundary")
    if arn and arn not in _iam(call).managed_policies:
        raise AwsError("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.", 404)


@checks("iam:DeleteRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy")
def not_a_service_linked_role(call: Call) -> None:
    """Refuse to change a role that is linked to a service of AWS."""
    role = _role(call)
    if role is not None and role.path.startswith("/aws-service-role/"):
        message = f"Cannot perform the operation on the protected role '{role.name}'"
        raise AwsError("UnmodifiableEntity", message)


def _iam(call: Call) -> Any:
    return backends.backend("iam", call.account, "global")


def _role(call: Call) -> Any:
    return next((role for role in _iam(call).get_roles() if role.name == call.params["RoleName"]), None)
