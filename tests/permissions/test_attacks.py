"""What somebody tries who has the operator's credentials, those of a tenant's session, or those of a task's role.

IAM is played by iam-simulate, which judges by AWS's Service Authorization Reference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import pytest

from missyou_operator.aws.boundary import boundary
from missyou_operator.aws.ec2.flow_logs import WRITER
from missyou_operator.aws.iam.role import Role
from missyou_operator.aws.iam_policy import Document
from missyou_operator.aws.scope import Scope
from missyou_operator.aws.tenant_session import external_id, source_identity, trust
from missyou_operator.cli.policy import policy
from missyou_operator.stack.naming import NAMES
from tests.stack.specs import STACK, graph

from .simulator import Answers, Asked, ask

pytestmark = pytest.mark.timeout(300)
ACCOUNT, REGION, CLUSTER = STACK.account, STACK.region, STACK.cluster
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/missyou-boundary"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
NARROW = Scope(
    region=REGION,
    account=ACCOUNT,
    cluster=CLUSTER,
    zones=("Z0OURS",),
    snapshots=(),
    boundary=BOUNDARY,
    assume=(f"arn:aws:iam::{ACCOUNT}:role/missyou-team-a",),
)
TENANT = replace(NARROW, tenant=True, assume=())
GRANTED = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:granted-??????"
LIMITS = boundary(NARROW, NAMES, secrets=[GRANTED])
EVERYTHING: Document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
OPERATOR = f"arn:aws:iam::{ACCOUNT}:role/missyou-operator"
POLICIES: dict[str, list[Document]] = {
    "operator": list(policy(NARROW).values()),
    # Somebody has attached more to the operator's role.
    "operator-and-more": [*policy(NARROW).values(), EVERYTHING],
    "tenant": list(policy(TENANT).values()),
    "everything": [EVERYTHING],
}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop-{REGION}-execution"
_TAGS = {"missyou.app/cluster": CLUSTER, "missyou.app/stack": "team-a/shop"}
OURS = {f"aws:ResourceTag/{key}": value for key, value in _TAGS.items()}
GIVEN = {
    **{f"aws:RequestTag/{key}": value for key, value in _TAGS.items()},
    "aws:RequestTag/missyou-stack": "shop",
    "aws:TagKeys": ["missyou-stack", *_TAGS],
}
BOUNDED = {"iam:PermissionsBoundary": BOUNDARY}
#: The session of a tenant's role for an app of the namespace team-a.
SESSION = {"aws:PrincipalTag/missyou-cluster": CLUSTER, "aws:PrincipalTag/missyou-namespace": "team-a"}
OF_B = {**OURS, "aws:ResourceTag/missyou.app/stack": "team-b/shop"}
#: The session of the execution role of the stack shop.
STARTING = {"aws:PrincipalTag/missyou-stack": "shop"}


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


DATABASE, VPC = arn("rds", "db:shop-db"), arn("ec2", "vpc/vpc-0a")
SECRET, REPOSITORY = arn("secretsmanager", "secret:shop/db_credentials-AbCdEf"), arn("ecr", "repository/shop")
ZONES = "route53:ChangeResourceRecordSetsRecordTypes"
THEIRS = {**OURS, "aws:ResourceTag/missyou.app/cluster": "another-cluster"}
Case = tuple[str, str, str, Mapping[str, Any]]

#: By what is tried: policy, action, resource, context.
REFUSED: dict[str, Case] = {
    "create a role without the boundary": ("operator", "iam:CreateRole", ROLE, GIVEN),
    "create a role with another boundary": (
        "operator",
        "iam:CreateRole",
        ROLE,
        {**GIVEN, "iam:PermissionsBoundary": ADMINISTRATOR},
    ),
    "create a role of another name": (
        "operator",
        "iam:CreateRole",
        f"arn:aws:iam::{ACCOUNT}:role/admin",
        {**GIVEN, **BOUNDED},
    ),
    "create a role without our tags": ("operator", "iam:CreateRole", ROLE, BOUNDED),
    "write the policy of a role without the boundary": ("operator", "iam:PutRolePolicy", ROLE, OURS),
    "write the policy of somebody's role": (
        "operator",
        "iam:PutRolePolicy",
        f"arn:aws:iam::{ACCOUNT}:role/deploy",
        {},
    ),
    "let oneself take somebody's role": (
        "operator",
        "iam:UpdateAssumeRolePolicy",
        f"arn:aws:iam::{ACCOUNT}:role/admin",
        {},
    ),
    "let oneself take the operator's role": ("operator", "iam:UpdateAssumeRolePolicy", OPERATOR, {}),
    "write the policy of the operator's role": ("operator", "iam:PutRolePolicy", OPERATOR, {}),
    "attach AdministratorAccess": (
        "operator",
        "iam:AttachRolePolicy",
        ROLE,
        {**OURS, **BOUNDED, "iam:PolicyARN": ADMINISTRATOR},
    ),
    "take the boundary away": ("operator", "iam:DeleteRolePermissionsBoundary", ROLE, {**OURS, **BOUNDED}),
    "set another boundary": (
        "operator",
        "iam:PutRolePermissionsBoundary",
        ROLE,
        {**OURS, "iam:PermissionsBoundary": ADMINISTRATOR},
    ),
    "widen the boundary": ("operator", "iam:CreatePolicyVersion", BOUNDARY, {}),
    "pass an administrator's role to ECS": (
        "operator",
        "iam:PassRole",
        f"arn:aws:iam::{ACCOUNT}:role/admin",
        {"iam:PassedToService": "ecs-tasks.amazonaws.com"},
    ),
    "log the traffic of somebody's VPC": ("operator", "ec2:CreateFlowLogs", VPC, THEIRS),
    "stop the flow log of somebody": ("operator", "ec2:DeleteFlowLogs", arn("ec2", "vpc-flow-log/fl-0a"), THEIRS),
    "take another namespace's flow log away": (
        "tenant",
        "ec2:DeleteFlowLogs",
        arn("ec2", "vpc-flow-log/fl-0a"),
        {**SESSION, **OF_B},
    ),
    "pass a role of ours to EC2": ("operator", "iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}),
    "with more rights: take the boundary away": (
        "operator-and-more",
        "iam:DeleteRolePermissionsBoundary",
        ROLE,
        {**OURS, **BOUNDED},
    ),
    "with more rights: create a role without the boundary": ("operator-and-more", "iam:CreateRole", ROLE, GIVEN),
    "with more rights: attach AdministratorAccess to a role without the boundary": (
        "operator-and-more",
        "iam:AttachRolePolicy",
        f"arn:aws:iam::{ACCOUNT}:role/x",
        {"iam:PolicyARN": ADMINISTRATOR},
    ),
    "with more rights: widen the boundary": ("operator-and-more", "iam:CreatePolicyVersion", BOUNDARY, {}),
    "with more rights: put an older version of the boundary in force": (
        "operator-and-more",
        "iam:SetDefaultPolicyVersion",
        BOUNDARY,
        {},
    ),
    "delete another cluster's database": ("operator", "rds:DeleteDBInstance", DATABASE, THEIRS),
    "change another cluster's database": ("operator", "rds:ModifyDBInstance", DATABASE, THEIRS),
    "delete another cluster's VPC": ("operator", "ec2:DeleteVpc", VPC, THEIRS),
    "read another cluster's secret": ("operator", "secretsmanager:GetSecretValue", SECRET, THEIRS),
    "read somebody's secret": (
        "operator",
        "secretsmanager:GetSecretValue",
        arn("secretsmanager", "secret:payments-AbCdEf"),
        {},
    ),
    "change a record of a foreign zone": (
        "operator",
        "route53:ChangeResourceRecordSets",
        "arn:aws:route53:::hostedzone/Z0THEIRS",
        {ZONES: ["A"]},
    ),
    "change the mail of our zone": (
        "operator",
        "route53:ChangeResourceRecordSets",
        "arn:aws:route53:::hostedzone/Z0OURS",
        {ZONES: ["MX"]},
    ),
    "restore somebody's snapshot": (
        "operator",
        "rds:RestoreDBInstanceFromDBSnapshot",
        arn("rds", "snapshot:payments"),
        GIVEN,
    ),
    "tag somebody's VPC as ours": ("operator", "ec2:CreateTags", VPC, GIVEN),
    "delete a VPC without our tags": ("operator", "ec2:DeleteVpc", VPC, {}),
    "take another tenant's role": (
        "operator",
        "sts:AssumeRole",
        f"arn:aws:iam::{ACCOUNT}:role/missyou-team-b",
        {},
    ),
    "take an administrator's role": ("operator", "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/admin", {}),
    "delete another namespace's database": ("tenant", "rds:DeleteDBInstance", DATABASE, {**SESSION, **OF_B}),
    "delete another namespace's VPC": ("tenant", "ec2:DeleteVpc", VPC, {**SESSION, **OF_B}),
    "read another namespace's secret": ("tenant", "secretsmanager:GetSecretValue", SECRET, {**SESSION, **OF_B}),
    "write the policy of another namespace's role": (
        "tenant",
        "iam:PutRolePolicy",
        ROLE,
        {**SESSION, **OF_B, **BOUNDED},
    ),
    "create something in another namespace's name": (
        "tenant",
        "ec2:CreateVpc",
        VPC,
        {**SESSION, **GIVEN, "aws:RequestTag/missyou.app/stack": "team-b/shop"},
    ),
    "a namespace whose name begins alike": (
        "tenant",
        "ec2:DeleteVpc",
        VPC,
        {**SESSION, **OURS, "aws:ResourceTag/missyou.app/stack": "team-ab/shop"},
    ),
    "a session without tags": ("tenant", "ec2:DeleteVpc", VPC, OURS),
}
#: The same life goes on.
ALLOWED: dict[str, Case] = {
    "create a role": ("operator", "iam:CreateRole", ROLE, {**GIVEN, **BOUNDED}),
    "write its policy": ("operator", "iam:PutRolePolicy", ROLE, {**OURS, **BOUNDED}),
    "put the boundary back": ("operator", "iam:PutRolePermissionsBoundary", ROLE, {**OURS, **BOUNDED}),
    "take foreign rights from a role that is older than the boundary": (
        "operator",
        "iam:DetachRolePolicy",
        ROLE,
        {**OURS, "iam:PolicyARN": ADMINISTRATOR},
    ),
    "pass it to ECS": ("operator", "iam:PassRole", ROLE, {"iam:PassedToService": "ecs-tasks.amazonaws.com"}),
    "log the traffic of our VPC": ("operator", "ec2:CreateFlowLogs", VPC, OURS),
    "pass it to VPC flow logs": ("operator", "iam:PassRole", ROLE, {"iam:PassedToService": WRITER}),
    "delete our database": ("operator", "rds:DeleteDBInstance", DATABASE, OURS),
    "read our password": ("operator", "secretsmanager:GetSecretValue", SECRET, OURS),
    "write a record": (
        "operator",
        "route53:ChangeResourceRecordSets",
        "arn:aws:route53:::hostedzone/Z0OURS",
        {ZONES: ["A", "TXT"]},
    ),
    "restore our snapshot": (
        "operator",
        "rds:RestoreDBInstanceFromDBSnapshot",
        arn("rds", "snapshot:shop-db-final"),
        {**GIVEN, **OURS},
    ),
    "take the tenant's role": ("operator", "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/missyou-team-a", {}),
    "delete the namespace's own database": ("tenant", "rds:DeleteDBInstance", DATABASE, {**SESSION, **OURS}),
    "create something in the namespace's name": ("tenant", "ec2:CreateVpc", VPC, {**SESSION, **GIVEN}),
    "create a role in the namespace's name": ("tenant", "iam:CreateRole", ROLE, {**SESSION, **GIVEN, **BOUNDED}),
}
#: What a task's role is refused although its own policy allows everything.
OUT_OF_BOUNDS: dict[str, tuple[str, str, Mapping[str, Any]]] = {
    "become administrator": ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/me", STARTING),
    "take another role": ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/admin", STARTING),
    "read the secret of another stack": (
        "secretsmanager:GetSecretValue",
        arn("secretsmanager", "secret:bank/db_credentials-AbCdEf"),
        STARTING,
    ),
    "read somebody's secret": (
        "secretsmanager:GetSecretValue",
        arn("secretsmanager", "secret:payments-AbCdEf"),
        STARTING,
    ),
    "read the own secret without the tag that names the stack": ("secretsmanager:GetSecretValue", SECRET, {}),
    "change the own secret": ("secretsmanager:PutSecretValue", SECRET, STARTING),
    "pull the image of another stack": ("ecr:BatchGetImage", arn("ecr", "repository/bank"), STARTING),
    "push an image": ("ecr:PutImage", REPOSITORY, STARTING),
    "delete the database": ("rds:DeleteDBInstance", DATABASE, {**STARTING, **OURS}),
    "write into another stack's log": (
        "logs:PutLogEvents",
        arn("logs", "log-group:/ecs/bank:log-stream:x"),
        STARTING,
    ),
    "write into another stack's flow logs": (
        "logs:PutLogEvents",
        arn("logs", "log-group:/ecs/bank/vpc-flow:log-stream:x"),
        STARTING,
    ),
    "create a log group": ("logs:CreateLogGroup", arn("logs", "log-group:/ecs/shop/vpc-flow"), STARTING),
    "decrypt with a key by hand": ("kms:Decrypt", arn("kms", "key/0a"), STARTING),
}


def _asked(case: Case) -> Asked:
    name, action, resource, context = case
    return Asked(name, action, resource, ACCOUNT, json.dumps(context, sort_keys=True))


def _bounded(action: str, resource: str, context: Mapping[str, Any], policy: str = "everything") -> Asked:
    key = _KEYS_POLICY if action.startswith("kms:") else ""
    asked = json.dumps(context, sort_keys=True)
    return Asked(policy, action, resource, ACCOUNT, asked, boundary="boundary", resource_policy=key)


#: A key lets the account decide, as keys do by default: KMS developer guide, "Default key policy".
_KEYS_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }
)


def _execution_role() -> Role:
    """Return the execution role of a stack with all that it may read."""
    source = {"secretARN": GRANTED.replace("??????", "AbCdEf")}
    declared = graph(
        secrets={"googleAPIKey": source, "firebaseServiceAccount": {"secretKeyRef": {"name": "k", "key": "f"}}}
    )
    [role] = [each for each in declared if isinstance(each, Role) and each.name.endswith("-execution")]
    return role


def _task_role() -> Role:
    """Return the role that the app's own calls to AWS have."""
    [role] = [each for each in graph() if isinstance(each, Role) and each.name.endswith("-task")]
    return role


def _flow_log_role() -> Role:
    """Return the role that writes a stack's flow logs."""
    declared = graph(network={"flowLogs": {"enabled": True}})
    [role] = [each for each in declared if isinstance(each, Role) and each.service == WRITER]
    return role


def _needs(role: Role, policy: str = "execution") -> list[Asked]:
    """Return each right that the role's own policy gives it, asked for within the boundary."""
    assert role.policy is not None
    found = []
    for statement in role.policy["Statement"]:
        context = {"aws:PrincipalTag/missyou-stack": role.tags["missyou-stack"], **_met(statement.get("Condition", {}))}
        for action in statement["Action"]:
            for resource in statement["Resource"]:
                place = resource.replace("??????", "AbCdEf")
                place = place.replace(":*:key/*", f":{ACCOUNT}:key/0a")
                place = place[:-1] + "log-stream:x" if place.endswith(":*") else place
                found.append(_bounded(action, place, context, policy))
    return found


def _met(condition: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    values = {key: value for keys in condition.values() for key, value in keys.items()}
    return {key: value if isinstance(value, str) else value[0] for key, value in values.items()}


@pytest.fixture(scope="module")
def answers() -> Answers:
    role, flow_log, task = _execution_role(), _flow_log_role(), _task_role()
    cases = [_asked(case) for case in (*REFUSED.values(), *ALLOWED.values())]
    bounded = [_bounded(*case) for case in OUT_OF_BOUNDS.values()]
    own = {"execution": role.policy, "flow logs": flow_log.policy, "task": task.policy}
    policies = {**POLICIES, **{name: [json.loads(json.dumps(document))] for name, document in own.items()}}
    needs = [*_needs(role), *_needs(flow_log, "flow logs"), *_needs(task, "task")]
    return ask(policies, [*cases, *bounded, *needs, *map(_taken, TAKING)], {"boundary": [LIMITS]})


@pytest.mark.parametrize("tried", REFUSED)
def test_an_attack_with_the_operators_credentials_is_refused(answers: Answers, tried: str) -> None:
    assert not answers.allowed(_asked(REFUSED[tried]))


@pytest.mark.parametrize("done", ALLOWED)
def test_what_the_operator_does_all_day_is_allowed(answers: Answers, done: str) -> None:
    assert answers.allowed(_asked(ALLOWED[done]))


@pytest.mark.parametrize("tried", OUT_OF_BOUNDS)
def test_a_role_whose_policy_allows_everything_stays_within_its_boundary(answers: Answers, tried: str) -> None:
    assert not answers.allowed(_bounded(*OUT_OF_BOUNDS[tried]))


def test_an_execution_role_can_do_within_the_boundary_all_that_its_policy_says(answers: Answers) -> None:
    asked = _needs(_execution_role())
    assert {one.action.partition(":")[0] for one in asked} == {"secretsmanager", "logs", "ecr", "kms"}
    # The simulator drops the keys of the encryption context, which can be any word: these are compared below.
    assert [one for one in asked if not answers.allowed(one) and one.action != "kms:Decrypt"] == []


def test_the_role_of_the_tasks_reads_the_password_and_nothing_else(answers: Answers) -> None:
    asked = _needs(_task_role(), "task")
    assert {one.action for one in asked} == {"secretsmanager:GetSecretValue"}
    assert all(":secret:missyou/db_credentials-" in one.resource for one in asked)
    assert [one for one in asked if not answers.allowed(one)] == []


def test_the_role_of_a_flow_log_can_do_within_the_boundary_all_that_its_policy_says(answers: Answers) -> None:
    asked = _needs(_flow_log_role(), "flow logs")
    assert {one.action for one in asked} == {
        *("logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents")
    }
    assert [one for one in asked if not answers.allowed(one)] == []


def test_what_an_execution_role_decrypts_is_within_the_boundary() -> None:
    role = _execution_role()
    assert role.policy is not None
    [wanted] = [each for each in role.policy["Statement"] if "kms:Decrypt" in each["Action"]]
    [allowed] = [each for each in LIMITS["Statement"] if "kms:Decrypt" in each["Action"]]
    assert list(wanted["Resource"]) == allowed["Resource"]
    assert wanted["Condition"]["StringEquals"].keys() == allowed["Condition"]["StringLike"].keys()
    for key, value in _met(wanted["Condition"]).items():
        limit = allowed["Condition"]["StringLike"][key]
        assert any(fnmatchcase(value, each) for each in ([limit] if isinstance(limit, str) else limit))


TRUST = trust(OPERATOR, CLUSTER, ["team-a"])
_PRESENTED = {
    "sts:ExternalId": external_id(CLUSTER, "team-a"),
    "sts:SourceIdentity": source_identity("team-a"),
    "aws:RequestTag/missyou-cluster": CLUSTER,
    "aws:RequestTag/missyou-namespace": "team-a",
    "aws:RequestTag/missyou-app": "shop",
    "aws:TagKeys": ["missyou-cluster", "missyou-namespace", "missyou-app"],
}
#: By how somebody presents themselves to the tenant's role: action, what differs, principal, whether it is let in.
TAKING: dict[str, tuple[str, Mapping[str, Any], str, bool]] = {
    "the operator, for an app of the namespace": ("sts:AssumeRole", {}, OPERATOR, True),
    "the operator, naming itself": ("sts:SetSourceIdentity", {}, OPERATOR, True),
    "the operator, tagging the session": ("sts:TagSession", {}, OPERATOR, True),
    "the operator, for an app of another namespace": (
        "sts:AssumeRole",
        {"sts:ExternalId": external_id(CLUSTER, "team-b"), "aws:RequestTag/missyou-namespace": "team-b"},
        OPERATOR,
        False,
    ),
    "with the external ID alone": (
        "sts:AssumeRole",
        {"aws:RequestTag/missyou-namespace": "team-b"},
        OPERATOR,
        False,
    ),
    "tagged as another namespace": ("sts:TagSession", {"aws:RequestTag/missyou-namespace": "team-b"}, OPERATOR, False),
    "tagged with more": ("sts:TagSession", {"aws:TagKeys": ["missyou-namespace", "team"]}, OPERATOR, False),
    "as another source": ("sts:SetSourceIdentity", {"sts:SourceIdentity": "missyou.team-b"}, OPERATOR, False),
    "another cluster's operator": ("sts:AssumeRole", {"sts:ExternalId": external_id("x", "team-a")}, OPERATOR, False),
    "somebody else of the account": ("sts:AssumeRole", {}, f"arn:aws:iam::{ACCOUNT}:role/other", False),
}


def _taken(how: str) -> Asked:
    action, differs, principal, _ = TAKING[how]
    context = json.dumps({**_PRESENTED, **differs}, sort_keys=True)
    role = f"arn:aws:iam::{ACCOUNT}:role/missyou-team-a"
    # Who asks has no right of their own: in one account the trust policy suffices, and it is what is tried.
    return Asked("nothing", action, role, ACCOUNT, context, principal=principal, resource_policy=json.dumps(TRUST))


@pytest.mark.parametrize("how", TAKING)
def test_a_tenants_role_lets_in_only_its_namespace(answers: Answers, how: str) -> None:
    assert answers.allowed(_taken(how)) is TAKING[how][-1]


def test_without_the_boundary_the_operator_would_be_administrator_in_two_calls() -> None:
    """What the boundary prevents, and why the command does without it only on demand."""
    unbounded = list(policy(replace(NARROW, boundary="")).values())
    calls: Sequence[Asked] = [
        _asked(("unbounded", "iam:CreateRole", ROLE, GIVEN)),
        _asked(("unbounded", "iam:PutRolePolicy", ROLE, OURS)),
    ]
    found = ask({"unbounded": unbounded}, calls)
    assert all(map(found.allowed, calls))
