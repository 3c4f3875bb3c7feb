"""The tables of good and bad specs, which the pure tests and those with an API server share, and generators of more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import strategies as st

from missyou_operator.api.crd import crd

HERE = Path(__file__).parent
REGION = "eu-west-1"
SCHEMA = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
BASE = {"region": REGION}


def merged(spec: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Put a patch into a spec, object by object."""
    result = dict(spec)
    for key, value in patch.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def app(spec: Any, name: str = "shop") -> dict[str, Any]:
    return {
        "apiVersion": "missyou.app/v1alpha1",
        "kind": "MissYouApp",
        "metadata": {"name": name},
        "spec": spec,
    }


def _rows(file: str) -> list[Any]:
    return yaml.safe_load((HERE / file).read_text())


GOOD = _rows("good_specs.yaml")
BAD = [
    pytest.param(app(merged(BASE, row["patch"]), row.get("name", "shop")), row["at"], row["says"], id=str(index))
    for index, row in enumerate(_rows("bad_specs.yaml"))
]
_FRAGMENTS = [*GOOD, *(row["patch"] for row in _rows("bad_specs.yaml"))]


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Generate what the structural part of a schema accepts (its CEL rules may refuse it)."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _MAKERS[schema["type"]](schema)


def _text(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    most = min(schema["maxLength"], 30)
    free = st.text(st.characters(codec="utf-8"), min_size=schema.get("minLength", 0), max_size=most)
    return free | st.just(schema["default"]) if "default" in schema else free


def _object(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    if "additionalProperties" in schema:
        return st.dictionaries(st.text(max_size=8), values(schema["additionalProperties"]), max_size=4)
    fields = {name: values(child) for name, child in schema["properties"].items()}
    required = schema.get("required", [])
    return st.fixed_dictionaries(
        {name: fields[name] for name in required},
        optional={name: field for name, field in fields.items() if name not in required},
    )


_MAKERS: dict[str, Callable[[dict[str, Any]], st.SearchStrategy[Any]]] = {
    "boolean": lambda _: st.booleans(),
    "integer": lambda schema: st.integers(schema["minimum"], schema["maximum"]),
    "string": _text,
    "array": lambda schema: st.lists(values(schema["items"]), min_size=schema["minItems"], max_size=schema["maxItems"]),
    "object": _object,
}


@st.composite
def mixtures(draw: st.DrawFn) -> dict[str, Any]:
    """Combine rows of both tables, so that rules between fields meet values that no row has together."""
    spec: dict[str, Any] = {}
    for fragment in draw(st.lists(st.sampled_from(_FRAGMENTS), max_size=4)):
        spec = merged(spec, fragment)
    return spec


def leaves(schema: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    """List all fields of a schema that are no objects, with their paths; items and map values as `*`."""
    if "properties" in schema:
        return [leaf for name, child in schema["properties"].items() for leaf in leaves(child, (*path, name))]
    for key in ("items", "additionalProperties"):
        if key in schema:
            return leaves(schema[key], (*path, "*"))
    return [(path, schema)]
