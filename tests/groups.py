"""`make test`: all tests in groups, two groups at a time, and a line that says how long each took.

Groups are processes of their own: the test AWS belongs to a process, and so does the control plane that a group starts.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from missyou_local import binaries

TESTS = Path(__file__).parent
#: The longest first, so that two at a time end at about the same time.
GROUPS = {
    "storms": [f"crash/test_{part}.py" for part in ("storm", "outages", "anything", "restoration")],
    "crashes": [f"crash/test_{part}.py" for part in ("crash", "hands", "at_once", "switches")],
    "passes": ["passes"],
    "operator": ["integration/test_operator.py"],
    "permissions": ["permissions"],
    "observability": ["observability"],
    "API outages": ["integration/test_outages.py"],
    "leader": ["integration/test_leader.py"],
    "AWS classes": ["aws"],
    "API server": ["integration/crd"],
    "test AWS": ["local_aws"],
    "data plane": ["dataplane"],
    "app": ["integration/test_app.py", "integration/test_rehearsal.py"],
    "GitOps": ["gitops"],
    "manifests": ["manifests", "workflows"],
    "backend": ["backend"],
    "local cloud": ["local_controlplane"],
    "pure": ["engine", "stack", "cost", "controller", "api", "supply"],
}


@dataclass(frozen=True, slots=True)
class Ended:
    """One group that was run."""

    name: str
    code: int
    output: str
    seconds: float

    def line(self) -> str:
        said = next(
            (line for line in reversed(self.output.splitlines()) if " in " in line and "s" in line), "no result"
        )
        return (
            f"{'ok' if self.code == 0 else 'FAILED':<7}{self.name:<13}{self.seconds:5.0f} s   {said.split(' in ')[0]}"
        )


def run(name: str) -> Ended:
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", *(str(TESTS / part) for part in GROUPS[name])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=TESTS.parent)
    return Ended(name, done.returncode, done.stdout + done.stderr, time.monotonic() - began)


def main() -> int:
    named = [TESTS / part for parts in GROUPS.values() for part in parts]
    missing = [
        str(path.relative_to(TESTS))
        for path in TESTS.rglob("test_*.py")
        if not any(path == part or part in path.parents for part in named)
    ]
    if missing:
        sys.stderr.write(f"in no group: {', '.join(missing)}\n")
        return 1
    # Where the control plane has to be built, that takes longer than any test may: not inside one of them.
    binaries.find(lambda line: print(line, flush=True))
    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        ended = []
        for group in pool.map(run, GROUPS):
            ended.append(group)
            sys.stdout.write(f"--- {group.name}\n{group.output}")
            sys.stdout.flush()
    sys.stdout.write("\n" + "\n".join(group.line() for group in ended) + "\n")
    sys.stdout.write(f"all in {time.monotonic() - began:.0f} s, two groups at a time\n")
    return int(any(group.code for group in ended))


if __name__ == "__main__":
    sys.exit(main())
