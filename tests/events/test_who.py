"""Who it was, by CloudTrail's own examples (CloudTrail User Guide, "CloudTrail userIdentity element") and more."""

from __future__ import annotations

import pytest

from missyou_operator.events.who import principal, readable


def session(role: str, name: str, **more: object) -> dict[str, object]:
    arn = f"arn:aws:iam::123456789012:role/{role}"
    issuer = {"type": "Role", "arn": arn, "userName": role.rpartition("/")[2]}
    return {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::123456789012:assumed-role/{role.rpartition('/')[2]}/{name}",
        "sessionContext": {"sessionIssuer": issuer},
        **more,
    }


@pytest.mark.parametrize(
    ("identity", "by"),
    [
        ({"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/Alice", "userName": "Alice"}, "Alice"),
        ({"type": "Root", "accountId": "123456789012"}, "the root user of account 123456789012"),
        (session("RoleToBeAssumed", "MySessionName"), "MySessionName (role RoleToBeAssumed)"),
        (session("aws-reserved/AWSReservedSSO_Admin_0123456789abcdef", "jane@example.com"), "jane@example.com (Admin)"),
        ({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "544894e8"}}, "user 544894e8 of IAM Identity Center"),
        ({"type": "AWSService", "invokedBy": "ecs.amazonaws.com"}, "AWS"),
        (session("aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS", "ECS"), "AWS"),
        ({"userName": "Alice", "invokedBy": "cloudformation.amazonaws.com"}, "Alice by cloudformation.amazonaws.com"),
        ({"type": "AWSAccount", "accountId": "210987654321"}, "account 210987654321"),
        ({"type": "WebIdentityUser", "principalId": "accounts.google.com:app:user", "userName": "user"}, "user"),
        ({"type": "IAMUser", "userName": "a\x1b[31m\nb" + "c" * 500}, "a[31mb" + "c" * 122),
        ({}, ""),
        ({"type": 7, "arn": [], "sessionContext": "x", "userName": {}}, ""),
    ],
)  # fmt: skip
def test_it_is_a_name_that_a_person_knows(identity: dict[str, object], by: str) -> None:
    assert readable(identity) == by


def test_a_role_is_the_same_whatever_its_path_and_its_session() -> None:
    role = principal("arn:aws:iam::123456789012:role/team/missyou-operator")
    assert principal("arn:aws:sts::123456789012:assumed-role/missyou-operator/botocore-session-17") == role
    assert principal("arn:aws:sts::210987654321:assumed-role/missyou-operator/botocore-session-17") != role
    assert principal("arn:aws:iam::123456789012:user/missyou-operator") != role
