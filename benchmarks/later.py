"""Measure what a fleet costs once it has settled: `python -m benchmarks.later --stacks 1000 --minutes 33`.

A thousand stacks have their turn after a start, 1.8 s each, for half an hour. Only then looks are what they are for the
rest of the day. The operator's own process, with a real API server and AWS over HTTP; written into docs/benchmarks/.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks.fleet import process, report
from benchmarks.fleet.looks import RESYNC
from benchmarks.fleet.rows import Spent

_FOLDER = Path(__file__).parents[1] / "docs" / "benchmarks"


def main() -> None:
    """Measure and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.later", description=__doc__)
    parser.add_argument("--stacks", type=int, default=1000, help="production stacks (default: 1000)")
    parser.add_argument("--minutes", type=float, default=33.0, help="from the start until it is measured (default: 33)")
    parser.add_argument("--looks", type=int, default=4, help="looks that are measured (default: 4)")
    options = parser.parse_args()
    with process.running(options.stacks) as fleet:
        fleet.looked(600)
        began = time.monotonic()
        while (left := options.minutes * 60 - (time.monotonic() - began)) > 0:
            time.sleep(min(60.0, left))
            vitals = fleet.vitals()
            print(f"minute {(time.monotonic() - began) / 60:.0f}: {vitals.memory / 2**20:.0f} MB, "
                  f"{vitals.cpu:.0f} s of CPU", flush=True)  # fmt: skip
        found, throttled = Spent.during(fleet, options.looks), fleet.throttled()
    how = (
        f"operator's own process, real kube-apiserver, test AWS over HTTP; {options.looks} looks, one in "
        f"{RESYNC:.0f} s, {options.minutes:g} minutes after the start; {throttled} calls throttled since the start"
    )
    rows = found.rows("later-", f"{options.stacks} stacks, later", how)
    print(report.table(rows))
    report.write(_FOLDER, "later", rows)


if __name__ == "__main__":
    main()
