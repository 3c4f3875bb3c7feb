"""What the operator's identity may do, as IAM's simulator says.

Sources: IAM API reference, SimulatePrincipalPolicy and EvaluationResult; IAM user guide, "Testing IAM policies with the
IAM policy simulator" (what it does not evaluate: a decision for want of a context value is no decision) and "Using
service-linked roles".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from missyou_operator.aws.account.facts import Decision, Facts, LinkedRole
from missyou_operator.aws.account.wanted import Wanted
from missyou_operator.aws.cloud import Client, Cloud
from missyou_operator.aws.permissions import Grant, Part, observe, with_names
from missyou_operator.aws.registry import KINDS
from missyou_operator.aws.scope import Scope
from missyou_operator.engine.errors import RefusedError

PERMISSIONS = (observe("iam:SimulatePrincipalPolicy", "iam:ListRoles"),)

_ASSUMED = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/.+")
_LINKED = "iam:CreateServiceLinkedRole"
#: Which calls tag what they create can be simulated for one call at a time only: left out.
_LEFT_OUT = ":CreateAction"


def read(cloud: Cloud, wanted: Wanted) -> Facts:
    """Have IAM judge all that creating and keeping the stack takes: a call for each service."""
    arn = cloud.once("sts.get_caller_identity", cloud.client("sts").get_caller_identity)["Arn"]
    if arn.endswith(":root"):
        return Facts(principal=arn)
    iam, source = cloud.client("iam"), _source(arn)
    scope = _scope(cloud, wanted)
    grants = [with_names(grant, cloud.patterns) for grant in _grants(wanted)]
    by_service: dict[str, list[Grant]] = {}
    for grant in grants:
        if grant.actions != (_LINKED,):
            by_service.setdefault(grant.actions[0].partition(":")[0], []).append(grant)
    decisions = [each for some in by_service.values() for each in _judged(iam, source, scope, some)]
    linked = [grant for grant in grants if grant.actions == (_LINKED,)]
    return Facts(arn, decisions=tuple(decisions), linked_roles=tuple(_missing_roles(iam, source, scope, linked)))


def _source(arn: str) -> str:
    """Return the ARN of the user or role that an identity's policies belong to. STS does not tell a role's path."""
    found = _ASSUMED.fullmatch(arn)
    if found:
        return f"arn:{found['partition']}:iam::{found['account']}:role/{found['role']}"
    if ":user/" in arn and ":iam:" in arn:
        return arn
    raise RefusedError("Unsupported", f"the simulator judges users and roles, and {arn} is neither")


def _grants(wanted: Wanted) -> Iterator[Grant]:
    """Yield what the classes of the new resources declare, but for reads: those have been made."""
    for kind in KINDS:
        if kind.TYPE in wanted.types:
            for grant in vars(kind)["PERMISSIONS"]:
                if grant.part in {Part.MAKE, Part.CHANGE} and not any(c.key.endswith(_LEFT_OUT) for c in grant.when):
                    yield grant


def _scope(cloud: Cloud, wanted: Wanted) -> Scope:
    stack = cloud.stack
    return Scope(
        stack.partition,
        stack.region,
        stack.account,
        stack.name,
        stack.cluster,
        zones=(),
        snapshots=(),
        boundary=wanted.boundary,
    )


def _judged(iam: Client, source: str, scope: Scope, grants: Sequence[Grant]) -> Iterator[Decision]:
    """Yield IAM's decision on each action on each resource that its grant names."""
    pairs = dict.fromkeys(
        (action, scope.arn(resource))
        for grant in grants
        for action in grant.actions
        for resource in grant.resources
        if "{" not in resource or "{stack}" in resource or "{region}" in resource
    )
    if not pairs:
        return
    asked = {
        "ActionNames": sorted({action for action, _ in pairs}),
        "ResourceArns": sorted({resource for _, resource in pairs}),
        "ContextEntries": _context(scope, grants),
    }
    for row in _results(iam, source, asked):
        for each in row.get("ResourceSpecificResults") or [_whole(row)]:
            if (row["EvalActionName"], each["EvalResourceName"]) in pairs and not _undecided(each):
                organization = row.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True)
                yield Decision(
                    row["EvalActionName"],
                    each["EvalResourceName"],
                    allowed=each["EvalResourceDecision"] == "allowed" and organization,
                    forbidden=each["EvalResourceDecision"] == "explicitDeny" or not organization,
                )


def _results(iam: Client, source: str, asked: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    pages = iam.get_paginator("simulate_principal_policy").paginate(PolicySourceArn=source, **asked)
    for page in pages:
        yield from page["EvaluationResults"]


def _whole(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "EvalResourceName": row.get("EvalResourceName", "*"),
        "EvalResourceDecision": row["EvalDecision"],
        "MissingContextValues": row.get("MissingContextValues", []),
    }


def _undecided(result: Mapping[str, Any]) -> bool:
    """Return whether a denial may come of what the simulator was not told."""
    return result["EvalResourceDecision"] == "implicitDeny" and bool(result.get("MissingContextValues"))


def _context(scope: Scope, grants: Iterable[Grant]) -> list[dict[str, Any]]:
    """Return the values of the conditions' keys, as the operator's requests have them."""
    found = {}
    for condition in (each for grant in grants for each in grant.when):
        fill = scope.arn if condition.operator.startswith("Arn") else scope.fill
        found[condition.key] = fill(condition.values[0])
    return [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"} for key, value in found.items()
    ]


def _missing_roles(iam: Client, source: str, scope: Scope, grants: Sequence[Grant]) -> Iterator[LinkedRole]:
    """Yield the service-linked roles that the stack needs and the account lacks."""
    rows = iam.get_paginator("list_roles").paginate(PathPrefix="/aws-service-role/")
    paths = {role["Path"] for page in rows for role in page["Roles"]}
    for grant in grants:
        [service] = grant.when[0].values
        if f"/aws-service-role/{service}/" in paths:
            continue
        asked = {
            "ActionNames": [_LINKED],
            "ResourceArns": [scope.arn(grant.resources[0])],
            "ContextEntries": _context(scope, [grant]),
        }
        decisions = [row["EvalDecision"] for row in _results(iam, source, asked)]
        yield LinkedRole(service, creatable=all(each == "allowed" for each in decisions))
