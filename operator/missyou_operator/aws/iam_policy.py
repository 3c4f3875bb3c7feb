"""The IAM policy of the operator, composed from the permissions that the resource classes declare. Pure.

It consists of one or more documents per `Part`: AWS limits a managed policy to 6,144 characters (white space not
counted) and a role to ten policies. Source: IAM User Guide, "IAM and AWS STS quotas".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from missyou_operator.aws import account, zones
from missyou_operator.aws.identity import Names
from missyou_operator.aws.permissions import (
    BOUNDED,
    OURS,
    SET_BOUNDARY,
    TAGGED_BY_REQUEST,
    TENANTS,
    TENANTS_REQUEST,
    Condition,
    Grant,
    Part,
    with_names,
)
from missyou_operator.aws.registry import KINDS
from missyou_operator.aws.scope import Scope

#: The most characters that a managed policy may have.
LIMIT = 6144

Document = Mapping[str, Any]


def declared(patterns: Names) -> tuple[Grant, ...]:
    """Return all grants that the resource classes declare, with the names of stacks' resources filled in.

    Errors: TypeError for a class that declares none.
    """
    grants: list[Grant] = [*zones.PERMISSIONS, *account.PERMISSIONS]
    for kind in KINDS:
        if "PERMISSIONS" not in vars(kind):
            raise TypeError(f"{kind.__name__} declares no PERMISSIONS: list the AWS actions it uses, and on what")
        grants += vars(kind)["PERMISSIONS"]
    return tuple(with_names(grant, patterns) for grant in grants)


def documents(scope: Scope, grants: Sequence[Grant]) -> dict[str, Document]:
    """Return the documents that make up the policy, named after their part and numbered from two (`make`, `make-2`)."""
    found: dict[str, Document] = {}
    fitting = [fitted for grant in grants if (fitted := _fit(scope, grant))]
    for part in Part:
        statements = [_statement(scope, grant) for grant in merged(grant for grant in fitting if grant.part is part)]
        statements += _beside(scope, part)
        for number, document in enumerate(_packed(statements), 1):
            found[part.value if number == 1 else f"{part.value}-{number}"] = document
    return found


def _fit(scope: Scope, grant: Grant) -> Grant | None:
    """Return a grant for what a scope names and with the conditions that it adds; None if nothing is left of it."""
    resources = _each(_each(grant.resources, "{zone}", scope.zones), "{snapshot}", scope.snapshots)
    if not resources or (not scope.boundary and grant.actions == (SET_BOUNDARY,)):
        return None
    when = tuple(condition for condition in grant.when if scope.boundary or condition != BOUNDED)
    if scope.tenant:
        when += tuple(_TENANT[condition] for condition in grant.when if condition in _TENANT)
    return replace(grant, resources=resources, when=when)


def _each(resources: Sequence[str], placeholder: str, values: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        resource.replace(placeholder, value)
        for resource in resources
        for value in (values if placeholder in resource else ("",))
    )


#: What a condition on the cluster's tag is joined by in the policy of a tenant's role.
_TENANT = {OURS: TENANTS, TAGGED_BY_REQUEST: TENANTS_REQUEST}


def _beside(scope: Scope, part: Part) -> list[dict[str, Any]]:
    """Return the statements of a part that no resource class declares."""
    if part is Part.ASSUME and scope.assume:
        # Tags and identity of a session are actions of their own. Source: IAM User Guide, "Pass session tags in AWS
        # STS" and "Monitor and control actions taken with assumed roles".
        actions = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
        return [{"Effect": "Allow", "Action": actions, "Resource": sorted(scope.assume)}]
    if part is Part.DENY and scope.boundary:
        # They hold also where another policy of the operator's role allows more. Source: as for BOUNDED.
        versions = ["iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", _DEFAULT_VERSION]
        return [
            {"Effect": "Deny", "Action": ["iam:DeleteRolePermissionsBoundary"], "Resource": ["*"]},
            {"Effect": "Deny", "Action": versions, "Resource": [scope.boundary]},
            {
                "Effect": "Deny",
                "Action": _BOUNDED_ACTIONS,
                "Resource": ["*"],
                "Condition": {"StringNotEquals": {"iam:PermissionsBoundary": scope.boundary}},
            },
        ]
    return []


_DEFAULT_VERSION = "iam:SetDefaultPolicyVersion"
#: What gives a role rights, or lets somebody take it.
_BOUNDED_ACTIONS = [
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:UpdateAssumeRolePolicy",
]


def _packed(statements: Iterable[Mapping[str, Any]]) -> list[Document]:
    """Put each statement into the first document with room for it: none for no statement."""
    packed: list[Document] = []
    for statement in statements:
        longer = (_document([*document["Statement"], statement]) for document in packed)
        place, fits = next(((n, each) for n, each in enumerate(longer) if size(each) <= LIMIT), (len(packed), None))
        packed[place : place + 1] = [fits or _document([statement])]
    return packed


def _document(statements: list[Mapping[str, Any]]) -> Document:
    return {"Version": "2012-10-17", "Statement": statements}


def size(document: Document) -> int:
    """Count a document's characters as AWS does: without white space."""
    return len(json.dumps(document, separators=(",", ":")))


def merged(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """Join grants into as few as possible with the same meaning, without duplicates.

    A join never allows an action on a resource under weaker conditions than before: see each key.
    """
    rows = tuple(_union([replace(grant, implied="")]) for grant in grants)
    for key in (_same_terms, _tag_alone_decides, _same_actions, _alternatives):
        rows = _joined(rows, key)
    return tuple(sorted(rows, key=lambda grant: (grant.resources == ("*",), grant.actions, grant.resources)))


def _same_terms(grant: Grant) -> object:
    return grant.resources, grant.when


def _tag_alone_decides(grant: Grant) -> object:
    """Join grants that differ in opaque IDs only (EC2): every resource needs our tags for any of the actions."""
    if grant.when in {(OURS,), (OURS, TENANTS)} and not any("{" in resource for resource in grant.resources):
        return grant.actions[0].partition(":")[0], grant.when
    return grant


def _same_actions(grant: Grant) -> object:
    return grant.actions, grant.when


def _alternatives(grant: Grant) -> object:
    """Join grants that differ in resources and in the values of their only condition (the call in `CreateAction`).

    A call creates resources of one type, so it cannot tag those of another call.
    """
    if len(grant.when) == 1 and grant.when[0].operator == "StringEquals":
        return grant.actions, grant.when[0].key
    return grant


def _joined(grants: Sequence[Grant], key: Callable[[Grant], object]) -> tuple[Grant, ...]:
    groups: dict[object, list[Grant]] = {}
    for grant in grants:
        groups.setdefault(key(grant), []).append(grant)
    return tuple(_union(group) for group in groups.values())


def _union(group: Sequence[Grant]) -> Grant:
    return replace(
        group[0],
        actions=_all(grant.actions for grant in group),
        resources=_all(grant.resources for grant in group),
        when=tuple(
            replace(first, values=_all(grant.when[place].values for grant in group))
            for place, first in enumerate(group[0].when)
        ),
    )


def _all(parts: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(sorted({item for part in parts for item in part}))


def _statement(scope: Scope, grant: Grant) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Action": sorted(grant.actions),
        "Resource": sorted(scope.arn(resource) for resource in grant.resources),
    }
    if grant.when:
        statement["Condition"] = _conditions(scope, grant.when)
    return statement


def _conditions(scope: Scope, when: Iterable[Condition]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for condition in when:
        fill = scope.arn if condition.operator.startswith("Arn") else scope.fill
        values = [fill(value) for value in condition.values]
        found.setdefault(condition.operator, {})[condition.key] = values[0] if len(values) == 1 else values
    return found
