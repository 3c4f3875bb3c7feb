"""Generates the CustomResourceDefinitions: `missyou crd`, and `missyou crd missyoutenants`.

The files in `crds/` are this module's output; a test fails when they differ.
"""

from __future__ import annotations

from typing import Any

import yaml

from missyou_operator.api.conditions import ConditionType
from missyou_operator.api.cross_rules import ROOT_RULES
from missyou_operator.api.kind import GROUP, KIND, PLURAL, TENANT_KIND, TENANT_PLURAL, VERSION
from missyou_operator.api.rules import CEL_KEY
from missyou_operator.api.schema import structural
from missyou_operator.api.spec import ValidatedSpec
from missyou_operator.api.status import Status
from missyou_operator.api.tenant import ValidatedTenant

_HEADER = """\
# Generated from the models in operator/missyou_operator/api by `missyou crd`: change those, not this.
"""


def crd() -> dict[str, Any]:
    """Return the CRD of MissYouApps as plain values."""
    names = {"plural": PLURAL, "kind": KIND, "short": "mya"}
    return _definition(names, "Namespaced", _root(), _columns(), {"subresources": {"status": {}}})


def tenant_crd() -> dict[str, Any]:
    """Return the CRD of MissYouTenants as plain values."""
    names = {"plural": TENANT_PLURAL, "kind": TENANT_KIND, "short": "myt"}
    return _definition(names, "Cluster", _tenant_root(), _tenant_columns(), {})


def crd_yaml(plural: str = PLURAL) -> str:
    """Return a CRD as the text of its file in crds/."""
    made = {PLURAL: crd, TENANT_PLURAL: tenant_crd}[plural]()
    text: str = yaml.dump(made, Dumper=_Dumper, sort_keys=False, width=116, allow_unicode=True)
    return _HEADER + text


def _definition(
    names: dict[str, str], scope: str, root: dict[str, Any], columns: list[dict[str, Any]], more: dict[str, Any]
) -> dict[str, Any]:
    plural, kind = names["plural"], names["kind"]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        # Flux would prune a CRD that disappears from Git, and every object with it, and every stack with its app.
        "metadata": {"name": f"{plural}.{GROUP}", "annotations": {"kustomize.toolkit.fluxcd.io/prune": "disabled"}},
        "spec": {
            "group": GROUP,
            "scope": scope,
            "names": {
                "plural": plural,
                "singular": kind.lower(),
                "kind": kind,
                "listKind": f"{kind}List",
                "shortNames": [names["short"]],
                "categories": ["aws"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    **more,
                    "additionalPrinterColumns": columns,
                    "schema": {"openAPIV3Schema": root},
                }
            ],
        },
    }


class _Dumper(yaml.SafeDumper):
    """Writes CEL as folded blocks, in which its quotes need not be doubled."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=">" if "'" in text else None)


_Dumper.add_representer(str, _text)


def _root() -> dict[str, Any]:
    status = structural(Status)
    # Without a generation, kstatus (and with it Flux) takes a new object for a finished one. The default on the parent
    # covers a new object; the model's default on the field covers a status that lost its generation.
    status["default"] = {"observedGeneration": -1}
    return {
        "description": "The complete AWS stack of one app: network, database, registry, secrets, a service behind a "
        "load balancer, logs and alarms.",
        "type": "object",
        "required": ["spec"],
        CEL_KEY: [rule.to_crd() for rule in ROOT_RULES],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            # With its name, since the path of a rule names it.
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            "spec": structural(ValidatedSpec),
            "status": status,
        },
    }


def _tenant_root() -> dict[str, Any]:
    return {
        "description": "What the MissYouApps of some namespaces may name in AWS. As soon as the cluster has one, "
        "everything that none grants is refused.",
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(ValidatedTenant),
        },
    }


def _tenant_columns() -> list[dict[str, Any]]:
    return [
        {"name": "Role", "type": "string", "jsonPath": ".spec.credentials.roleARN"},
        {"name": "Prefix", "type": "string", "jsonPath": ".spec.stackPrefix"},
        {"name": "Exposure", "type": "string", "jsonPath": ".spec.exposure"},
        {"name": "USD/Month", "type": "integer", "jsonPath": ".spec.maxMonthlyUSD"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]


def _columns() -> list[dict[str, Any]]:
    def ready(field: str) -> str:
        return f'.status.conditions[?(@.type=="{ConditionType.READY}")].{field}'

    shown = {"Ready": ready("status"), "Status": ready("reason"), "URL": ".status.url", "Image": ".status.image"}
    wide = {"Region": ".status.outputs.region", "Database": ".status.outputs.rdsEndpoint", "Message": ready("message")}
    return [
        *({"name": name, "type": "string", "jsonPath": path} for name, path in shown.items()),
        {"name": "Tasks", "type": "string", "jsonPath": ".status.tasks"},
        {"name": "USD/Month", "type": "string", "jsonPath": ".status.cost.monthlyUSD"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        *({"name": name, "type": "string", "priority": 1, "jsonPath": path} for name, path in wide.items()),
    ]
