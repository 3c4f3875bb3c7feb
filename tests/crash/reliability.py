"""What the runs of this folder have met, and docs/reliability.md, which is made of it.

`make test-crash` runs the whole sweep, two files at a time; each leaves what it met in build/reliability, of which the
report is made. A run that was interrupted, or lacks a part, leaves the report as it is.
"""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.sim.seed import SEED

from .chosen import ALL

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
REPORT, PARTS = ROOT / "docs" / "reliability.md", ROOT / "build" / "reliability"
#: Files of this folder -> what their tests show.
ABOUT = {
    "test_kills.py": "The operator is killed at each changing call of creation, update and deletion, and of switching "
    "firewall, access logs, notifications and dashboard on and off, before and after it takes effect; the next process "
    "ends where an undisturbed one would",
    "test_restoration.py": "A database is restored from a snapshot, with a kill at each call and in a storm; the "
    "snapshot's password never stays",
    "test_storm.py": "30 % throttling, 10 % 5xx, 2 % lost answers, 2 % resets, reads up to 10 s old, roles unknown for "
    "15 s, all at once",
    "test_outages.py": "A service is down for ten minutes at each stage; credentials expire; every call is throttled",
    "test_at_once.py": "Specs change and stacks are deleted while AWS is at work; names are reused",
    "test_foreign_changes.py": "Each resource is deleted, and 17 things are changed, behind the operator's back",
    "test_anything.py": "All of it in any order (hypothesis)",
}
#: A process for each file, two at a time, the longest first.
SWEEP = (
    "test_outages.py",
    "test_kills.py",
    "test_anything.py",
    "test_foreign_changes.py",
    "test_storm.py",
    "test_at_once.py",
    "test_restoration.py",
)
_KILLS, _SAME = "kills", "kills at the same state as one of these"
_NO_FAULTS = ("calls", _KILLS, _SAME)

TEMPLATE = """# Reliability

Written by `make test-crash` on {when}, seed {seed}: the operator's passes against [the test AWS](test-aws.md), on a
virtual clock, two processes, {minutes:.0f} minutes. `make test` runs a sample that changes daily.
`MISSYOU_SEED={seed} make test` repeats a day's sample; `tests/sim/__init__.py` explains the replay.

Every run ends with the same comparison: everything in AWS, except ids, with a run in which nothing went wrong. A
duplicate, an orphan or a difference fails the test.

| what | passed | failed | kills | calls to AWS | faults | minutes |
|---|---|---|---|---|---|---|
{rows}

A kill before a call is skipped if the kill after the previous call of the same pass was made: only reads come between
them, AWS is the same, and both lose the operator's memory. There were {same} of those.
`tests/integration/test_outages.py` shows outages of Kubernetes (API server restarted, unreachable, silent, watches
cut), with the operator and a real API server.

## Calls per minute while AWS throttles every call

The first eight minutes. Each of botocore's attempts counts. The pauses between them are skipped; in reality there
would be fewer.

| stage | calls in each minute |
|---|---|
{rates}

## Found and fixed on the way

{findings}"""


@dataclass(slots=True)
class Family:
    """What one file's tests came to: outcomes, what they met (calls, kills, faults), and seconds."""

    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    met: collections.Counter[str] = field(default_factory=collections.Counter)
    seconds: float = 0.0

    def row(self, what: str) -> str:
        faults = {name: n for name, n in self.met.most_common() if name not in _NO_FAULTS and "minute" not in name}
        told = ", ".join(f"{count} {name}" for name, count in faults.items()) or "-"
        cells = (self.outcomes["passed"], self.outcomes["failed"], self.met[_KILLS] or "-", self.met["calls"], told)
        return f"| {what} | {' | '.join(map(str, cells))} | {self.seconds / 60:.1f} |"


Families = dict[str, Family]
FAMILIES: Families = collections.defaultdict(Family)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count a test."""
    if report.when == "call" or report.outcome != "passed":
        family = FAMILIES[Path(report.location[0]).name]
        family.outcomes[report.outcome] += 1
        family.seconds += report.duration
        for name, value in report.user_properties:
            if name == "met" and isinstance(value, dict):
                family.met.update(value)


def pytest_sessionfinish(exitstatus: int) -> None:
    """Leave what a part of the sweep has met, unless it was interrupted."""
    if ALL and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        PARTS.mkdir(parents=True, exist_ok=True)
        families = {
            name: {"outcomes": one.outcomes, "met": one.met, "seconds": one.seconds} for name, one in FAMILIES.items()
        }
        (PARTS / f"{os.getpid()}.json").write_text(json.dumps(families), encoding="utf-8")


def merge(parts: list[Mapping[str, Any]]) -> Families:
    """Add up what the parts of a sweep have left."""
    families: Families = collections.defaultdict(Family)
    for name, part in (item for each in parts for item in each.items()):
        families[name].outcomes.update(part["outcomes"])
        families[name].met.update(part["met"])
        families[name].seconds += part["seconds"]
    return families


def render(families: Families, when: str, minutes: float) -> str:
    """Write the report."""
    met: collections.Counter[str] = sum((family.met for family in families.values()), collections.Counter())
    stages: dict[str, list[str]] = {}
    for name in (name for name in met if name.startswith("minute ")):
        _, minute, stage = name.split(" ", 1)[0], *name.removeprefix("minute ").split(" of ")
        stages.setdefault(stage, [""] * 8)[int(minute) - 1] = str(met[name])
    return TEMPLATE.format(
        when=when,
        seed=SEED,
        minutes=minutes,
        rows="\n".join(families[name].row(about) for name, about in ABOUT.items()),
        same=met[_SAME],
        rates="\n".join(f"| {stage} | {' · '.join(counts)} |" for stage, counts in sorted(stages.items())),
        findings=(FOLDER / "findings.md").read_text(encoding="utf-8"),
    )


def sweep(file: str) -> int:
    """Run a part; give pytest's exit status."""
    # All parts draw from one seed, also where midnight falls between them.
    drawn = {"MISSYOU_SEED": str(SEED), "PYTHONHASHSEED": str(SEED % 2**32)}
    environ = {**os.environ, **drawn, "MISSYOU_CRASH": "all", "MISSYOU_FORKS": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "tests.progress", "--durations=5", str(FOLDER / file)]
    return subprocess.run(command, check=False, cwd=ROOT, env=environ).returncode


def main() -> int:
    """Run the whole sweep and write the report. Returns 1 where a test failed or a part is lacking."""
    for old in PARTS.glob("*.json"):
        old.unlink()
    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        failed = any(list(pool.map(sweep, SWEEP)))
    families = merge([json.loads(part.read_text(encoding="utf-8")) for part in PARTS.glob("*.json")])
    if families.keys() != ABOUT.keys():
        sys.stderr.write(f"{REPORT.name} stays as it is: nothing is known of {ABOUT.keys() ^ families.keys()}\n")
        return 1
    minutes = (time.monotonic() - began) / 60
    REPORT.write_text(render(families, datetime.now(UTC).strftime("%Y-%m-%d"), minutes), encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
