"""The packages that the lock file names, installed where they are not there yet: the reference and the simulator."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from missyou_local.binaries import cache_folder

HERE = Path(__file__).parent
_PACKAGES = (HERE / "package.json", HERE / "package-lock.json")
_SECONDS = 150


@functools.cache
def installed() -> Path:
    """Return the folder in the project's cache that has what the lock file names. Other runs wait for it.

    Skips the test where it cannot be had.
    """
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("the reference and the simulator need Node 20 and npm")
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in _PACKAGES)).hexdigest()[:16]
    kept = cache_folder() / "tools" / f"iam-simulator-{digest}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
                made = Path(scratch) / "made"
                made.mkdir()
                _install(made)
                made.rename(kept)
    return kept


def _install(folder: Path) -> None:
    for path in _PACKAGES:
        shutil.copy(path, folder)
    done = run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    if done.returncode:
        pytest.skip(f"npm ci failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")


def run(command: Sequence[str], folder: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, input=given, capture_output=True, text=True, check=False, timeout=_SECONDS
    )
