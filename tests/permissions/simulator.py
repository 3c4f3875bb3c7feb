"""The simulator, run once for all questions: installed where it is not there yet, and one process of Node."""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from missyou_local.binaries import cache_folder

from .authorization import ACCOUNT, Check

_HERE = Path(__file__).parent
_PACKAGES = (_HERE / "package.json", _HERE / "package-lock.json")
_SECONDS = 150


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: may the operator do this, under a policy? `context` is JSON."""

    policy: str
    action: str
    resource: str
    account: str
    context: str

    @classmethod
    def about(cls, policy: str, check: Check) -> Asked:
        # S3's ARNs have none; the names of our buckets do.
        account = next(iter(re.findall(r"\d{12}", check.resource)), ACCOUNT)
        return cls(policy, check.action, check.resource, account, json.dumps(check.context, sort_keys=True))


@dataclass(frozen=True, slots=True)
class Answers:
    """What the simulator says, and which resources AWS's reference wants for an action: patterns of ARNs by type."""

    results: Mapping[Asked, str]
    required: Mapping[str, Mapping[str, str]]

    def allowed(self, asked: Asked) -> bool:
        """Errors: AssertionError where the question itself is wrong: no such action, no such resource of it."""
        result = self.results[asked]
        assert not result.startswith("error"), f"{asked}: {result}"
        return result == "Allowed"


def ask(policies: Mapping[str, Sequence[Mapping[str, Any]]], questions: Iterable[Asked]) -> Answers:
    """Ask all questions at once. Skips the test where the simulator cannot be had."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("the simulator needs Node 20 and npm")
    installed = _installed()
    asked = list(dict.fromkeys(questions))
    rows = [
        {
            "policy": one.policy,
            "action": one.action,
            "resource": one.resource,
            "account": one.account,
            "context": json.loads(one.context),
        }
        for one in asked
    ]
    # As an argument: Node looks for packages from the folder it runs in, and for a file's from where the file is.
    command = ["node", "--input-type=module", "--eval", (_HERE / "simulate.mjs").read_text()]
    done = _run(command, installed, json.dumps({"policies": policies, "requests": rows}))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return Answers(dict(zip(asked, found["results"], strict=True)), found["required"])


def _installed() -> Path:
    """Return the folder in the project's cache that has what the lock file names. Other runs wait for it."""
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
    done = _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    if done.returncode:
        pytest.skip(f"npm ci failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")


def _run(command: Sequence[str], folder: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, input=given, capture_output=True, text=True, check=False, timeout=_SECONDS
    )
