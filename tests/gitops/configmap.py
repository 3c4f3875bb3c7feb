"""`python -m tests.gitops.configmap`: write the patch of argocd-cm that holds the same Lua as the files."""

from __future__ import annotations

from typing import Any

import yaml

from .states import CUSTOMIZATION, ROOT

PATCH = ROOT / "gitops/argocd/argocd-cm.yaml"
_NOTE = "# Written from resource_customizations/ by tests/gitops/configmap.py.\n"
_ACTIONS = ("approve", "reconcile", "suspend", "resume")


class _Literal(str):
    """Text that stays readable in YAML."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(_Literal, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, "|"))


def patch() -> str:
    """Give the patch. Source of the keys: Argo CD's operator manual, "Resource Health" and "Resource Actions"."""
    actions = {
        "discovery.lua": _script("actions/discovery.lua"),
        "definitions": [{"name": name, "action.lua": _script(f"actions/{name}/action.lua")} for name in _ACTIONS],
    }
    data = {
        "resource.customizations.health.missyou.app_MissYouApp": _script("health.lua"),
        "resource.customizations.actions.missyou.app_MissYouApp": _Literal(_dump(actions)),
    }
    return _NOTE + _dump(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "argocd-cm", "namespace": "argocd"},
            "data": data,
        }
    )


def _script(path: str) -> _Literal:
    return _Literal((CUSTOMIZATION / path).read_text())


def _dump(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=120)


if __name__ == "__main__":
    PATCH.write_text(patch())
