"""What kstatus, Flux and Argo CD's own interpreter say: by the program in kstatus/."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .states import ROOT

FLUX = ROOT / "gitops/flux/missyou.yaml"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of one object; `lua` has what each script returned, or its error."""

    kstatus: str
    flux: str
    lua: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Runtime:
    """The program, built."""

    program: Path

    def judge(self, objects: Sequence[Mapping[str, Any]], *scripts: str) -> list[Answer]:
        """Ask about objects, and run scripts on each."""
        asked = {"health": expressions(), "requests": [{"object": obj, "scripts": scripts} for obj in objects]}
        said = subprocess.run([str(self.program)], input=json.dumps(asked), capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stderr
        return [Answer(**answer) for answer in json.loads(said.stdout)]


def expressions() -> dict[str, str]:
    """Give the healthCheckExprs of the example."""
    for item in yaml.safe_load_all(FLUX.read_text()):
        for found in item["spec"].get("healthCheckExprs", ()):
            if found["kind"] == "MissYouApp":
                return {key: found[key] for key in ("inProgress", "failed", "current")}
    raise AssertionError(f"{FLUX} has no healthCheckExprs for MissYouApp")
