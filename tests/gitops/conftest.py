"""One life for all tests of this folder, and the real API server of the integration tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.conftest import admin_kubeconfig, control_plane, kube  # noqa: F401 - fixtures

from .life import Moment, stepped_aws
from .story import live
from .verdicts import Tools

_MODULE = Path(__file__).parent / "kstatus"


@pytest.fixture(scope="session")
def moments() -> Sequence[Moment]:
    """Every status of a whole life, from new to gone."""
    with stepped_aws() as (aws, clock):
        return live(aws, clock)


@pytest.fixture(scope="session")
def go() -> str:
    """The go tool; where it is missing, what needs it is skipped."""
    found = shutil.which("go")
    if found is None:
        pytest.skip("Go is not installed: kstatus, Flux's CEL and Argo CD's Lua interpreter are Go libraries")
    return found


@pytest.fixture(scope="session")
def tools(go: str, tmp_path_factory: pytest.TempPathFactory) -> Tools:
    """The program in kstatus/, built; Go keeps what it has built, so that only the first time takes long."""
    environ = {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false"}
    fetched = subprocess.run(
        [go, "mod", "download"], cwd=_MODULE, env=environ, capture_output=True, text=True, check=False
    )
    if fetched.returncode:
        pytest.skip(f"Go modules cannot be had: {fetched.stderr.strip()[-300:]}")
    program = tmp_path_factory.mktemp("kstatus") / "kstatus"
    built = subprocess.run(
        [go, "build", "-o", str(program), "."], cwd=_MODULE, env=environ, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return Tools(program)
