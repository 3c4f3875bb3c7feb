"""The permissions boundary of the roles that the operator creates: the most that such a role may ever do. Pure.

Whatever policy a role gets, by whomever, it can do no more than this: start tasks of its own stack, write its logs, and
shift requests between its target groups.
Source: IAM User Guide, "Permissions boundaries for IAM entities".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from missyou_operator.aws.iam_policy import Document
from missyou_operator.aws.identity import Names
from missyou_operator.aws.permissions import ROLE_TAG
from missyou_operator.aws.scope import Scope

_PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
_READ = ["secretsmanager:GetSecretValue"]


def boundary(scope: Scope, names: Names, secrets: Sequence[str] = (), repositories: Sequence[str] = ()) -> Document:
    """Return the boundary. `secrets` and `repositories` are ARNs, or patterns of them, of what is not a stack's own.

    What is a stack's own is told by its name, which the role's tag has: the role of one stack reads nothing of another.
    """
    return {"Version": "2012-10-17", "Statement": list(_statements(scope, names, secrets, repositories))}


def boundary_in(arn: str, partition: str, account: str) -> str | None:
    """Return the policy of the same name in an account, since a role's boundary is a policy of its own account.

    One that AWS manages is in all of them. None for no ARN.
    """
    if not arn:
        return None
    _, _, _, _, owner, name = arn.split(":", 5)
    return f"arn:{partition}:iam::{owner if owner == 'aws' else account}:{name}"


def _statements(
    scope: Scope, names: Names, secrets: Sequence[str], repositories: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    own = replace(scope, stack=f"${{aws:PrincipalTag/{ROLE_TAG}}}")
    named = {"StringLike": {f"aws:PrincipalTag/{ROLE_TAG}": scope.stack}}
    # Secrets Manager appends six characters of its own.
    kept = [own.arn(f"secretsmanager:secret:{name}-??????") for name in names["secretsmanager.Secret"]]
    yield _allow(_READ, kept, named)
    yield _allow(_PULL, [own.arn(f"ecr:repository/{name}") for name in names["ecr.Repository"]], named)
    yield _allow(["ecr:GetAuthorizationToken"], ["*"])
    logs = [own.arn(f"logs:log-group:{name}:*") for name in names["ecs.Log"]]
    yield _allow(["logs:CreateLogStream", "logs:PutLogEvents"], logs, named)
    flows = [own.arn(f"logs:log-group:{name}:*") for name in names["ec2.FlowLogGroup"]]
    yield _allow(["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], flows, named)
    yield _allow(["logs:DescribeLogGroups"], ["*"])
    yield from _balancing(own, names, named)
    if repositories:
        yield _allow(_PULL, sorted(repositories))
    if secrets:
        yield _allow(_READ, sorted(secrets))
        # They may have a key of their own. Source: Secrets Manager user guide, "Secret encryption and decryption".
        yield _allow(
            ["kms:Decrypt"],
            [f"arn:{scope.partition}:kms:{scope.region}:*:key/*"],
            {
                "StringLike": {
                    "kms:ViaService": f"secretsmanager.{scope.region}.amazonaws.com*",
                    "kms:EncryptionContext:SecretARN": sorted(secrets),
                }
            },
        )


def _balancing(own: Scope, names: Names, named: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Allow what ECS needs to shift requests between two target groups: see `stack.service.balancing_role`."""
    service = "elasticloadbalancing"
    read = ("DescribeListeners", "DescribeRules", "DescribeTargetGroups", "DescribeTargetHealth")
    yield _allow([f"{service}:{each}" for each in read], ["*"])
    groups = [own.arn(f"{service}:targetgroup/{name}/*") for name in names["elbv2.TargetGroup"]]
    yield _allow([f"{service}:DeregisterTargets", f"{service}:RegisterTargets"], groups, named)
    kinds = ("listener", "listener-rule")
    rules = [own.arn(f"{service}:{kind}/app/{name}/*") for kind in kinds for name in names["elbv2.LoadBalancer"]]
    yield _allow([f"{service}:ModifyListener", f"{service}:ModifyRule"], rules, named)


def _allow(
    actions: Sequence[str], resources: Sequence[str], condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return {**statement, **({"Condition": condition} if condition else {})}
