"""Argo CD's own test runner, on request: MISSYOU_ARGOCD names a checkout of its source, in which the test may write.

Building its packages takes minutes, so that the other tests of this folder use the interpreter alone. Last run: Argo CD
3.5.1, 2026-11-29, all passed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .states import CUSTOMIZATION

SOURCE = os.environ.get("MISSYOU_ARGOCD", "")
pytestmark = [
    pytest.mark.skipif(not SOURCE, reason="MISSYOU_ARGOCD does not name a checkout of Argo CD's source"),
    pytest.mark.timeout(3600),
]


def test_argo_cds_own_runner_passes() -> None:
    source = Path(SOURCE)
    # The runner embeds the folder.
    shutil.copytree(CUSTOMIZATION, source / "resource_customizations/missyou.app/MissYouApp", dirs_exist_ok=True)
    command = ["go", "test", "-v", "./util/lua", "-run", "TestLuaHealthScript|TestLuaResourceActionsScript"]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    for case in ("MissYouApp/testdata/ready.yaml", "actions/reconcile/../testdata/ready.yaml"):
        assert f"/{case}" in done.stdout
