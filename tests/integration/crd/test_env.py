"""`service.env` at the limits of a task definition: API server and models agree to the byte."""

from __future__ import annotations

import pytest

from missyou_operator.api import InvalidSpec, aws_rules, parse
from tests.api.cases import REGION, app

from .client import Apps

pytestmark = pytest.mark.integration


def filled(text: str, size: int) -> dict[str, str]:
    """Return variables of this size in all, of values that repeat a text."""
    value = text * (1400 // aws_rules.json_size(text))
    count, rest = divmod(size, aws_rules.VARIABLE_FRAME + len("V000") + aws_rules.json_size(value))
    padding = [min(500, max(0, rest - 500 * n)) for n in range(count)]
    return {f"V{n:03}": value + "x" * more for n, more in enumerate(padding)}


@pytest.mark.parametrize("text", ["x", '"', "\n", "\x1f", "é", "\U0001f600", '{"a": "ß"}'])
def test_the_size_of_all_variables_is_bounded(apps: Apps, text):
    fits = filled(text, aws_rules.VARIABLES_SIZE_MAX)
    assert apps.refusal(app({"service": {"env": fits}})) is None
    assert parse(app({"service": {"env": fits}}), REGION)
    more = app({"service": {"env": {**fits, "V001": fits["V001"] + "x"}}})
    refusal = apps.refusal(more) or ""
    assert "spec.service.env" in refusal
    assert "at most 48 KiB together" in refusal
    with pytest.raises(InvalidSpec, match="at most 48 KiB together"):
        parse(more, REGION)


def test_the_number_of_variables_is_bounded(apps: Apps):
    assert apps.refusal(app({"service": {"env": {f"V{n}": "x" for n in range(97)}}})) is None
    assert "at most 97" in (apps.refusal(app({"service": {"env": {f"V{n}": "x" for n in range(98)}}})) or "")
