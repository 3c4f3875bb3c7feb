"""What a real API server says to bad specs: it refuses them, names the field, and says what to write."""

from __future__ import annotations

import re

import pytest

from tests.api.cases import BAD, GOOD, app

from .client import Apps

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("body", "at", "says"), BAD)
def test_bad_specs_are_refused_with_the_field_and_the_remedy(apps: Apps, body, at, says):
    refusal = apps.refusal(body)
    assert refusal is not None
    # The API server writes the key of a map in brackets, except where the type of its value is wrong.
    dotted = re.sub(r"\[(\w+)\]", r".\1", refusal)
    assert at in refusal + dotted and not [words for words in says if words not in refusal], refusal  # noqa: PT018


@pytest.mark.parametrize("spec", GOOD, ids=str)
def test_good_specs_are_accepted(apps: Apps, spec):
    assert apps.refusal(app(spec)) is None


def test_a_spec_is_required(apps: Apps):
    body = app({})
    del body["spec"]
    assert "spec: Required value" in (apps.refusal(body) or "")


def test_a_name_that_cannot_prefix_aws_names_is_fine_with_a_stack_name(apps: Apps):
    assert apps.refusal(app({"stackName": "shop"}, name="a-name-that-is-far-too-long.v1")) is None
