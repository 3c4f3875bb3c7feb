"""What a pass over a settled production stack costs the operator, AWS's answers left out: part of `make bench`.

In such a pass nothing is read and nothing has changed: the operator compares what it knows with what is desired. The
figure is CPU time of this process, so that a busy machine does not show in it.
"""

from __future__ import annotations

import statistics
import time

from missyou_local.aws import Timing
from tests.sim.production import production
from tests.sim.world import simulated

PASSES, ROUNDS = 50, 5


def cpu_milliseconds() -> tuple[list[float], int]:
    """Return the milliseconds of CPU that a pass takes, as the median of each round, and the number of resources."""
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
    """Measure, and print."""
    rounds, resources = cpu_milliseconds()
    print(
        f"a pass over {resources} settled resources without reads: {', '.join(f'{ms:.1f}' for ms in rounds)} ms of CPU"
    )


if __name__ == "__main__":
    main()
