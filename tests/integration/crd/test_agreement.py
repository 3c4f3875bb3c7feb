"""The API server and the models agree on every spec: CEL and Python say the same, rule by rule."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from missyou_operator.api import InvalidSpec, parse
from tests.api.cases import REGION, SCHEMA, app, merged, mixtures, values

from .client import Apps

pytestmark = pytest.mark.integration

THOROUGH = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def objection(body, region) -> str | None:
    """Say why the models refuse, or None."""
    try:
        parse(body, region)
    except InvalidSpec as invalid:
        return str(invalid)
    return None


def agree(apps: Apps, spec) -> None:
    body = app(spec)
    refusals = {
        "API server": apps.refusal(body),
        # With the region that the spec names: what depends on the operator's, the API server cannot know.
        "models": objection(body, spec.get("region") or REGION),
    }
    assert len({refusal is None for refusal in refusals.values()}) == 1, refusals


@THOROUGH
@given(mixtures())
def test_on_mixtures_of_good_and_bad_specs(apps: Apps, spec):
    agree(apps, merged({"region": REGION}, spec))


@THOROUGH
@given(values(SCHEMA))
def test_on_whatever_the_structural_schema_allows(apps: Apps, spec):
    agree(apps, {"region": REGION} | spec)


WORDS = st.text(st.sampled_from("aA1-_./:@ \n$é"), max_size=12)


@pytest.mark.parametrize(
    "path",
    [
        ("stackName",),
        ("region",),
        ("image", "tag"),
        ("image", "repository"),
        ("database", "name"),
        ("database", "instanceClass"),
        ("service", "healthCheck", "path"),
        ("tags", "team"),
    ],
    ids=".".join,
)
def test_on_odd_strings(apps: Apps, path):
    @settings(THOROUGH, max_examples=60)
    @given(WORDS)
    def check(word):
        spec = word
        for name in reversed(path):
            spec = {name: spec}
        agree(apps, spec)

    check()
