"""The simulator, run once for all questions: `npm ci` where it is not there yet, and one process of Node."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .authorization import ACCOUNT, Check

_HERE = Path(__file__).parent
_INSTALLED = _HERE / "node_modules" / ".package-lock.json"
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
    _install()
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
    done = _run(["node", "simulate.mjs"], json.dumps({"policies": policies, "requests": rows}))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return Answers(dict(zip(asked, found["results"], strict=True)), found["required"])


def _install() -> None:
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("the simulator needs Node 20 and npm")
    if _INSTALLED.exists() and _INSTALLED.stat().st_mtime >= (_HERE / "package-lock.json").stat().st_mtime:
        return
    done = _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"])
    if done.returncode:
        pytest.skip(f"npm ci failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")


def _run(command: Sequence[str], given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=_HERE, input=given, capture_output=True, text=True, check=False, timeout=_SECONDS
    )
