"""Converts a pydantic model into the structural OpenAPI schema that a CRD needs.

Kubernetes requires everything inline (no `$ref`), no `null`, no `additionalProperties: false`, and a default on every
parent whose children have defaults, since it fills defaults in from the top.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from missyou_operator.api.rules import CEL_KEY

#: Keys with the same meaning in both schemas, in the order in which the CRD shows them.
_KEPT = (
    *("description", "type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum"),
    *("minItems", "maxItems", "maxProperties", "required", "default"),
)
#: Key of a list's JSON schema for the field that tells its items apart.
MAP_KEY = "map-key"
_INT32_MAX = 2**31 - 1


def structural(model: Any) -> dict[str, Any]:
    """Return the structural schema of a model (or of an annotated one), as a new tree of plain values."""
    schema = TypeAdapter(model).json_schema(by_alias=True, mode="validation")
    return _Inliner(schema.pop("$defs", {})).convert(schema)


class _Inliner:
    """Converts one schema; `definitions` are pydantic's `$defs`."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions

    def convert(self, node: Mapping[str, Any]) -> dict[str, Any]:
        node = self._flat(node)
        # An empty text or list as a default means "nothing" in the model: the API server need not store it.
        result: dict[str, Any] = {key: node[key] for key in _KEPT if node.get(key) not in (None, "", [])}
        if "description" in result:
            result["description"] = " ".join(result["description"].split())
        if node["type"] == "integer":
            result["format"] = "int32" if node.get("maximum", _INT32_MAX + 1) <= _INT32_MAX else "int64"
        if CEL_KEY in node:
            # pydantic sorts keys; people want to read the rule first.
            result[CEL_KEY] = [{"rule": rule["rule"]} | rule for rule in node[CEL_KEY]]
        if node["type"] == "array":
            result |= self._list(node)
        if "properties" in node:
            result["properties"] = {name: self._property(child) for name, child in node["properties"].items()}
        elif isinstance(node.get("additionalProperties"), Mapping):
            result["additionalProperties"] = self.convert(node["additionalProperties"])
        return result

    def _property(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """Convert a field of an object. One that cannot be null, and needs no value, is created when missing."""
        result = self.convert(node)
        if result["type"] == "object" and "anyOf" not in node and "required" not in result:
            result["default"] = {}
        return result

    def _list(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """Convert a list. Updates replace it as a whole, unless a key tells its items apart."""
        key = node.get(MAP_KEY)
        kind: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]} if key else {}
        return (kind or {"x-kubernetes-list-type": "atomic"}) | {"items": self.convert(node["items"])}

    def _flat(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """Resolve references and "or null"; the keys of the outer node win."""
        for choice in (*node.get("anyOf", ()), *([self._definitions[_name(node)]] if "$ref" in node else ())):
            if choice.get("type") == "null":
                continue
            inner = self._flat(choice)
            outer = {key: value for key, value in node.items() if key not in ("anyOf", "$ref") and value is not None}
            return inner | outer
        return dict(node)


def _name(node: Mapping[str, Any]) -> str:
    return str(node["$ref"]).removeprefix("#/$defs/")
