"""Measure a fleet: `python -m benchmarks.fleet --stacks 100`, or every row with `--all` (`make bench`).

Without `--all` it prints look after look at so many stacks. With it, it prints every row and writes them as JSON and
SVG into docs/benchmarks/.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from missyou_local.aws import Timing
from tests.sim.world import simulated

from . import report, rows
from .looks import RESYNC, Looks, Watcher
from .world import Fleet

_FOLDER = Path(__file__).parents[2] / "docs" / "benchmarks"


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--stacks", type=int, default=100, help="production stacks (default: 100)")
    parser.add_argument("--looks", type=int, default=4, help="looks after the first one (default: 4)")
    parser.add_argument("--calls", action="store_true", help="print the calls by operation, too")
    parser.add_argument("--all", action="store_true", help="measure every row; --stacks is the largest fleet then")
    options = parser.parse_args()
    if options.all:
        _measure(options.stacks, options.looks)
    else:
        _look(options.stacks, options.looks, options.calls)


def _measure(most: int, number: int) -> None:
    found: list[rows.Row] = []
    for stacks in (1, 30, 100):
        if stacks <= most:
            found += rows.looking(stacks)
    if most > 100:
        found += rows.looking(most, number)
    found += rows.hearing(min(most, 100))
    found += rows.lives()
    found += rows.deletions()
    found += rows.living(most, number)
    print(report.table(found))
    report.write(_FOLDER, "fleet", found)


def _look(stacks: int, number: int, calls: bool) -> None:
    with simulated(Timing.instant()) as aws:
        began = time.monotonic()
        bodies = Fleet(aws).grow(stacks)
        print(f"{stacks} stacks are there after {time.monotonic() - began:.1f} s", flush=True)
        # Nothing changes any more, and what took time is over.
        aws.tell(keep=60)
        aws.clock.now += 61.0
        watcher = Watcher(aws, bodies)
        _print("first look", watcher.first(), calls)
        for each in range(number):
            _print(f"look {each + 2}", watcher.look(RESYNC), calls)


def _print(title: str, looks: Looks, calls: bool) -> None:
    print(
        f"{title:<11} {sum(looks.calls.values()):6} calls, {looks.calls_each:6.2f} a stack; "
        f"{looks.cpu_each:6.1f} ms of CPU a stack; {looks.passes} passes",
        flush=True,
    )
    if calls:
        for name, count in sorted(looks.calls.items(), key=lambda each: -each[1]):
            print(f"  {name:<60} {count:6} {count / looks.number:7.3f}")


if __name__ == "__main__":
    main()
