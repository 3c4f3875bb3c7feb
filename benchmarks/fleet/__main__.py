"""Print what looking at a fleet takes: `python -m benchmarks.fleet --stacks 100`."""

from __future__ import annotations

import argparse
import time

from missyou_local.aws import Timing
from tests.sim.world import simulated

from .looks import RESYNC, Looks, Watcher
from .world import Fleet


def main() -> None:
    """Run the looks, and print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--stacks", type=int, default=100, help="production stacks (default: 100)")
    parser.add_argument("--looks", type=int, default=4, help="looks after the first one (default: 4)")
    parser.add_argument("--calls", action="store_true", help="print the calls by operation, too")
    options = parser.parse_args()
    with simulated(Timing.instant()) as aws:
        began = time.monotonic()
        bodies = Fleet(aws).grow(options.stacks)
        print(f"{options.stacks} stacks are there after {time.monotonic() - began:.1f} s", flush=True)
        # Nothing changes any more, and what took time is over.
        aws.tell(keep=60)
        aws.clock.now += 61.0
        watcher = Watcher(aws, bodies)
        _print("first look", watcher.first(), options.calls)
        for number in range(options.looks):
            _print(f"look {number + 2}", watcher.look(RESYNC), options.calls)


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
