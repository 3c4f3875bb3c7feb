"""The policy as a text: put together from the declarations, within AWS's limits, and narrowed as asked."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from missyou_operator.aws.iam_policy import LIMIT, declared, merged, size
from missyou_operator.aws.permissions import OURS, Condition, Grant, Part, change, make, with_names
from missyou_operator.aws.registry import KINDS
from missyou_operator.aws.scope import Scope
from missyou_operator.cli import main
from missyou_operator.cli.exits import Exit
from missyou_operator.cli.policy import policy
from missyou_operator.stack.naming import NAMES

FILE = Path(__file__).parents[2] / "docs" / "iam-policy.json"
#: As long as names get.
BOUNDARY = "arn:aws:iam::123456789012:policy/missyou-boundary"
LONGEST = Scope(
    "aws-us-gov",
    "us-gov-west-1",
    "123456789012",
    "a" * 24,
    "0" * 36,
    zones=("Z0123456789ABCDEFGHIJ",) * 3,
    snapshots=("a" * 40,),
    boundary=f"{BOUNDARY}-of-a-long-name",
    assume=(f"arn:aws-us-gov:iam::123456789012:role/{'a' * 64}",),
    tenant=True,
)
NARROW = Scope(
    region="eu-central-1",
    account="123456789012",
    stack="missyou",
    cluster="uid",
    zones=("Z1",),
    snapshots=(),
    boundary=BOUNDARY,
)
#: What `make iam-policy` gives, and what people do.
EXAMPLE = [
    *("--account", "123456789012", "--region", "eu-central-1"),
    *("--cluster", "00000000-0000-0000-0000-000000000000", "--zone", "Z0123456789ABCDEFGHIJ"),
    *("--permissions-boundary", "missyou-boundary"),
]
#: A role takes so many managed policies. Source: IAM User Guide, "IAM and AWS STS quotas".
MOST_POLICIES = 10


def statements(scope: Scope) -> list[dict[str, Any]]:
    return [statement for document in policy(scope).values() for statement in document["Statement"]]


def test_the_file_is_what_the_classes_declare(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["iam-policy", *EXAMPLE]) == Exit.OK
    assert FILE.read_text() == capsys.readouterr().out, "run: make iam-policy"
    assert " ".join(EXAMPLE) in (FILE.parents[1] / "Makefile").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_each_resource_class_declares_what_it_needs(kind: type) -> None:
    assert vars(kind)["PERMISSIONS"]


@pytest.mark.parametrize("scope", [Scope(), NARROW, LONGEST])
def test_each_document_is_within_the_limit_of_a_managed_policy(scope: Scope) -> None:
    found = policy(scope)
    assert len(found) <= MOST_POLICIES
    assert max(size(document) for document in found.values()) <= LIMIT


def test_a_type_in_braces_stands_for_each_of_its_names() -> None:
    grant = make("x:Y", on=("x:{a.A}/{b.B}", "x:*"), also=(Condition("ArnLike", "x:z", ("x:{b.B}",)),))
    named = with_names(grant, {"a.A": ("{stack}-a",), "b.B": ("{stack}-b", "{stack}-c")})
    assert named.resources == ("x:{stack}-a/{stack}-b", "x:{stack}-a/{stack}-c", "x:*")
    assert named.when[1].values == ("x:{stack}-b", "x:{stack}-c")


def test_nothing_is_allowed_by_pattern_of_action() -> None:
    assert not [action for grant in declared(NAMES) for action in grant.actions if "*" in action]


def pairs(grant: Grant) -> Iterator[tuple[str, str, tuple[Condition, ...]]]:
    """Return each action with each resource; a condition with several values is one that holds for any of them."""
    for values in itertools.product(*([(c.operator, c.key, value) for value in c.values] for c in grant.when)):
        when = tuple(Condition(operator, key, (value,)) for operator, key, value in values)
        yield from ((action, resource, when) for action in grant.actions for resource in grant.resources)


@pytest.mark.parametrize("part", Part)
def test_joining_loses_nothing_and_gives_nothing_away(part: Part) -> None:
    grants = [grant for grant in declared(NAMES) if grant.part is part]
    before = {pair for grant in grants for pair in pairs(grant)}
    after = {pair for grant in merged(grants) for pair in pairs(grant)}
    assert before <= after
    added = {(when, action) for action, _, when in after - before}
    # What is added needs our tag on a resource of EC2, or is the tagging of what a call does not make.
    assert all(when == (OURS,) or when[0].key.endswith(":CreateAction") for when, _ in added)
    assert {action.partition(":")[0] for when, action in added if when == (OURS,)} <= {"ec2"}


def test_creating_inside_a_strangers_network_is_not_joined_with_creating_a_network() -> None:
    grants = [
        make("ec2:CreateVpc", on=("ec2:vpc/*",)),
        make("ec2:CreateSubnet", on=("ec2:subnet/*",)),
        change("ec2:CreateSubnet", on=("ec2:vpc/*",)),
    ]
    assert set(merged(grants)) == set(grants)


def test_narrowed_no_arn_is_open_but_where_aws_has_no_names() -> None:
    arns = {arn for statement in statements(NARROW) for arn in statement["Resource"] if arn != "*"}
    # The names of our buckets carry what S3's ARNs do not.
    assert {arn.partition("/")[0] for arn in arns if ":s3:" in arn} == {
        "arn:aws:s3:::missyou-alb-logs-123456789012-eu-central-1"
    }
    arns = {arn for arn in arns if ":s3:" not in arn}
    # Zones are somebody else's, and their ARNs name neither region nor account.
    zones = {arn for arn in arns if arn.startswith("arn:aws:route53:")}
    assert zones == {"arn:aws:route53:::hostedzone/Z1"}
    arns -= zones
    assert all(":123456789012:" in arn for arn in arns)
    everywhere = ("arn:aws:iam::", "arn:aws:cloudwatch::123456789012:dashboard/missyou-eu-central-1")
    # Backups are copied to another region.
    copies = {arn for arn in arns if arn.startswith("arn:aws:rds:*:")}
    assert copies == {"arn:aws:rds:*:123456789012:auto-backup:*"}
    assert all(":eu-central-1:" in arn or arn.startswith(everywhere) for arn in arns - copies)
    nameless = {arn.split(":")[2] for arn in arns if "missyou" not in arn}
    assert nameless == {"acm", "ec2", "application-autoscaling", "rds", "iam", "wafv2"}
    assert {arn for arn in arns if "missyou" not in arn and arn.split(":")[2] in {"rds", "iam", "wafv2"}} == {
        "arn:aws:wafv2:eu-central-1:123456789012:regional/managedruleset/*/*",
        "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/*/*",
        "arn:aws:rds:eu-central-1:123456789012:og:default:postgres*",
        "arn:aws:rds:eu-central-1:123456789012:snapshot:*",
        "arn:aws:rds:eu-central-1:123456789012:auto-backup:*",
        "arn:aws:rds:*:123456789012:auto-backup:*",
        "arn:aws:iam::123456789012:role/aws-service-role/*",
    }


def test_the_part_that_looks_changes_nothing() -> None:
    # The simulator of policies only tells.
    reading = ("Describe", "List", "Get", "Simulate")
    actions = {action for statement in policy(Scope())["observe"]["Statement"] for action in statement["Action"]}
    assert not [action for action in actions if not action.partition(":")[2].startswith(reading)]
    assert "secretsmanager:GetSecretValue" not in actions


def test_the_command_prints_all_documents_or_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["iam-policy", "--wide"]) == Exit.OK
    assert json.loads(capsys.readouterr().out) == policy(Scope())
    wide = ["iam-policy", "--wide", "--part", "make-2", "--region", "eu-central-1", "--partition", "aws-cn"]
    assert main(wide) == Exit.OK
    printed = json.loads(capsys.readouterr().out)
    assert printed == policy(Scope("aws-cn", "eu-central-1"))["make-2"]


@pytest.mark.parametrize("left_out", ["--account", "--region", "--cluster", "--permissions-boundary"])
def test_without_a_limit_nothing_is_printed_but_the_command_to_type(
    left_out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = EXAMPLE.index(left_out)
    assert main(["iam-policy", *EXAMPLE[:place], *EXAMPLE[place + 2 :]]) == Exit.USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"{left_out} missing. For example:\n  missyou iam-policy --account" in printed.err
    assert "--wide" in printed.err
    # What it tells to type is what it wants: the shell would fill in what the two other commands print.
    [command] = [line.strip() for line in printed.err.splitlines() if line.startswith("  ")]
    typed = [word if not word.startswith("$(") else "1" for word in shlex.split(command)]
    assert main(typed[1:]) == Exit.OK


def test_what_belongs_to_others_is_reached_only_by_name() -> None:
    text = json.dumps(policy(replace(NARROW, zones=())))
    assert "route53:ChangeResourceRecordSets" not in text
    [restoring] = [
        statement
        for statement in statements(NARROW)
        if "arn:aws:rds:eu-central-1:123456789012:snapshot:*" in statement["Resource"]
    ]
    assert "aws:ResourceTag/missyou.app/cluster" in restoring["Condition"]["StringLike"]


def test_the_widest_says_nothing_of_a_boundary() -> None:
    text = json.dumps(policy(Scope()))
    assert "Boundary" not in text
    assert "deny" not in policy(Scope())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--account", "12a"], "--account '12a' is not valid: write it like 123456789012"),
        (["--partition", "aws-*"], "--partition 'aws-*' is not valid: write it like aws-us-gov"),
        (["--stack", "My App"], "--stack 'My App' is not valid: write it like 'team-*'"),
        (["--wide", "--part", "all"], "there is no part 'all': the parts are observe, make, make-2, change"),
        (["--zone", "example.com"], "--zone 'example.com' is not valid: write it like Z0123456789ABCDEFGHIJ"),
        (["--assume", "team-a"], "--assume 'team-a' is not valid: write it like arn:aws:iam::123456789012:role/"),
        (["--wide", "--permissions-boundary", "mine"], "--permissions-boundary needs an ARN, or its name and one"),
        (["--trust"], "--operator-role, --cluster, --namespace missing. For example:\n  missyou iam-policy --trust"),
        (["--boundary"], "--account, --region, --cluster missing. For example:\n  missyou iam-policy --boundary"),
        (
            ["--boundary", "--wide", "--secret", "arn:aws:secretsmanager:eu-central-1:1:secret:" + "x" * 6144],
            "the boundary is longer than the 6144 characters that AWS takes",
        ),
    ],
)
def test_what_is_wrong_is_named(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["iam-policy", *arguments]) == Exit.USAGE
    assert said in capsys.readouterr().err
