"""A test AWS that holds a fleet, as a process of its own: `python -m benchmarks.fleet.server uids.json bodies.json`.

It reads the UIDs of the apps and that of their cluster, writes the objects that fit, prints its URL, and serves until
its standard input ends. What it takes to answer is not the operator's CPU.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from missyou_local.aws import Timing, serve
from tests.sim.world import simulated

from .world import Fleet

#: Seconds of the past in which the first stacks are created: in all, less passes on the simulation's clock.
_AGO = 3600.0


def main() -> None:
    """Serve a fleet."""
    given = json.loads(Path(sys.argv[1]).read_text())
    with simulated(Timing.instant()) as aws:
        aws.clock.now = time.time() - _AGO
        fleet = Fleet(aws, dict(enumerate(given["apps"], 1)).__getitem__, cluster=given["cluster"])
        Path(sys.argv[2]).write_text(json.dumps(fleet.grow(len(given["apps"]))))
        server = serve(timing=Timing.instant())
        print(server.url, flush=True)
        sys.stdin.read()
        server.close()


if __name__ == "__main__":
    main()
