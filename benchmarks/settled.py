"""Measure the CPU time of a pass over a settled production stack, without AWS's answers: part of `make bench`.

Such a pass reads nothing and finds no change: the operator compares what it knows with what is desired. CPU time of
this process does not depend on how busy the machine is.
"""

from __future__ import annotations

import statistics
import time

from missyou_local.aws import Timing
from tests.sim.production import production
from tests.sim.world import simulated

PASSES, ROUNDS = 50, 5


def cpu_milliseconds() -> tuple[list[float], int]:
    """Return the CPU milliseconds of a pass, as the median of each round, and the number of resources."""
    with simulated(Timing.instant()) as aws:
        app = production(aws)
        app.settle()
        app.one_pass()
        rounds = []
        for _ in range(ROUNDS):
            passes = []
            for _ in range(PASSES):
                began = time.process_time()
                app.one_pass()
                passes.append(1000 * (time.process_time() - began))
            rounds.append(statistics.median(passes))
        assert not app.calls(app.one_pass), "the pass has called AWS"
        return rounds, len(app.body["status"]["resources"])


def main() -> None:
    """Print the figures."""
    rounds, resources = cpu_milliseconds()
    print(
        f"a pass over {resources} settled resources without reads: {', '.join(f'{ms:.1f}' for ms in rounds)} ms of CPU"
    )


if __name__ == "__main__":
    main()
