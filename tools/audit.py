"""Find known vulnerabilities in what the locks install. Never pass silently if nothing could be looked up.

pip-audit itself exits with 0 if the service knows none of the packages, which is how an index without one looks.

python tools/audit.py               SKIPPED if the service cannot be reached
python tools/audit.py --required    failure in that case: for a CI that can reach it
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
    """An exit code and its message."""

    code: int
    text: str
    skipped: bool = False


def verdict_of(lock: str, dependencies: Sequence[Mapping[str, Any]]) -> Verdict:
    """Return the verdict on pip-audit's JSON: 1 for a vulnerability or an omitted package, SKIPPED if all are."""
    found = [f"{d['name']} {d['version']}: {v['id']}" for d in dependencies for v in d.get("vulns", ())]
    omitted = [d["name"] for d in dependencies if "skip_reason" in d]
    if found:
        return Verdict(1, f"{lock}: vulnerable: {'; '.join(found)}")
    if not dependencies or len(omitted) == len(dependencies):
        return _skipped(lock, "the vulnerability service cannot be reached from here")
    if omitted:
        return Verdict(1, f"{lock}: not audited: {', '.join(omitted)}")
    return Verdict(0, f"{lock}: {len(dependencies)} packages, no known vulnerability")


def audit(lock: Path) -> Verdict:
    """Audit a lock with pip-audit."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner=off"]
    done = subprocess.run(
        [*command, "--format=json", f"--requirement={lock}"], capture_output=True, text=True, check=False
    )
    name = str(lock.relative_to(ROOT))
    try:
        return verdict_of(name, json.loads(done.stdout)["dependencies"])
    except ValueError:
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        if any(f"{trouble}Error" in done.stderr for trouble in ("Service", "Connection", "SSL")):
            return _skipped(name, reason)
        return Verdict(1, f"{name}: pip-audit failed: {reason}")


def exit_code(verdicts: Sequence[Verdict], *, required: bool) -> int:
    """Return the worst exit code. If an audit is required, a skipped one is a failure."""
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
