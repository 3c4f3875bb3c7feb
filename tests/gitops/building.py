"""What Argo CD and Flux make of a folder of the repository: built by the libraries that they build with."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .states import ROOT

_FOLDERS = ("charts", "crds", "gitops", "manifests")
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def documents(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file."""
    return [item for item in yaml.safe_load_all(path.read_text()) if item]


@dataclass(frozen=True, slots=True)
class Generators:
    """The program in generators/, built, and a copy of the repository in which it may write."""

    program: Path
    root: Path

    @classmethod
    def of(cls, program: Path, folder: Path) -> Generators:
        """Copy what the examples refer to."""
        for name in _FOLDERS:
            shutil.copytree(ROOT / name, folder / name)
        return cls(program, folder)

    def flux(self, path: str, spec: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return what Flux makes of a Kustomization's path. Error: ValueError, in its own words."""
        return self._build({"tool": "flux", "path": path, "kustomization": {"spec": dict(spec)}})

    def argo(self, path: str) -> list[dict[str, Any]]:
        """Return what Argo CD makes of an Application's path. Error: ValueError.

        Of a folder without a kustomization.yaml (or a chart) it takes the manifests that lie directly in it. Source:
        Argo CD's user guide, "Tool Detection" and "Directory".
        """
        folder = self.root / path
        if any((folder / name).is_file() for name in _KUSTOMIZATIONS):
            return self._build({"tool": "kustomize", "path": path})
        if not folder.is_dir():
            raise ValueError(f"{path}: app path does not exist")
        found: list[Path] = sorted(each for each in folder.iterdir() if each.suffix in {".yaml", ".yml", ".json"})
        return [item for each in found for item in documents(each)]

    def _build(self, *requests: Mapping[str, Any]) -> list[dict[str, Any]]:
        asked = json.dumps({"root": str(self.root), "requests": requests})
        done = subprocess.run([str(self.program)], input=asked, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        [answer] = json.loads(done.stdout)
        if answer["error"]:
            raise ValueError(answer["error"])
        return [item for item in yaml.safe_load_all(answer["yaml"]) if item]


def applications(items: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the spec of each Application, by its name: also of those that the ApplicationSet makes, one a folder."""
    found = {}
    for item in items:
        if item["kind"] == "Application":
            found[item["metadata"]["name"]] = item["spec"]
        if item["kind"] == "ApplicationSet":
            for folder in sorted((ROOT / "gitops/apps").iterdir()):
                text = json.dumps(item["spec"]["template"])
                for name, value in (("basename", folder.name), ("path", f"gitops/apps/{folder.name}")):
                    text = text.replace("{{.path." + name + "}}", value)
                made = json.loads(text)
                assert "{{" not in text
                assert made["metadata"]["name"] not in found, "two Applications of one name"
                found[made["metadata"]["name"]] = made["spec"]
    return found
