"""The CRD and the models say the same: neither accepts what the other refuses, rules aside, which both carry."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import TypeAdapter, ValidationError

from missyou_operator.api.spec import Spec, ValidatedSpec

from .cases import SCHEMA, leaves, merged, values

MODEL: TypeAdapter[Spec] = TypeAdapter(ValidatedSpec)
LEAVES = [pytest.param(path, leaf, id=".".join(path)) for path, leaf in leaves(SCHEMA)]


def nested(path, value):
    for name in reversed(path):
        value = [value, value] if name == "*" and path[-2:] == ("availabilityZones", "*") else {name: value}
    return value


def errors(spec):
    try:
        MODEL.validate_python(spec)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(values(SCHEMA))
def test_what_the_schema_accepts_only_a_rule_refuses(spec):
    assert {error["type"] for error in errors(spec)} <= {"rule"}


@pytest.mark.parametrize(("path", "leaf"), LEAVES)
def test_the_models_keep_every_bound_of_the_schema(path, leaf):
    wrong = [{"wrong": "type"}, None if "default" in leaf or path[-1] == "*" else []]
    if leaf["type"] == "integer":
        wrong += [min(leaf["enum"]) - 1] if "enum" in leaf else [leaf["minimum"] - 1, leaf["maximum"] + 1]
        wrong += [True, "1", 1.5]
    elif leaf["type"] == "boolean":
        wrong += [1, "true"]
    else:
        wrong += ["no such value"] if "enum" in leaf else ["a" * (leaf["maxLength"] + 1)]
    for value in wrong:
        assert errors(nested(path, value)), value


def test_static_defaults_of_both_are_the_same():
    empty = MODEL.validate_python({}).model_dump(by_alias=True, mode="json", exclude_none=True)
    assert empty == defaults(SCHEMA)


def defaults(schema):
    """Fill in defaults as the API server does: from the top, an object's own first."""
    if "properties" not in schema:
        return schema.get("default")
    found = {}
    for name, child in schema["properties"].items():
        if "default" in child:
            own = child["default"]
            found[name] = merged(own, defaults(child)) if "properties" in child else own
    return found


@pytest.mark.parametrize(("path", "leaf"), LEAVES)
def test_every_field_is_described_and_bounded(path, leaf):
    described = leaf if path[-1] != "*" else SCHEMA
    assert described["description"]
    if leaf["type"] == "integer":
        assert "enum" in leaf or {"minimum", "maximum", "format"} <= leaf.keys()
    if leaf["type"] == "string":
        assert "enum" in leaf or "maxLength" in leaf
