"""Generates the CustomResourceDefinition: `python -m missyou_operator.api.crd`, or `missyou crd`.

`crds/missyouapps.missyou.app.yaml` is this module's output; a test fails when they differ.
"""

from __future__ import annotations

import sys
from typing import Any

import yaml

from missyou_operator.api.conditions import ConditionType
from missyou_operator.api.cross_rules import ROOT_RULES
from missyou_operator.api.kind import GROUP, KIND, PLURAL, VERSION
from missyou_operator.api.rules import CEL_KEY
from missyou_operator.api.schema import structural
from missyou_operator.api.spec import ValidatedSpec
from missyou_operator.api.status import Status

_HEADER = """\
# Generated from the models in operator/missyou_operator/api by `missyou crd`: change those, not this.
"""


def crd() -> dict[str, Any]:
    """Return the CRD as plain values."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        # Flux would prune a CRD that disappears from Git, and every app with it, and every stack with its app.
        "metadata": {"name": f"{PLURAL}.{GROUP}", "annotations": {"kustomize.toolkit.fluxcd.io/prune": "disabled"}},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "plural": PLURAL,
                "singular": KIND.lower(),
                "kind": KIND,
                "listKind": f"{KIND}List",
                "shortNames": ["mya"],
                "categories": ["aws"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": _columns(),
                    "schema": {"openAPIV3Schema": _root()},
                }
            ],
        },
    }


def crd_yaml() -> str:
    """Return the CRD as the text of the file in crds/."""
    text: str = yaml.dump(crd(), Dumper=_Dumper, sort_keys=False, width=116, allow_unicode=True)
    return _HEADER + text


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


if __name__ == "__main__":
    sys.stdout.write(crd_yaml())
