"""One control plane for all tests of this folder, which notes down what every ServiceAccount asks for."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from missyou_local import binaries, controlplane
from missyou_local.controlplane import ControlPlane

from . import audit

ROOT = Path(__file__).parents[2]
Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    folder = tmp_path_factory.mktemp("control-plane")
    plane = controlplane.start(folder, binaries.find(print), flags=audit.flags(folder / "audit"))
    yield plane
    plane.stop()


@pytest.fixture(scope="session")
def kubectl(plane: ControlPlane) -> Kubectl:
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is missing: it is what users install with")

    def run(*words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        command = ["kubectl", f"--kubeconfig={plane.kubeconfig}", *words]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False, cwd=ROOT)

    return run
