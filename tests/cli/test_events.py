"""`missyou events template`, and `missyou iam-policy --events`: what is printed, and what is refused."""

from __future__ import annotations

import json

import pytest

from missyou_operator.cli.entry import main
from missyou_operator.cli.exits import Exit
from missyou_operator.events.declaration import Declaration, cloudformation, terraform

CLUSTER = "1c9a5b0e-7f0a-4a51-9d5c-2f6f8f0f3c11"
READER = "arn:aws:iam::210987654321:role/missyou-operator"
PLACE = ["--region=eu-central-1", f"--cluster={CLUSTER}", "--account=123456789012"]


def test_the_template_is_what_install_would_make(capsys) -> None:
    declared = Declaration(CLUSTER, "123456789012", "eu-central-1", readers=(READER,))
    for options, made in (([], cloudformation(declared)), (["--format=terraform"], terraform(declared))):
        assert main(["events", "template", *PLACE, f"--reader={READER}", *options]) == Exit.OK
        assert json.loads(capsys.readouterr().out) == made


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--cluster=x y"], "--cluster 'x y' is no UID"),
        (["--reader=somebody"], "--reader 'somebody' is not the ARN of a role or user"),
        (["--region=Frankfurt"], "--region 'Frankfurt' is no region"),
        (["--account=mine"], "--account 'mine' is no account number"),
    ],
)
def test_what_no_aws_has_is_refused_before_anything_is_asked(wrong: list[str], said: str, capsys) -> None:
    assert main(["events", "template", *PLACE, *wrong]) == Exit.USAGE
    assert said in capsys.readouterr().err


def test_the_policy_is_narrowed_to_one_queue_or_not_printed(capsys) -> None:
    assert main(["iam-policy", "--events", *PLACE]) == Exit.OK
    polling, _ = json.loads(capsys.readouterr().out)["Statement"]
    assert polling["Resource"] == ["arn:aws:sqs:eu-central-1:123456789012:missyou-events-1c9a5b0e"]
    assert main(["iam-policy", "--events", "--region=eu-central-1"]) == Exit.USAGE
    assert "missyou iam-policy --events --account" in capsys.readouterr().err
    assert main(["iam-policy", "--events", "--wide"]) == Exit.OK
    polling, _ = json.loads(capsys.readouterr().out)["Statement"]
    assert polling["Resource"] == ["arn:aws:sqs:*:*:missyou-events-*"]
