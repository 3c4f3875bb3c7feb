"""IAM's policy simulator, which moto lacks. Everything is allowed, except what a fault denies."""

from __future__ import annotations

from missyou_local.aws.call import Call, Result, handles

_SERVICES = {"elasticloadbalancing": "elbv2", "tag": "resourcegroupstaggingapi"}
"""Prefix of IAM actions -> boto3's name of the service, where the two differ."""


@handles("iam:SimulatePrincipalPolicy", "iam:SimulateCustomPolicy")
def simulate_policy(call: Call) -> Result:
    """Return the decision for each action on each resource."""
    resources = call.params.get("ResourceArns") or ["*"]
    return {
        "EvaluationResults": [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": "explicitDeny" if _denied(call, action) else "allowed",
                "MatchedStatements": [],
                "MissingContextValues": [],
            }
            for action in call.params["ActionNames"]
            for resource in resources
        ],
        "IsTruncated": False,
    }


def _denied(call: Call, action: str) -> bool:
    service, _, operation = action.partition(":")
    return call.denies(f"{_SERVICES.get(service, service)}:{operation}")
