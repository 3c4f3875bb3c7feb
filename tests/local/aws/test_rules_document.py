"""The table of rules in the documentation is the one that the tests hold."""

from __future__ import annotations

from pathlib import Path

from tests.local.aws import rules_document


def test_the_document_is_up_to_date() -> None:
    written = Path(__file__).parents[3] / "docs" / "aws-rules.md"
    assert written.read_text() == rules_document.document(), (
        "write it: python -m tests.local.aws.rules_document > docs/aws-rules.md"
    )


def test_no_rule_is_there_twice() -> None:
    names = [str(rule) for _, rule in rules_document.rules()]
    assert len(set(names)) == len(names)
