"""IAM's simulator of policies: what a user or a role may do. moto has none.

Source: IAM API reference, SimulatePrincipalPolicy, and the note on EvaluationResult: one result for each action, with
the decision on each resource in ResourceSpecificResults. Of conditions, it knows two operators of strings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, Result, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.iam import rights


@handles("iam:SimulatePrincipalPolicy")
def simulate_principal_policy(call: Call) -> Result:
    """Judge each action on each resource by all policies of a user or a role, its boundary included."""
    params = call.params
    who = _principal(call, params["PolicySourceArn"])
    context = {row["ContextKeyName"]: row["ContextKeyValues"][0] for row in params.get("ContextEntries", ())}
    documents = [json.loads(text) for text in _policies(call, who)]
    boundary = _boundary(call, who)
    results = []
    for action in params["ActionNames"]:
        judged = [
            (resource, rights.decision(documents, boundary, action, resource, context))
            for resource in params.get("ResourceArns") or ["*"]
        ]
        worst = next((each for each in ("explicitDeny", "implicitDeny") if each in dict(judged).values()), "allowed")
        results.append(
            {
                "EvalActionName": action,
                "EvalResourceName": judged[0][0],
                "EvalDecision": worst,
                "ResourceSpecificResults": [
                    {"EvalResourceName": resource, "EvalResourceDecision": decision, "MissingContextValues": []}
                    for resource, decision in judged
                ],
            }
        )
    return {"EvaluationResults": results, "IsTruncated": False}


def _principal(call: Call, arn: str) -> Any:
    iam = backends.backend("iam", call.account, "global")
    for each in (*iam.users.values(), *iam.get_roles()):
        if each.arn == arn:
            return each
    raise AwsError("NoSuchEntity", f"The entity {arn} cannot be found.", 404)


def _policies(call: Call, who: Any) -> Iterator[str]:
    yield from (str(text) for text in who.policies.values())
    iam = backends.backend("iam", call.account, "global")
    for arn in who.managed_policies:
        yield rights.text_of(iam.managed_policies[arn])


def _boundary(call: Call, who: Any) -> Any:
    arn = getattr(who, "permissions_boundary_arn", None)
    policy = backends.backend("iam", call.account, "global").managed_policies.get(arn) if arn else None
    return json.loads(rights.text_of(policy)) if policy else None
