"""The CRD as a document: generated, structural, and saying only what is true."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from missyou_operator.api.crd import crd, crd_yaml, tenant_crd
from missyou_operator.api.kind import GROUP, PLURAL, TENANT_PLURAL

from .cases import SCHEMA

CRDS = Path(__file__).parents[2] / "crds"
VERSION = crd()["spec"]["versions"][0]
ROOT = VERSION["schema"]["openAPIV3Schema"]
TENANT = tenant_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
BOTH = pytest.mark.parametrize("root", [ROOT, TENANT], ids=[PLURAL, TENANT_PLURAL])


def nodes(schema):
    """Every schema in a schema."""
    yield schema
    for child in [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]:
        if child is not None:
            yield from nodes(child)


@pytest.mark.parametrize(("plural", "made"), [(PLURAL, crd), (TENANT_PLURAL, tenant_crd)])
def test_the_file_is_what_the_models_generate(plural, made):
    text = (CRDS / f"{plural}.{GROUP}.yaml").read_text()
    assert text == crd_yaml(plural), "run: make crd"
    assert yaml.safe_load(text) == made()


@BOTH
def test_the_schema_is_structural(root):
    for node in nodes(root):
        assert node["type"] in {"object", "array", "string", "integer", "boolean"}
        assert not node.keys() & {"$ref", "anyOf", "title", "nullable", "x-kubernetes-preserve-unknown-fields"}
        assert node.get("additionalProperties") is not False


def test_every_property_is_described():
    described = [ROOT["properties"][name] for name in ("spec", "status")] + [TENANT["properties"]["spec"]]
    for node in (each for root in described for each in nodes(root)):
        for name, child in node.get("properties", {}).items():
            assert child["description"].endswith((".", ":", "2/2.")), name
    assert all(root["description"] for root in described)


def test_what_depends_on_the_environment_has_no_default_in_the_schema():
    service, database = (SCHEMA["properties"][name]["properties"] for name in ("service", "database"))
    dependent = [service["cpu"], service["memory"], *service["replicas"]["properties"].values()]
    dependent += [database[name] for name in ("multiAZ", "deletionProtection", "finalSnapshot")]
    dependent += [SCHEMA["properties"]["network"]["properties"]["natGateways"]]
    assert not [node for node in dependent if "default" in node]


def test_a_new_object_does_not_look_finished_to_kstatus():
    status = ROOT["properties"]["status"]
    assert status["default"] == {"observedGeneration": -1}
    assert status["properties"]["observedGeneration"]["default"] == -1
    assert status["properties"]["observedGeneration"]["format"] == "int64"


def test_the_columns_are_those_of_the_contract():
    columns = [(column["name"].upper(), column.get("priority", 0)) for column in VERSION["additionalPrinterColumns"]]
    assert columns == [
        *((name, 0) for name in ("READY", "STATUS", "URL", "IMAGE", "TASKS", "USD/MONTH", "AGE")),
        *((name, 1) for name in ("REGION", "DATABASE", "MESSAGE")),
    ]


def test_a_tenant_grants_nothing_by_a_default():
    """A default would be stored in each tenant, and a selector that is made from nothing selects every namespace."""
    spec = TENANT["properties"]["spec"]["properties"]
    assert {name: each["default"] for name, each in spec.items() if each.get("default")} == {"exposure": "Internal"}
    assert "default" not in spec["namespaceSelector"]


def test_no_rule_uses_the_reason_that_swallows_messages():
    rules = [
        rule for root in (ROOT, TENANT) for node in nodes(root) for rule in node.get("x-kubernetes-validations", [])
    ]
    assert len(rules) > 30
    for rule in rules:
        assert rule["reason"] in {"FieldValueInvalid", "FieldValueForbidden"}
        assert bool(rule.get("message")) != bool(rule.get("messageExpression"))
