"""Measure how fast a stack becomes Ready, and how soon a change of spec reaches AWS: `make bench`.

Compare figures only within one run: machines are shared and noisy. AWS takes as long as in the demo (a database 3 s, a
load balancer 2 s, a task 1.5 s until it is healthy).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from missyou_local import binaries, controlplane
from missyou_local.aws import Timing, serve
from tests.integration.bench import Bench, install


def create(bench: Bench, name: str) -> tuple[float, int, int]:
    """Create a production stack; return seconds until Ready, calls to AWS, and the number of resources."""
    before = calls(bench)
    began = time.monotonic()
    bench.apply(name, environment="Production")
    app = bench.ready(name)
    seconds = time.monotonic() - began
    return seconds, calls(bench) - before, len(app["status"]["resources"])


def calls(bench: Bench) -> int:
    """Return the number of the operator's calls to AWS so far: all except pushes of images."""
    counts = bench.aws.control.ledger.summary()["counts"]
    return sum(count for name, count in counts.items() if name != "ecr:PutImage")


def reaction(bench: Bench, name: str, days: int) -> float:
    """Change a spec; return the seconds until the resulting call to AWS."""
    before = bench.aws.control.ledger.summary()["counts"].get("logs:PutRetentionPolicy", 0)
    began = time.monotonic()
    bench.patch(name, {"spec": {"monitoring": {"logRetentionDays": days}}})
    while bench.aws.control.ledger.summary()["counts"].get("logs:PutRetentionPolicy", 0) == before:
        time.sleep(0.005)
    return time.monotonic() - began


def remove(bench: Bench, name: str) -> float:
    """Delete a stack; return the seconds until it is gone."""
    began = time.monotonic()
    bench.delete(name)
    bench.until(name, lambda app: not app, "gone")
    return time.monotonic() - began


def main() -> None:
    """Run everything and print the figures."""
    folder = Path(tempfile.mkdtemp(prefix="missyou-bench-"))
    plane = controlplane.start(folder / "cluster", binaries.find(lambda line: print(line, file=sys.stderr)))
    aws = serve(timing=Timing())
    try:
        with controlplane.api_client(plane.kubeconfig) as kube:
            install(kube)
            bench = Bench(kube, folder, plane.kubeconfig, aws, resync="45")
            bench.start()
            # The first stack waits for the operator's start, so it is not measured.
            create(bench, "warm-up")
            remove(bench, "warm-up")
            for title, rules in (
                ("AWS answers at once", b'{"rules": []}'),
                ("300 ms added to every call", b'{"rules": [{"match": "*", "latency": 0.3}]}'),
            ):
                aws.control.answer("POST", "/_control", rules)
                runs = []
                for number in range(3):
                    name = f"bench-{len(rules)}-{number}"
                    seconds, made, resources = create(bench, name)
                    changes = [reaction(bench, name, days) for days in (14, 30, 60)]
                    runs.append((seconds, statistics.median(changes), remove(bench, name), made, resources))
                print(title)
                for label, place in (("apply to Ready", 0), ("change of spec to its call", 1), ("delete to gone", 2)):
                    figures = ", ".join(f"{run[place]:.2f}" for run in runs)
                    print(f"  {label:<28}{figures} s")
                print(f"  {'calls to create':<28}{', '.join(str(run[3]) for run in runs)} for {runs[0][4]} resources")
            assert bench.operator is not None
            bench.operator.stop()
    finally:
        aws.close()
        plane.stop()


if __name__ == "__main__":
    main()
