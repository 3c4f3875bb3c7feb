"""Helm itself: the one on the machine, or one that is built from its Go module and kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from missyou_local.binaries import cache_folder

VERSION = "3.22.0"
_MODULE = Path(__file__).parent / "helm"


def find() -> Path:
    """Give the program; skip the test where it can be neither found nor built."""
    if found := shutil.which("helm"):
        return Path(found)
    kept = cache_folder() / f"helm-v{VERSION}"
    if os.access(kept, os.X_OK):
        return kept
    if not shutil.which("go"):
        pytest.skip("neither helm nor Go is there, from which it could be built")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        made = Path(scratch) / "helm"
        build = [
            "go",
            "build",
            "-mod=readonly",
            "-trimpath",
            "-ldflags=-s -w",
            "-o",
            str(made),
            "helm.sh/helm/v3/cmd/helm",
        ]
        built = subprocess.run(build, cwd=_MODULE, capture_output=True, text=True, check=False)
        if built.returncode and "dial tcp" in built.stderr:
            pytest.skip(f"Go's modules cannot be had: {built.stderr.splitlines()[-1]}")
        assert built.returncode == 0, built.stderr
        made.replace(kept)
    return kept
