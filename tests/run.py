"""`make test` and `make test-fast`: tests in groups, some at a time, with what they come to as it comes.

A group is a process of its own, for the test AWS and a control plane belong to one. Each runs its tests in an order
drawn from the seed of the day (tests/sim/seed.py); a failure's last lines say how to repeat it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from missyou_local import binaries
from tests.groups import FAST, GROUPS
from tests.sim.seed import SEED

TESTS = Path(__file__).parent
ROOT = TESTS.parent
RESULTS = ROOT / "build" / "tests"
#: Groups at a time. On two cores one more than there are: what waits for something real leaves them idle.
AT_A_TIME = (os.cpu_count() or 1) + 1


@dataclass(frozen=True, slots=True)
class Ended:
    """A group that was run. `cpu` are the seconds that its processes used; `tests` those of each test."""

    name: str
    code: int
    seconds: float
    cpu: float
    outcomes: dict[str, int] = field(default_factory=dict)
    tests: dict[str, float] = field(default_factory=dict)

    def line(self) -> str:
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items())) or "no result"
        return (
            f"{'ok' if self.code == 0 else 'FAILED':<7} {self.name:<14}{self.seconds:6.0f} s {self.cpu:6.0f} s   {told}"
        )


def run(name: str, paths: tuple[str, ...]) -> Ended:
    """Run a group to its end, in a process of its own, whose output is everybody's."""
    began = time.monotonic()
    results = RESULTS / f"{name}.json"
    results.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-p", "tests.progress", f"--randomly-seed={SEED}"]
    environ = {
        **os.environ,
        "MISSYOU_RESULTS": str(results),
        "MISSYOU_SEED": str(SEED),
        "PYTHONHASHSEED": str(SEED % 2**32),
    }
    process = subprocess.Popen([*command, *(str(TESTS / path) for path in paths)], cwd=ROOT, env=environ)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    found = json.loads(results.read_text()) if results.exists() else {"outcomes": {}, "seconds": {}}
    cpu = used.ru_utime + used.ru_stime
    return Ended(name, process.returncode, time.monotonic() - began, cpu, found["outcomes"], found["seconds"])


def in_no_group() -> list[str]:
    """Return the test files that no group has."""
    named = [TESTS / path for paths in GROUPS.values() for path in paths]
    return [
        str(path.relative_to(TESTS))
        for path in sorted(TESTS.rglob("test_*.py"))
        if not any(path == each or each in path.parents for each in named)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; all by default")
    parser.add_argument("--fast", action="store_true", help="what a person runs after each edit")
    options = parser.parse_args()
    if missing := in_no_group():
        sys.stderr.write(f"in no group: {', '.join(missing)}\n")
        return 1
    if unknown := [name for name in options.groups if name not in GROUPS]:
        parser.error(f"there is no group {unknown[0]!r}: the groups are {', '.join(GROUPS)}")
    chosen = FAST if options.fast else {name: GROUPS[name] for name in options.groups or GROUPS}
    if not options.fast:
        # Where the control plane has to be built, that takes longer than any test may: not inside one of them.
        binaries.find(lambda line: print(line, flush=True))
    began = time.monotonic()
    ended = []
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for each in as_completed([pool.submit(run, *group) for group in chosen.items()]):
            ended.append(each.result())
            print(f"--- {ended[-1].line()}", flush=True)
    _summarise(ended, time.monotonic() - began)
    return int(any(group.code for group in ended))


def _summarise(ended: list[Ended], seconds: float) -> None:
    slowest = sorted(((took, test) for group in ended for test, took in group.tests.items()), reverse=True)[:15]
    print("\nslowest tests")
    for took, test in slowest:
        print(f"{took:7.1f} s  {test}")
    print("\n        group          took     CPU")
    for group in sorted(ended, key=lambda group: -group.seconds):
        print(group.line())
    failed = [group.name for group in ended if group.code]
    print(f"all in {seconds:.0f} s, {AT_A_TIME} groups at a time, seed {SEED}; CPU {sum(g.cpu for g in ended):.0f} s")
    if failed:
        print(f"failed: {', '.join(failed)}. Again: MISSYOU_SEED={SEED} make test GROUPS={failed[0]}")


if __name__ == "__main__":
    sys.exit(main())
