"""What IAM refuses of roles, and the nearest that it accepts."""

from __future__ import annotations

import json
from typing import Any

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import ACCOUNT, ECS_TRUST, Act, Place, Rule, each, hold, steps


def _role_with(**changes: Any) -> Act:
    return lambda s: s.aws.iam.create_role(
        **{"RoleName": s.name + "-r", "AssumeRolePolicyDocument": ECS_TRUST, **changes}
    )


def _trust(**changes: Any) -> str:
    statement = {**json.loads(ECS_TRUST)["Statement"][0], **changes}
    kept = {key: value for key, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [kept]})


def _inline(size: int, name: str = "one") -> Act:
    """Put an inline policy whose text has this many characters."""
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": ""}
    body: dict[str, Any] = {"Version": "2012-10-17", "Statement": [statement]}
    empty = len(json.dumps(body, separators=(",", ":")))
    statement["Resource"] = "arn:aws:s3:::".ljust(size - empty, "x")
    text = json.dumps(body, separators=(",", ":"))
    return lambda s: s.aws.iam.put_role_policy(RoleName=s.role, PolicyName=name, PolicyDocument=text)


def _policy(s: Place, number: int) -> str:
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    return str(s.aws.iam.create_policy(PolicyName=f"{s.name}-{number}", PolicyDocument=document)["Policy"]["Arn"])


def _attach(number: int) -> Act:
    return lambda s: s.aws.iam.attach_role_policy(RoleName=s.role, PolicyArn=_policy(s, number))


def _delete_role(s: Place) -> None:
    s.aws.iam.delete_role(RoleName=s.role)


def _managed(s: Place) -> str:
    return f"arn:aws:iam::{ACCOUNT}:policy/{s.name}-1"


RULES = [
    Rule(
        "iam:CreateRole",
        "the name is taken, whatever its case",
        "EntityAlreadyExists",
        "API CreateRole",
        lambda s: _role_with(RoleName=s.name.upper())(s),
        lambda s: _role_with(RoleName=s.name + "2")(s),
        lambda s: s.role,
        status=409,
    ),
    Rule(
        "iam:CreateRole",
        "a name of 65 characters",
        "ValidationError",
        "API CreateRole",
        lambda s: _role_with(RoleName=s.name.ljust(65, "x"))(s),
        lambda s: _role_with(RoleName=s.name.ljust(64, "x"))(s),
    ),
    Rule(
        "iam:CreateRole",
        "a character in the name",
        "ValidationError",
        "API CreateRole",
        lambda s: _role_with(RoleName=s.name + "/x")(s),
        lambda s: _role_with(RoleName=s.name + "_+=,.@-x")(s),
    ),
    Rule(
        "iam:CreateRole",
        "a path that does not end with a slash",
        "ValidationError",
        "API CreateRole",
        _role_with(Path="/missyou"),
        _role_with(Path="/missyou/"),
    ),
    Rule(
        "iam:CreateRole",
        "a trust policy that is no JSON",
        "MalformedPolicyDocument",
        "API CreateRole",
        _role_with(AssumeRolePolicyDocument="{"),
        _role_with(),
    ),
    Rule(
        "iam:CreateRole",
        "a trust policy without a principal",
        "MalformedPolicyDocument",
        "IAM guide, Grammar of the JSON policy language",
        _role_with(AssumeRolePolicyDocument=_trust(Principal=None)),
        _role_with(AssumeRolePolicyDocument=_trust(Principal={"AWS": ACCOUNT})),
    ),
    Rule(
        "iam:CreateRole",
        "a trust policy with a resource",
        "MalformedPolicyDocument",
        "IAM guide, Resource element: not in trust policies",
        _role_with(AssumeRolePolicyDocument=_trust(Resource="*")),
        _role_with(AssumeRolePolicyDocument=_trust(Sid="x")),
        words="Has prohibited field Resource",
    ),
    Rule(
        "iam:CreateRole",
        "the permissions boundary is no policy of the account",
        "NoSuchEntity",
        "API CreateRole, PermissionsBoundary; IAM User Guide, Permissions boundaries for IAM entities",
        _role_with(PermissionsBoundary=f"arn:aws:iam::{ACCOUNT}:policy/absent"),
        lambda s: _role_with(PermissionsBoundary=_policy(s, 1))(s),
        status=404,
        words="does not exist or is not attachable",
    ),
    Rule(
        "iam:PutRolePermissionsBoundary",
        "it is no policy of the account",
        "NoSuchEntity",
        "API PutRolePermissionsBoundary",
        lambda s: s.aws.iam.put_role_permissions_boundary(
            RoleName=s.role, PermissionsBoundary=f"arn:aws:iam::{ACCOUNT}:policy/absent"
        ),
        lambda s: s.aws.iam.put_role_permissions_boundary(RoleName=s.role, PermissionsBoundary=_policy(s, 1)),
        status=404,
    ),
    Rule(
        "iam:UpdateAssumeRolePolicy",
        "an action of another service",
        "MalformedPolicyDocument",
        "API UpdateAssumeRolePolicy",
        lambda s: s.aws.iam.update_assume_role_policy(RoleName=s.role, PolicyDocument=_trust(Action="s3:GetObject")),
        lambda s: s.aws.iam.update_assume_role_policy(
            RoleName=s.role, PolicyDocument=_trust(Action=["sts:TagSession"])
        ),
    ),
    Rule(
        "iam:CreateRole",
        "a trust policy of more than 2048 characters",
        "LimitExceeded",
        "IAM guide, IAM and AWS STS quotas",
        _role_with(AssumeRolePolicyDocument=_trust(Sid="x" * 2000)),
        _role_with(AssumeRolePolicyDocument=_trust(Sid="x" * 1800)),
        status=409,
    ),
    Rule(
        "iam:PutRolePolicy",
        "more than 10 240 characters of inline policies",
        "LimitExceeded",
        "IAM guide, IAM and AWS STS quotas",
        _inline(6000, "two"),
        steps(_inline(6000), _inline(4240, "two")),
        _inline(6000),
        status=409,
    ),
    Rule(
        "iam:AttachRolePolicy",
        "more than ten managed policies",
        "LimitExceeded",
        "IAM guide, IAM and AWS STS quotas",
        _attach(11),
        lambda s: s.aws.iam.attach_role_policy(RoleName=s.role, PolicyArn=_managed(s)),
        lambda s: [_attach(number)(s) for number in range(1, 11)],
        status=409,
    ),
    Rule(
        "iam:PutRolePolicy",
        "a policy that is no JSON",
        "MalformedPolicyDocument",
        "API PutRolePolicy",
        lambda s: s.aws.iam.put_role_policy(RoleName=s.role, PolicyName="x", PolicyDocument="{"),
        _inline(200),
    ),
    Rule(
        "iam:DeleteRole",
        "an inline policy is in it",
        "DeleteConflict",
        "API DeleteRole",
        _delete_role,
        steps(lambda s: s.aws.iam.delete_role_policy(RoleName=s.role, PolicyName="one"), _delete_role),
        _inline(200),
        status=409,
    ),
    Rule(
        "iam:DeleteRole",
        "a managed policy is attached",
        "DeleteConflict",
        "API DeleteRole",
        _delete_role,
        steps(lambda s: s.aws.iam.detach_role_policy(RoleName=s.role, PolicyArn=_managed(s)), _delete_role),
        _attach(1),
        status=409,
    ),
    Rule(
        "iam:DeleteRole",
        "it is linked to a service",
        "UnmodifiableEntity",
        "API DeleteRole",
        lambda s: s.aws.iam.delete_role(RoleName=s.kept["linked"]["RoleName"]),
        _delete_role,
        lambda s: s.keep("linked", s.aws.iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")["Role"]),
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)
