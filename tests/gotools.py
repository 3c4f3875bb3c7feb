"""Programs that tests use and Go builds: kept in the cache, so that they are linked once and not in each run."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from missyou_local.binaries import cache_folder


def built(module: Path, package: str) -> Path:
    """Return the program that a package of a Go module makes (`.`: the module's own).

    Skips the test where there is no Go, or where its modules cannot be had.
    """
    go = shutil.which("go")
    if go is None:
        pytest.skip(f"Go is missing, in which {package} is written")
    digest = hashlib.sha256(package.encode())
    for path in sorted(each for each in module.iterdir() if each.suffix in {".go", ".mod", ".sum"}):
        digest.update(path.read_bytes())
    name = (module if package == "." else Path(package)).name
    kept = cache_folder() / "tools" / f"{name}-{digest.hexdigest()[:16]}" / name
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Another run builds the same: one of them does, and the other finds it.
    with (kept.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.access(kept, os.X_OK):
            _build(go, module, package, kept)
    return kept


def _build(go: str, module: Path, package: str, kept: Path) -> None:
    made = kept.with_name(f".{kept.name}")
    command = [go, "build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", str(made), package]
    done = subprocess.run(command, cwd=module, capture_output=True, text=True, check=False)
    if done.returncode and "dial tcp" in done.stderr:
        pytest.skip(f"Go's modules cannot be had: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    made.replace(kept)
