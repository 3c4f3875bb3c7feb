"""What the runs of this folder have met, and docs/reliability.md, which is made of it.

`make test-crash` runs the whole sweep in parts, two at a time; each leaves a file in build/reliability.
`python -m tests.crash.reliability` (which it calls) writes the report.
"""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from missyou_local.aws import Server

from .chosen import SEED

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
REPORT, PARTS = ROOT / "docs" / "reliability.md", ROOT / "build" / "reliability"
#: Files of this folder -> what their tests show.
ABOUT = {
    "test_crash.py": "The operator killed at a changing call, before it is sent or after it took effect; the next "
    "process ends where an undisturbed one would have",
    "test_storm.py": "30 % throttling, 10 % 5xx, 2 % lost answers, 2 % resets, reads up to 10 s old, roles unknown for "
    "15 s, all at once",
    "test_outages.py": "A service down for ten minutes at each stage; credentials that run out; full throttling",
    "test_at_once.py": "Specs changed and stacks deleted while AWS is at work, names used again",
    "test_hands.py": "Each resource deleted, and 17 things changed, behind the operator's back",
    "test_switches.py": "Firewall, access logs, notifications and dashboard switched on and off, killed at any call "
    "and in a storm",
    "test_restoration.py": "A database restored from a snapshot, killed at any call and in a storm: its password "
    "is never left as it was",
    "test_anything.py": "All of it in any order (hypothesis; one test, many runs)",
}


TEMPLATE = """# Reliability

Written by `make test-crash` on {when}, seed {seed}: the operator's passes against [the test AWS](test-aws.md), on a
clock that is turned. `make test` runs a sample, another each day; `MISSYOU_SEED=20261123 make test` repeats a day's.

{cut}
Every run ends with the same comparison: all that is in AWS, ids left out, against a run in which nothing went wrong. A
duplicate, an orphan or a difference fails it.

| what | passed | failed | skipped | calls to AWS | faults that struck | minutes |
|---|---|---|---|---|---|---|
{rows}

Skipped are numbers beyond a scenario's last call. Outages on Kubernetes' side (API server restarted, unreachable,
silent, watches cut) are shown by `tests/integration/test_outages.py`, with the operator and a real API server.

## Calls per minute while AWS throttles every call

The first eight minutes. Each attempt of botocore's counts, and its pauses between them are not waited for: there would
be fewer.

| stage | calls in each minute |
|---|---|
{rates}

## Found on the way, and mended

{findings}"""


@dataclass(slots=True)
class Family:
    """What one file's tests came to: outcomes, calls to the test AWS, and the faults that struck."""

    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    calls: int = 0
    faults: collections.Counter[str] = field(default_factory=collections.Counter)
    seconds: float = 0.0

    def count(self, aws: Server) -> None:
        """Add what a test AWS has met since it was last reset."""
        for entry in aws.control.ledger.entries():
            self.calls += 1
            self.faults.update(entry["rules"])


@dataclass(slots=True)
class Tally:
    """All of a session, by file; `rates` are calls per minute under full throttling, by stage.

    `whole`: no part was interrupted.
    """

    families: dict[str, Family] = field(default_factory=lambda: collections.defaultdict(Family))
    rates: dict[str, list[int]] = field(default_factory=dict)
    whole: bool = True

    def save(self, *, whole: bool) -> None:
        """Leave it for the report."""
        PARTS.mkdir(parents=True, exist_ok=True)
        families = {
            name: {"outcomes": one.outcomes, "faults": one.faults, "calls": one.calls, "seconds": one.seconds}
            for name, one in self.families.items()
        }
        text = json.dumps({"families": families, "rates": self.rates, "whole": whole})
        (PARTS / f"{os.getpid()}.json").write_text(text, encoding="utf-8")

    def add(self, saved: Mapping[str, Any]) -> None:
        """Add what another run has left."""
        self.rates |= saved["rates"]
        self.whole &= saved.get("whole", False)
        for name, part in saved["families"].items():
            family = self.families[name]
            family.outcomes.update(part["outcomes"])
            family.faults.update(part["faults"])
            family.calls += part["calls"]
            family.seconds += part["seconds"]


def render(tally: Tally, when: str, seed: int) -> str:
    """Write the report."""
    rows = [_row(ABOUT[name], tally.families[name]) for name in ABOUT if name in tally.families]
    rates = [f"| {stage} | {' · '.join(map(str, counts))} |" for stage, counts in tally.rates.items()]
    findings = (FOLDER / "findings.md").read_text(encoding="utf-8")
    cut = "" if tally.whole else "**This sweep was cut short: not all of its runs were made.**\n"
    return TEMPLATE.format(
        cut=cut, when=when, seed=seed, rows="\n".join(rows), rates="\n".join(rates), findings=findings
    )


def _row(what: str, family: Family) -> str:
    outcomes: Mapping[str, int] = family.outcomes
    faults = ", ".join(f"{count} {name}" for name, count in family.faults.most_common()) or "-"
    counts = " | ".join(str(outcomes.get(name, 0)) for name in ("passed", "failed", "skipped"))
    return f"| {what} | {counts} | {family.calls} | {faults} | {family.seconds / 60:.0f} |"


#: Parts of the sweep that take about as long as each other, as arguments of pytest.
SWEEP = (
    ["test_crash.py", "-k", "creation"],
    ["test_anything.py", "test_at_once.py", "test_hands.py", "test_outages.py", "test_storm.py"],
    ["test_crash.py", "-k", "not creation"],
    ["test_switches.py", "test_restoration.py"],
)


def sweep(part: list[str]) -> int:
    """Run a part; give pytest's exit status."""
    names = [str(FOLDER / word) if word.endswith(".py") else word for word in part]
    return subprocess.run([sys.executable, "-m", "pytest", *names], check=False, cwd=ROOT).returncode


def main() -> int:
    for old in PARTS.glob("*.json"):
        old.unlink()
    with ThreadPoolExecutor(2) as pool:
        failed = any(list(pool.map(sweep, SWEEP)))
    tally = Tally()
    for part in PARTS.glob("*.json"):
        tally.add(json.loads(part.read_text(encoding="utf-8")))
    REPORT.write_text(render(tally, datetime.now(UTC).strftime("%Y-%m-%d"), SEED), encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
