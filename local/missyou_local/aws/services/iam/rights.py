"""What the permissions boundary of a task's role forbids.

Source: IAM User Guide, "Permissions boundaries for IAM entities" and "Policy evaluation logic": where there is a
boundary, it must allow too what a role's own policies allow, and an explicit denial in it wins. The words of the
refusal: IAM User Guide, "Troubleshoot access denied error messages".

What the role of a task allows by itself is not judged: a rollout that meets somebody's change of it would be given up.
That of a flow log is. A condition with another operator than two of strings never holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call

_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, found: wanted == found,
    "StringLike": lambda wanted, found: fnmatchcase(found, wanted.replace("[", "[[]")),
}


def forbidden(call: Call, role: str, action: str, resource: str) -> str:
    """Return why the boundary of a role (ARN) forbids something, as IAM words it; "" where it does not.

    A boundary whose policy was deleted allows nothing.
    """
    iam = backends.backend("iam", call.account, "global")
    found = next((each for each in iam.get_roles() if each.arn == role), None)
    arn = found.permissions_boundary_arn if found is not None else None
    if found is None or not arn:
        return ""
    context = {f"aws:PrincipalTag/{row['Key']}": row["Value"] for row in found.tags or ()}
    policy = iam.managed_policies.get(arn)
    document = json.loads(text_of(policy)) if policy else {"Statement": []}
    if _any(document, "Deny", action, resource, context):
        return "with an explicit deny in a permissions boundary"
    if not _any(document, "Allow", action, resource, context):
        return f"because no permissions boundary allows the {action} action"
    return ""


def may(call: Call, role: str, action: str, resource: str) -> bool:
    """Return whether a role (ARN) may do something: its own policies allow it, and its boundary does not forbid it."""
    found = next(
        (each for each in backends.backend("iam", call.account, "global").get_roles() if each.arn == role), None
    )
    texts = found.policies.values() if found is not None else ()
    allowed = any(_any(json.loads(str(text)), "Allow", action, resource, {}) for text in texts)
    return allowed and not forbidden(call, role, action, resource)


def decision(documents: Sequence[Any], boundary: Any, action: str, resource: str, context: Mapping[str, str]) -> str:
    """Return IAM's decision on an action: `allowed`, `implicitDeny` or `explicitDeny`. `boundary`: None for none."""
    every = [*documents, boundary] if boundary else list(documents)
    if any(_any(each, "Deny", action, resource, context) for each in every):
        return "explicitDeny"
    allowed = any(_any(each, "Allow", action, resource, context) for each in documents)
    within = boundary is None or _any(boundary, "Allow", action, resource, context)
    return "allowed" if allowed and within else "implicitDeny"


def text_of(policy: Any) -> str:
    """Return the text of a managed policy's default version."""
    return next(str(version.document) for version in policy.versions if version.is_default)


def _any(document: Mapping[str, Any], effect: str, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Return whether a statement with an effect is about a request."""
    return any(
        statement["Effect"] == effect
        and any(fnmatchcase(action.lower(), each.lower()) for each in _items(statement.get("Action")))
        and any(_OPERATORS["StringLike"](each, resource) for each in _filled(statement.get("Resource"), context))
        and _holds(statement.get("Condition") or {}, context)
        for statement in _items(document["Statement"])
    )


def _holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    """Return whether all conditions hold. One about a tag that is not there does not."""
    return all(
        operator in _OPERATORS
        and key in context
        and any(_OPERATORS[operator](wanted, context[key]) for wanted in _filled(values, context))
        for operator, keys in condition.items()
        for key, values in keys.items()
    )


def _filled(values: Any, context: Mapping[str, str]) -> Iterator[str]:
    """Yield the values with their variables filled in, without those whose variables have no value."""
    for value in _items(values):
        if all(name in context for name in _VARIABLE.findall(value)):
            yield _VARIABLE.sub(lambda name: context[name[1]], value)


def _items(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
