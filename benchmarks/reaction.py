"""Measure how soon a change of spec reaches AWS while a fleet is at rest, and while the operator starts with it.

`python -m benchmarks.reaction --apps 300`. A few stacks are real and Ready, each under a role of its own: so AWS's
ledger tells their calls apart. The crowd is suspended: objects, watches, passes and statuses, and no calls. Some more
are refused by AWS whatever they want to create: they read and try, as anybody does.
"""

from __future__ import annotations

import argparse
import itertools
import math
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.fleet import report
from benchmarks.fleet.rows import Row
from missyou_local import binaries, controlplane, processes
from missyou_local.aws import serve
from missyou_local.aws.faults.fault import Fault
from tests.integration.bench import Bench, install, quick

_REFUSAL = {"code": "AccessDenied", "status": 403, "message": "not today"}
_ROLE = "arn:aws:iam::123456789012:role/{}"
_PATIENCE = 600.0
#: Seconds between two changes at rest: CloudWatch Logs takes ten calls a second, and each change is two.
_REST = 0.3
_FOLDER = Path(__file__).parents[1] / "docs" / "benchmarks"


class Fleet:
    """Real stacks, by name, and any number of other apps."""

    def __init__(self, bench: Bench, real: int) -> None:
        self.bench, self.real = bench, [f"real-{n}" for n in range(real)]
        #: The days that each one's logs are kept next: never those for which they are kept now.
        self._days = {name: itertools.cycle((14, 30)) for name in self.real}

    def settle(self) -> None:
        """Have the real stacks Ready, and from then on nothing else created."""
        for name in self.real:
            self.bench.apply(name, environment="Development", credentials={"roleARN": _ROLE.format(name)})
        for name in self.real:
            self.bench.ready(name)
        self.bench.aws.control.faults.replace([Fault.parse({"match": "*:Create*", "fail": _REFUSAL})])

    def grow(self, apps: int, working: int) -> None:
        """Create the other apps, as fast as the API server takes them. `working`: how many are not suspended."""

        def create(n: int) -> None:
            suspended = n % (apps // working or 1) != 0
            spec = {"environment": "Development", "suspend": suspended}
            body = {"apiVersion": "missyou.app/v1alpha1", "kind": "MissYouApp", "metadata": {"name": f"app-{n}"}}
            self.bench.api.create_namespaced_custom_object(*_KIND, {**body, "spec": spec})

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(create, range(apps)))

    def number(self) -> int:
        """Return the number of the last call in AWS's ledger."""
        return sum(self.bench.summary()["counts"].values())

    def settled(self, apps: int) -> bool:
        """Return whether every app has the finalizer and a status."""
        items = self.bench.api.list_namespaced_custom_object(*_KIND)["items"]
        return sum(bool(item["status"].get("conditions")) for item in items) == apps + len(self.real)

    def passes(self) -> int:
        """Return how many passes the operator that runs now has ended."""
        return self.bench.log().rpartition("waits for the lease")[2].count("pass ended")

    def reaction(self, name: str) -> tuple[float, float]:
        """Change a spec; return the seconds until the app's first call to AWS, and until the changed value is there."""
        ledger = self.bench.aws.control.ledger
        since, began = self.number(), time.time()
        self.bench.patch(name, {"spec": {"monitoring": {"logRetentionDays": next(self._days[name])}}})
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            mine = [e for e in ledger.entries(since=since) if (e["session"] or {}).get("name") == f"default.{name}"]
            done = [e for e in mine if e["operation"] == "logs:PutRetentionPolicy"]
            # The pass has a second log group to change: a call of this one must not be taken for one of the next.
            if done and self._is_observed(name):
                return mine[0]["time"] - began, done[0]["time"] - began
            time.sleep(0.05)
        raise TimeoutError(self.bench.operator.log_tail() if self.bench.operator else "")

    def _is_observed(self, name: str) -> bool:
        """Return whether the status of an app is about its present spec."""
        app = self.bench.api.get_namespaced_custom_object(*_KIND, name)
        return bool(app["status"]["observedGeneration"] == app["metadata"]["generation"])


_KIND = ("missyou.app", "v1alpha1", "default", "missyouapps")


def main() -> None:
    """Run everything and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reaction", description=__doc__)
    parser.add_argument("--apps", type=int, default=300, help="apps beside the real stacks (default: 300)")
    parser.add_argument("--working", type=int, default=10, help="how many of them are not suspended (default: 10)")
    parser.add_argument("--real", type=int, default=3, help="stacks whose spec is changed (default: 3)")
    parser.add_argument("--changes", type=int, default=10, help="changes at rest (default: 10)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="missyou-bench-"))
    plane = controlplane.start(folder / "cluster", binaries.find(lambda line: print(line, file=sys.stderr)))
    aws = serve(timing=quick())
    try:
        with controlplane.api_client(plane.kubeconfig) as kube:
            install(kube)
            bench = Bench(kube, folder, plane.kubeconfig, aws, resync="45", arguments=["--leader-elect"])
            fleet = Fleet(bench, options.real)
            bench.start()
            fleet.settle()
            rows = _measure(fleet, options.apps, options.working, options.changes)
            bench.kill()
    finally:
        aws.close()
        plane.stop()
    print(report.table(rows))
    report.write(_FOLDER, "reaction", rows)


def _measure(fleet: Fleet, apps: int, working: int, changes: int) -> list[Row]:
    bench, began = fleet.bench, time.monotonic()
    growing = threading.Thread(target=fleet.grow, args=(apps, working))
    growing.start()
    storm = _until(fleet, lambda: fleet.settled(apps))
    growing.join()
    storming = time.monotonic() - began
    idle = []
    for name in itertools.islice(itertools.cycle(fleet.real), changes):
        time.sleep(_REST)
        idle.append(fleet.reaction(name))
    bench.kill()
    began = time.monotonic()
    # The Lease of one that is killed runs out first.
    bench.start()
    assert processes.wait_until(lambda: bench.log().count(" leads: ") == 2, _PATIENCE)
    leading, began = time.monotonic() - began, time.monotonic()
    restart = _until(fleet, lambda: fleet.passes() >= apps)
    how = f"{apps} apps of which {working} work and fail; real kube-apiserver, test AWS over HTTP"
    return [
        *_rows("idle", f"{apps} apps at rest", how, idle, 0.15),
        *_rows("storm", f"while {apps} apps are created", f"{how}; they take {storming:.0f} s", storm, 1.0),
        *_rows("restart", f"operator starts with {apps} apps", f"{how}; leads after {leading:.0f} s, has looked at all "
               f"{time.monotonic() - began:.0f} s later", restart, 1.0),
    ]  # fmt: skip


def _until(fleet: Fleet, done: Callable[[], bool]) -> Sequence[tuple[float, float]]:
    """Change one spec after the other until something is done."""
    found = []
    for name in itertools.cycle(fleet.real):
        found.append(fleet.reaction(name))
        if done():
            break
    return found


def _rows(name: str, when: str, how: str, found: Sequence[tuple[float, float]], target: float) -> list[Row]:
    """Return the rows of some changes. The target is meant for 99 of a hundred."""
    firsts, method = sorted(first for first, _ in found), f"{len(found)} changes; {how}"
    most = firsts[math.ceil(0.99 * len(firsts)) - 1]
    return [
        Row(f"{name}-median", f"change of spec to first call, {when}", statistics.median(firsts), "s", method),
        Row(f"{name}-p99", "the same, 99 of a hundred", most, "s", method, None, target),
        Row(f"{name}-worst", f"the same, worst of {len(found)}", firsts[-1], "s", method),
        Row(f"{name}-done", f"until the changed value is there, {when}, worst", max(d for _, d in found), "s", method),
    ]


if __name__ == "__main__":
    main()
