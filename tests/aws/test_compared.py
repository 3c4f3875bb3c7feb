"""The account of AWS's answers is complete, in both directions, and its page is current."""

from __future__ import annotations

import pytest

from missyou_operator.aws.registry import KINDS
from tools.compared.account import Answer
from tools.compared.page import ANSWERS, DERIVED, PAGE, page

COMPARED = {kind.TYPE: {*kind.COMPARED, "tags"} for kind in KINDS}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: f"{answer.type}-{answer.operation}")
def test_every_member_of_the_answer_has_a_verdict_and_nothing_else_has(answer: Answer) -> None:
    named = [member for member, _, _ in answer.rows()]
    assert {*named} == answer.members()
    twice = {(member, verdict) for member, verdict, _ in answer.rows()}
    assert len({member for member, _ in twice}) == len(twice), "a member has two verdicts"


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: f"{answer.type}-{answer.operation}")
def test_what_is_said_to_be_compared_is(answer: Answer) -> None:
    assert {*answer.compared} <= COMPARED[answer.type]


def test_every_compared_field_comes_from_a_member() -> None:
    accounted = {(answer.type, field) for answer in ANSWERS for field in answer.compared}
    fields = {(kind.TYPE, field) for kind in KINDS for field in kind.COMPARED if kind.TYPE not in DERIVED}
    # Its zone is where the record was found.
    assert fields - accounted == {("route53.Alias", "zone")}


def test_every_type_is_accounted_for() -> None:
    assert {answer.type for answer in ANSWERS} | {*DERIVED} == {kind.TYPE for kind in KINDS}


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "make compared-fields"
