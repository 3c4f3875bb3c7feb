"""Looks for known vulnerabilities in what the locks install. Never passes in silence when nothing could be looked up.

pip-audit itself exits with 0 when the service knows none of the packages: an index without one looks like that.

python tools/audit.py               SKIPPED where the service cannot be reached
python tools/audit.py --required    fails there: for a CI that can reach it
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = (ROOT / "requirements-operator.lock", ROOT / "backend/requirements.lock")


@dataclass(frozen=True, slots=True)
class Verdict:
    """An exit code, and what to say."""

    code: int
    text: str
    skipped: bool = False


def judge(lock: str, dependencies: Sequence[Mapping[str, Any]]) -> Verdict:
    """Judge pip-audit's JSON: 1 for a vulnerability or a package left out, 0 with SKIPPED where none was looked up."""
    found = [f"{d['name']} {d['version']}: {v['id']}" for d in dependencies for v in d.get("vulns", ())]
    left_out = [d["name"] for d in dependencies if "skip_reason" in d]
    if found:
        return Verdict(1, f"{lock}: vulnerable: {'; '.join(found)}")
    if not dependencies or len(left_out) == len(dependencies):
        return _skipped(lock, "the vulnerability service cannot be reached from here")
    if left_out:
        return Verdict(1, f"{lock}: not audited: {', '.join(left_out)}")
    return Verdict(0, f"{lock}: {len(dependencies)} packages, no known vulnerability")


def audit(lock: Path) -> Verdict:
    """Ask pip-audit about a lock."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner=off"]
    done = subprocess.run(
        [*command, "--format=json", f"--requirement={lock}"], capture_output=True, text=True, check=False
    )
    name = str(lock.relative_to(ROOT))
    try:
        return judge(name, json.loads(done.stdout)["dependencies"])
    except ValueError:
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        if any(f"{trouble}Error" in done.stderr for trouble in ("Service", "Connection", "SSL")):
            return _skipped(name, reason)
        return Verdict(1, f"{name}: pip-audit failed: {reason}")


def exit_code(verdicts: Sequence[Verdict], *, required: bool) -> int:
    """Give the worst exit code; where an audit is required, one that was skipped is a failure."""
    return max(verdict.code or int(required and verdict.skipped) for verdict in verdicts)


def _skipped(lock: str, reason: str) -> Verdict:
    return Verdict(0, f"{lock}: SKIPPED, nothing was audited: {reason}", skipped=True)


def main(arguments: list[str]) -> int:
    """Audit all locks."""
    verdicts = [audit(lock) for lock in LOCKS]
    sys.stdout.write("".join(f"{verdict.text}\n" for verdict in verdicts))
    return exit_code(verdicts, required="--required" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
