"""Who made a call, by the `userIdentity` of CloudTrail.

Source: CloudTrail User Guide, "CloudTrail userIdentity element".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: What stands for AWS itself: its services, and the roles that only they can take.
AWS = "AWS"
#: The user agent of the operator's clients (aws/session.py), as CloudTrail shows it.
AGENT = "missyou-operator"
_ASSUMED = re.compile(r"arn:[^:]*:sts::(\d*):assumed-role/([^/]+)/(.+)", re.DOTALL)
_IAM = re.compile(r"arn:[^:]*:iam::(\d*):(role|user)/(?:.*/)?([^/]+)", re.DOTALL)
#: IAM Identity Center's roles: AWSReservedSSO_<permission set>_<16 hexadecimal digits>.
_SSO = re.compile(r"AWSReservedSSO_(.+)_[0-9a-f]{16}")
_LINKED = ("AWSServiceRoleFor", "/aws-service-role/")
_LONGEST = 128


def principal(arn: str) -> str:
    """Return whose ARN it is, whichever session: `123456789012:role/Admin`; the ARN itself where it is of neither kind.

    STS leaves the path of a role out of the ARN of its sessions, so it is left out here, too.
    """
    if match := _ASSUMED.fullmatch(arn):
        return f"{match[1]}:role/{match[2]}"
    if match := _IAM.fullmatch(arn):
        return f"{match[1]}:{match[2]}/{match[3]}"
    return arn


def readable(identity: Mapping[str, Any]) -> str:
    """Return a name for a person to read, such as `alice`, `jane@example.com (role Admin)` or `AWS`; "" for none."""
    name = _name(identity)
    invoked = _text(identity.get("invokedBy"))
    if name and name != AWS and invoked.endswith(".amazonaws.com"):
        name = f"{name} by {invoked}"
    return "".join(each for each in name if each.isprintable())[:_LONGEST]


def _name(identity: Mapping[str, Any]) -> str:
    kind, arn, user = (_text(identity.get(key)) for key in ("type", "arn", "userName"))
    issuer = _mapping(_mapping(identity.get("sessionContext")).get("sessionIssuer"))
    if kind == "AWSService" or any(mark in arn or mark in _text(issuer.get("arn")) for mark in _LINKED):
        return AWS
    if kind == "Root":
        return f"the root user of account {_text(identity.get('accountId'))}"
    if kind == "AWSAccount":
        return f"account {_text(identity.get('accountId'))}"
    if match := _ASSUMED.fullmatch(arn):
        _, role, session = match.groups()
        sso = _SSO.fullmatch(role)
        return f"{session} ({sso[1]})" if sso else f"{session} (role {role})"
    if kind == "IdentityCenterUser":
        return f"user {_text(_mapping(identity.get('onBehalfOf')).get('userId'))} of IAM Identity Center"
    return user or arn.rpartition("/")[2] or _text(identity.get("principalId")) or (AWS if not arn and kind else "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
