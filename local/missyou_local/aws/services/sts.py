"""STS: who may assume a role, by its trust policy, and which session made which call. moto lets anybody.

A role that nobody has created is anybody's, as in moto: a test that is not about trust need create none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, Result, checks, handles
from missyou_local.aws.errors import AwsError

#: STS API reference, AssumeRole: RoleSessionName and SourceIdentity.
_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
#: The condition keys that each action knows. Source: Service Authorization Reference, "AWS Security Token Service".
_KEYS = {
    "sts:AssumeRole": ("sts:externalid", "sts:rolesessionname", "sts:sourceidentity", "aws:requesttag/", "aws:tagkeys"),
    "sts:TagSession": ("aws:requesttag/", "aws:tagkeys"),
    "sts:SetSourceIdentity": ("sts:sourceidentity",),
}
_ALWAYS = ("aws:principalarn", "aws:principalaccount")


@dataclass(frozen=True, slots=True)
class Session:
    """A session of a role, as CloudTrail shows it with each of its calls."""

    role: str
    name: str
    source: str
    tags: Mapping[str, str]


_sessions: dict[str, Session] = {}
"""Access key -> the session that it belongs to."""
backends.on_reset(_sessions.clear)


def session_of(access_key: str) -> dict[str, Any] | None:
    """Return the session of an access key as plain values, None for a key that belongs to no session."""
    found = _sessions.get(access_key)
    if found is None:
        return None
    return {"role": found.role, "name": found.name, "source": found.source, "tags": dict(found.tags)}


@checks("sts:AssumeRole")
def names_are_well_formed(call: Call) -> None:
    """Refuse names of sessions and source identities that STS does not take."""
    for field in ("RoleSessionName", "SourceIdentity"):
        if (value := call.params.get(field)) is not None and not _NAME.fullmatch(value):
            raise AwsError("ValidationError", f"1 validation error detected: Value '{value}' at '{field}' is not valid")


@checks("sts:AssumeRole")
def the_role_trusts_the_caller(call: Call) -> None:
    """Refuse a role whose trust policy does not allow the caller all that the request implies.

    Sources: IAM user guide, "Pass session tags in AWS STS" (sts:TagSession), "Monitor and control actions taken with
    assumed roles" (sts:SetSourceIdentity), "Access to AWS accounts owned by third parties" (sts:ExternalId).
    """
    document = _trust_of(call.params["RoleArn"])
    if document is None:
        return
    principal, context = _principal(call.caller), _context(call)
    implied = {"sts:TagSession": call.params.get("Tags"), "sts:SetSourceIdentity": call.params.get("SourceIdentity")}
    for action in ("sts:AssumeRole", *(action for action, given in implied.items() if given)):
        known = {key: value for key, value in context.items() if key.startswith((*_KEYS[action], *_ALWAYS))}
        effects = [each["Effect"] for each in document if _applies(each, action, principal, known)]
        if "Deny" in effects or "Allow" not in effects:
            message = f"User: {principal} is not authorized to perform: {action} on resource: {call.params['RoleArn']}"
            raise AwsError("AccessDenied", message, 403)


@handles("sts:AssumeRole")
def assume_role(call: Call) -> Result:
    """Remember the session of the keys that are given out."""
    result, params = call.forward(), call.params
    tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
    session = Session(params["RoleArn"], params["RoleSessionName"], params.get("SourceIdentity", ""), tags)
    _sessions[result["Credentials"]["AccessKeyId"]] = session
    if session.source:
        result = {**result, "SourceIdentity": session.source}
    return result


def _trust_of(arn: str) -> list[dict[str, Any]] | None:
    account, name = arn.split(":")[4], arn.rpartition("/")[2]
    if account not in backends.accounts_of("iam"):
        return None
    roles = backends.backend("iam", account, "global").get_roles()
    text = next((role.assume_role_policy_document for role in roles if role.name == name), None)
    if text is None:
        return None
    statements = json.loads(text)["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _principal(access_key: str) -> str:
    """Return the caller's ARN: of the role that it has assumed, or of a user that is called like the key."""
    session = _sessions.get(access_key)
    return session.role if session else f"arn:aws:iam::{backends.account_of(access_key)}:user/{access_key}"


def _context(call: Call) -> dict[str, tuple[str, ...]]:
    params, principal = call.params, _principal(call.caller)
    single = {
        "sts:externalid": params.get("ExternalId"),
        "sts:rolesessionname": params.get("RoleSessionName"),
        "sts:sourceidentity": params.get("SourceIdentity"),
        "aws:principalarn": principal,
        "aws:principalaccount": principal.split(":")[4],
        **{f"aws:requesttag/{tag['Key']}".lower(): tag["Value"] for tag in params.get("Tags", ())},
    }
    context: dict[str, tuple[str, ...]] = {key: (value,) for key, value in single.items() if value is not None}
    if tags := params.get("Tags"):
        context["aws:tagkeys"] = tuple(tag["Key"] for tag in tags)
    return context


def _applies(statement: Mapping[str, Any], action: str, principal: str, context: Mapping[str, tuple[str, ...]]) -> bool:
    named = any(fnmatchcase(action.lower(), each.lower()) for each in _listed(statement.get("Action", ())))
    return named and _trusts(statement.get("Principal"), principal) and _holds(statement.get("Condition", {}), context)


def _trusts(trusted: Any, principal: str) -> bool:
    if trusted == "*":
        return True
    account = principal.split(":")[4]
    whole = {"*", account, f"arn:aws:iam::{account}:root", principal}
    return isinstance(trusted, dict) and bool(whole & set(_listed(trusted.get("AWS", ()))))


def _holds(conditions: Mapping[str, Any], context: Mapping[str, tuple[str, ...]]) -> bool:
    return all(
        _test(operator, context.get(key.lower(), ()), _listed(wanted))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _test(operator: str, given: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Return whether a condition holds; one with an operator that is not played here never does."""
    scope, _, plain = operator.rpartition(":")
    match plain:
        case "StringEquals" | "ArnEquals":
            hits = [value in wanted for value in given]
        case "StringLike" | "ArnLike":
            hits = [any(fnmatchcase(value, pattern) for pattern in wanted) for value in given]
        case _:
            return False
    return all(hits) if scope == "ForAllValues" else any(hits)


def _listed(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
