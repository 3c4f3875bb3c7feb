"""Flux, and whatever else goes by kstatus: its verdict by the real Go library, and our healthCheckExprs by real CEL."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .expected import VERDICTS
from .recording import ROOT, Recording, committed

EXPRS = yaml.safe_load((ROOT / "gitops/flux/kustomization.yaml").read_text())["spec"]["healthCheckExprs"][0]
Judge = Callable[[list[dict[str, Any]]], list[dict[str, str]]]


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    if not shutil.which("go"):
        pytest.skip("Go is missing: kstatus is a Go library")
    program = tmp_path_factory.mktemp("kstatus") / "kstatus"
    source = Path(__file__).parent / "kstatus"
    build = ["go", "build", "-o", str(program), "."]
    built = subprocess.run(build, cwd=source, capture_output=True, text=True, check=False)
    if built.returncode and "dial tcp" in built.stderr:
        pytest.skip(f"Go's modules cannot be had: {built.stderr.splitlines()[-1]}")
    assert built.returncode == 0, built.stderr

    def ask(objects: list[dict[str, Any]]) -> list[dict[str, str]]:
        exprs = {key: EXPRS[key] for key in ("inProgress", "failed", "current")}
        asked = json.dumps([{"object": seen, "exprs": exprs} for seen in objects])
        answer = subprocess.run([str(program)], input=asked, capture_output=True, text=True, check=True)
        return list(json.loads(answer.stdout))

    return ask


@pytest.mark.timeout(600)
def test_verdicts(judge: Judge) -> None:
    states = committed()
    found = judge([states[name] for name in VERDICTS])
    assert {name: (one["status"], one["expr"]) for name, one in zip(VERDICTS, found, strict=True)} == {
        name: (kstatus, flux) for name, (_, _, kstatus, flux) in VERDICTS.items()
    }


@pytest.mark.timeout(600)
def test_no_moment_of_a_life_fails_or_is_current_too_early(judge: Judge, recording: Recording) -> None:
    growing = [*recording.creation, *recording.change]
    for seen, verdict in zip(growing, judge(growing), strict=True):
        ready = {c["type"]: c["status"] for c in seen["status"]["conditions"]}["Ready"] == "True"
        assert verdict["status"] in {"InProgress", "Current"}
        assert verdict["expr"] in {"InProgress", "Current"}
        assert ready or (verdict["status"], verdict["expr"]) == ("InProgress", "InProgress")
    assert {verdict["status"] for verdict in judge(recording.deletion)} == {"Terminating"}
