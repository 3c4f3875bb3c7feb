"""The tool that asks a real account, tried on the test AWS: looks change nothing, and experiments leave nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sim.app import changes
from tools.confirm_cleanup import NAME, TAGS, clean_up, leftovers
from tools.confirm_entries import ENTRIES
from tools.confirm_on_aws import document, run

MADE = [name for name, entry in ENTRIES.items() if entry.make]


def made(aws) -> list[str]:
    """Return the operations so far that may change something."""
    return sorted(changes({entry["operation"]: 1 for entry in aws.control.ledger.entries()}))


def sleeper(aws) -> Callable[[float], None]:
    def sleep(seconds: float) -> None:
        aws.clock.now += seconds

    return sleep


def never(question: str) -> bool:
    raise AssertionError(question)


def test_the_page_is_what_the_entries_say():
    page = Path(__file__).parents[2] / "docs" / "to-confirm-on-aws.md"
    assert page.read_text() == document(), "run: python -m tools.confirm_on_aws --document"


def test_looks_change_nothing_and_ask_nothing(aws):
    said: list[str] = []
    assert run(aws.client, list(ENTRIES), make=False, agree=never, say=said.append) == 0
    assert made(aws) == []
    assert {line.partition(":")[0] for line in said} == {name for name, entry in ENTRIES.items() if entry.look}
    assert any("15.16" in line for line in said)


@pytest.mark.parametrize("name", MADE)
def test_an_experiment_asks_answers_and_leaves_nothing(aws, name):
    said: list[str] = []
    asked: list[str] = []
    agree = lambda question: not asked.append(question)  # noqa: E731 - records, and agrees
    assert run(aws.client, [name], make=True, agree=agree, wait=sleeper(aws), say=said.append) == 0
    assert [f"${ENTRIES[name].usd:.2f}" in question for question in asked] == [True]
    answer = next(line for line in said if line.startswith(f"{name}: "))
    assert "not answered" not in answer
    assert made(aws)
    assert leftovers(aws.client) == []


def test_nothing_is_made_without_leave(aws):
    assert run(aws.client, MADE, make=True, agree=lambda _: False, say=lambda _: None) == 0
    assert made(aws) == []


@pytest.mark.parametrize("name", ["route-to-pending-nat", "delete-while-creating", "scalable-target", "spaces-in-tags"])
def test_what_an_interrupted_experiment_leaves_is_found_by_its_tag(aws, name):
    """As after SIGKILL: nothing is cleaned up at the end. What is somebody else's stays."""
    ec2 = aws.client("ec2")
    ec2.create_vpc(CidrBlock="10.98.0.0/24", TagSpecifications=[{"ResourceType": "vpc", "Tags": TAGS[1:]}])
    others = len(ec2.describe_vpcs()["Vpcs"])
    assert ENTRIES[name].make is not None
    ENTRIES[name].make(aws.client)
    assert leftovers(aws.client)
    said: list[str] = []
    assert run(aws.client, [name], make=True, agree=lambda _: True, say=said.append) > 0
    assert "--clean-up first" in said[-1]
    assert clean_up(aws.client, sleeper(aws), said.append) == []
    assert len(ec2.describe_vpcs()["Vpcs"]) == others
    assert not any(
        NAME in group["DBSubnetGroupName"] for group in aws.client("rds").describe_db_subnet_groups()["DBSubnetGroups"]
    )
