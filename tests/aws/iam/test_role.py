"""Roles: documents are compared by meaning, foreign rights are removed, propagation is waited for."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.boundary import boundary_in
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.iam.role import Role
from missyou_operator.aws.policy_documents import grants, normalised
from missyou_operator.engine.errors import RefusedError
from tests.aws.live import ACCOUNT, apply, changed, client, live, neighbour, observe, read, tags

LOGS = {
    "Effect": "Allow",
    "Action": ("logs:PutLogEvents", "logs:CreateLogStream"),
    "Resource": ("arn:aws:logs:eu-central-1:123456789012:log-group:/ecs/x:*",),
}
PULL = {"Effect": "Allow", "Action": ("ecr:GetAuthorizationToken",), "Resource": ("*",)}
POLICY = {"Version": "2012-10-17", "Statement": (LOGS, PULL)}


def role(cloud: Cloud, policy: dict[str, Any] | None = POLICY) -> Role:
    name = f"{cloud.stack.name}-{cloud.stack.region}-execution"
    return Role(
        name=name,
        component="Service",
        tags=tags(cloud, name, "Service"),
        account=ACCOUNT,
        policy=policy,
        description="Starts the tasks",
    )


@pytest.mark.parametrize("policy", [POLICY, None])
def test_what_was_created_is_found_as_desired(policy: dict[str, Any] | None) -> None:
    cloud = live()
    desired = role(cloud, policy)
    created = desired.create(cloud)
    found = observe(desired, cloud)
    assert desired.diff(found) == desired.diff(created) == ()
    assert found.owned
    assert [created.attrs[key] for key in ("id", "arn", "attached")] == [
        found.attrs[key] for key in ("id", "arn", "attached")
    ]


def test_only_ecs_for_this_account_may_assume_it() -> None:
    cloud = live()
    role(cloud).create(cloud)
    document = client("iam").get_role(RoleName=role(cloud).name)["Role"]["AssumeRolePolicyDocument"]
    [statement] = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    assert statement["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_foreign_policies_are_named_and_removed() -> None:
    cloud, iam = live(), client("iam")
    desired = role(cloud)
    desired.create(cloud)
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    iam.put_role_policy(RoleName=desired.name, PolicyName="sneaky", PolicyDocument=document)
    arn = iam.create_policy(PolicyName=f"{desired.name}-extra", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=desired.name, PolicyArn=arn)
    [change] = desired.diff(observe(desired, cloud))
    assert change.before == f"inline policy sneaky; attached policy {arn}"
    assert change.after == "(nothing more)"
    after = apply(desired, cloud)
    assert desired.diff(after) == ()
    assert (after.attrs["inline"], after.attrs["attached"]) == (("missyou",), ())


def _policy_of(name: str) -> str:
    document = json.dumps({"Version": "2012-10-17", "Statement": [LOGS]})
    return str(client("iam").create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"])


def test_a_role_is_created_with_its_boundary_and_another_or_none_is_put_right() -> None:
    cloud, iam = live(), client("iam")
    ours, other = _policy_of("bounded-ours"), _policy_of("bounded-other")
    desired = replace(role(cloud), permissions_boundary=ours)
    created = desired.create(cloud)
    assert created.attrs["permissions_boundary"] == ours
    assert desired.diff(observe(desired, cloud)) == ()
    iam.put_role_permissions_boundary(RoleName=desired.name, PermissionsBoundary=other)
    [change] = desired.diff(observe(desired, cloud))
    assert (change.field, change.before, change.after) == ("permissions_boundary", other, ours)
    assert desired.diff(apply(desired, cloud)) == ()
    iam.delete_role_permissions_boundary(RoleName=desired.name)
    [change] = desired.diff(observe(desired, cloud))
    assert (change.field, change.before, change.after) == ("permissions_boundary", "(none)", ours)
    assert desired.diff(apply(desired, cloud)) == ()
    found = iam.get_role(RoleName=desired.name)["Role"]["PermissionsBoundary"]
    assert found["PermissionsBoundaryArn"] == ours


def test_without_the_setting_a_boundary_that_is_there_stays() -> None:
    cloud = live()
    replace(role(cloud), permissions_boundary=_policy_of("bounded-stays")).create(cloud)
    assert role(cloud).diff(observe(role(cloud), cloud)) == ()


def test_a_boundary_that_is_missing_in_the_account_is_named_with_the_command_that_creates_it() -> None:
    cloud = live()
    absent = f"arn:aws:iam::{ACCOUNT}:policy/absent"
    desired = replace(role(cloud), permissions_boundary=absent)
    with pytest.raises(RefusedError) as caught:
        desired.create(cloud)
    health = caught.value.health
    assert health.reason == Reason.BOUNDARY_NOT_FOUND
    for words in (absent, "--permissions-boundary", "missyou iam-policy --boundary", "--policy-name absent"):
        assert words in health.message
    role(cloud).create(cloud)
    with pytest.raises(RefusedError):
        apply(desired, cloud)


@pytest.mark.parametrize(
    ("setting", "found"),
    [
        ("", None),
        ("arn:aws:iam::123456789012:policy/team/limits", "arn:aws-cn:iam::999999999999:policy/team/limits"),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws-cn:iam::aws:policy/ReadOnlyAccess"),
    ],
)
def test_the_boundary_is_the_policy_of_that_name_in_the_stacks_account(setting: str, found: str | None) -> None:
    assert boundary_in(setting, "aws-cn", "999999999999") == found


def test_a_role_without_a_policy_loses_its_previous_one() -> None:
    cloud = live()
    role(cloud).create(cloud)
    assert role(cloud, None).diff(apply(role(cloud, None), cloud)) == ()
    assert observe(role(cloud), cloud).attrs["inline"] == ()


def test_a_plan_says_which_rights_change() -> None:
    cloud = live()
    role(cloud).create(cloud)
    wider = {**POLICY, "Statement": (LOGS, {**PULL, "Action": ("ecr:BatchGetImage",)})}
    [change] = role(cloud, wider).diff(observe(role(cloud), cloud))
    assert (change.before, change.after) == ("Allow ecr:GetAuthorizationToken on *", "Allow ecr:BatchGetImage on *")


def test_a_changed_trust_and_lost_tags_are_set_again() -> None:
    cloud = live()
    desired = role(cloud)
    desired.create(cloud)
    open_to_all = {**desired.trust, "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}}
    client("iam").update_assume_role_policy(RoleName=desired.name, PolicyDocument=json.dumps(open_to_all))
    desired = replace(desired, tags={**desired.tags, "Team": "x"})
    assert changed(desired, observe(desired, cloud)) == {"trust", "tags"}
    assert desired.diff(apply(desired, cloud)) == ()


def test_a_role_is_deleted_with_its_policies_and_twice_is_fine() -> None:
    cloud = live()
    role(cloud).create(cloud)
    found = observe(role(cloud), cloud)
    for _ in range(2):
        assert Role.delete(cloud, found).status == "ready"
    assert read(Role, cloud) == []


def test_another_owners_role_is_not_ours() -> None:
    cloud = live()
    role(neighbour(cloud)).create(neighbour(cloud))
    assert not observe(role(cloud), cloud).owned


def test_a_new_role_is_waited_for() -> None:
    cloud = live()
    found = role(cloud).create(cloud).with_attrs(created=datetime(2026, 1, 1, tzinfo=UTC))

    def after(seconds: float) -> str:
        return role(cloud).health(found, lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).reason

    assert (after(4.9), after(5.0)) == ("Propagating", "Available")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"Action": "a"}, {"Action": ["a"]}, True),
        ({"Action": ["b", "a"]}, {"Action": ("a", "b")}, True),
        ({"Statement": [{"Action": ["x"]}]}, {"Statement": {"Action": "x"}}, True),
        ({"Statement": [LOGS, PULL]}, {"Statement": [PULL, LOGS]}, True),
        ({"Action": "a"}, {"Action": ["a", "b"]}, False),
        ({"Action": "a"}, {"NotAction": "a"}, False),
    ],
)
def test_documents_are_compared_by_meaning(one: Any, other: Any, same: bool) -> None:
    assert (normalised(one) == normalised(other)) is same


def test_grants_show_the_effect_and_the_condition() -> None:
    statement = {"Effect": "Deny", "Action": "s3:*", "Resource": ["a", "b"], "Condition": {"Bool": {"x": "true"}}}
    assert grants({"Statement": statement}) == {'Deny s3:* on a, b if {"Bool":{"x":"true"}}'}
    assert grants(None) == frozenset()
