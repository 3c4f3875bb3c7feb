"""The IAM policy of the operator, put together from what the resource classes declare. Pure.

It is several documents, one or more a `Part`: AWS limits a managed policy to 6,144 characters (white space not counted)
and a role to ten of them. Source: IAM User Guide, "IAM and AWS STS quotas".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from missyou_operator.aws import zones
from missyou_operator.aws.identity import Names
from missyou_operator.aws.permissions import OURS, Condition, Grant, Part, with_names
from missyou_operator.aws.registry import KINDS

#: Characters of a managed policy.
LIMIT = 6144
#: How resources begin whose ARNs have no region, and those whose ARNs have no account either.
_GLOBAL, _NOBODYS = ("iam:", "route53:", "s3:", "cloudwatch:dashboard/"), ("route53:", "s3:")
#: Any region's name, such as us-gov-west-1, inside a longer name.
_ANY_REGION = "??-*-?"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """What the policy is narrowed to; each may be a pattern with `*` and `?`.

    `stack` is the prefix of names (`spec.stackName`), `cluster` the UID of the kube-system namespace, which our tags
    carry. Tags are what keeps others' resources safe; `stack` helps where AWS checks no tags.
    """

    partition: str = "aws"
    region: str = "*"
    account: str = "*"
    stack: str = "*"
    cluster: str = "*"

    def fill(self, text: str) -> str:
        """Replace the placeholders in a resource or a condition's value."""
        region = _ANY_REGION if self.region == "*" else self.region
        return text.format(stack=self.stack, region=region, account=self.account, cluster=self.cluster)

    def arn(self, resource: str) -> str:
        """Complete a grant's resource to an ARN."""
        if resource == "*":
            return resource
        service, _, rest = resource.partition(":")
        region = "" if resource.startswith(_GLOBAL) else self.region
        account = "" if resource.startswith(_NOBODYS) else self.account
        return f"arn:{self.partition}:{service}:{region}:{account}:{self.fill(rest)}"


def declared(patterns: Names) -> tuple[Grant, ...]:
    """Return all grants that the resource classes declare, for what stacks call their resources.

    Errors: TypeError for a class that declares none.
    """
    grants: list[Grant] = [*zones.PERMISSIONS]
    for kind in KINDS:
        if "PERMISSIONS" not in vars(kind):
            raise TypeError(f"{kind.__name__} declares no PERMISSIONS: say which AWS actions it uses, and on what")
        grants += vars(kind)["PERMISSIONS"]
    return tuple(with_names(grant, patterns) for grant in grants)


def documents(scope: Scope, grants: Sequence[Grant]) -> dict[str, Document]:
    """Return the policy documents by name: that of the part, and a number from the second one on (`make`, `make-2`).

    Together they are the policy.
    """
    found: dict[str, Document] = {}
    for part in Part:
        statements = [_statement(scope, grant) for grant in merged(grant for grant in grants if grant.part is part)]
        for number, document in enumerate(_packed(statements), 1):
            found[part.value if number == 1 else f"{part.value}-{number}"] = document
    return found


def _packed(statements: Iterable[Mapping[str, Any]]) -> list[Document]:
    """Put statements, in their order, into as few documents as their size allows."""
    packed = [_document([])]
    for statement in statements:
        longer = _document([*packed[-1]["Statement"], statement])
        if size(longer) <= LIMIT:
            packed[-1] = longer
        else:
            packed.append(_document([statement]))
    return packed


def _document(statements: list[Mapping[str, Any]]) -> Document:
    return {"Version": "2012-10-17", "Statement": statements}


def size(document: Document) -> int:
    """Count a document's characters as AWS does: without white space."""
    return len(json.dumps(document, separators=(",", ":")))


def merged(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """Join grants into as few as say the same, and leave out what another one covers.

    A join never allows an action on a resource on easier terms than before: see each key.
    """
    rows = tuple(_union([replace(grant, implied="")]) for grant in grants)
    for key in (_same_terms, _tag_alone_decides, _same_actions, _alternatives):
        rows = _joined(rows, key)
    return tuple(sorted(rows, key=lambda grant: (grant.resources == ("*",), grant.actions, grant.resources)))


def _same_terms(grant: Grant) -> object:
    return grant.resources, grant.when


def _tag_alone_decides(grant: Grant) -> object:
    """Join what differs in opaque ids only (EC2): each of the resources has to bear our tags for any of the actions."""
    if grant.when == (OURS,) and not any("{" in resource for resource in grant.resources):
        return grant.actions[0].partition(":")[0], grant.when
    return grant


def _same_actions(grant: Grant) -> object:
    return grant.actions, grant.when


def _alternatives(grant: Grant) -> object:
    """Join what differs in the values of its only condition, the creating call of `CreateAction` say, and in resources.

    What a call creates is of one type, so that no other call's resources can be meant.
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
