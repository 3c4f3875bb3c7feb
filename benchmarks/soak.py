"""Let the operator work for a while, and see whether it grows: `python -m benchmarks.soak --minutes 30 --stacks 300`.

The operator's own process with a real API server, and stacks in a test AWS that throttles and fails now and then. Specs
change, apps are deleted and others created. Each minute is printed, and in the end by how much memory, calls, threads
and open files rise in an hour; all of it is written into docs/benchmarks/.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.fleet import report
from benchmarks.fleet.process import Fleet
from benchmarks.fleet.rows import Row
from benchmarks.fleet.world import name_of
from tests.integration.bench import condition

_FOLDER = Path(__file__).parents[1] / "docs" / "benchmarks"
_FAULTS = [{"match": "*", "caller": "test", "throttle": 0.02, "broken": 0.01}]
#: Seconds between two rows, and between two things that somebody does.
_EVERY, _EVENT = 30.0, 5.0
#: The part of the beginning that does not count: caches fill.
_WARM_UP = 0.25


def main() -> None:
    """Run it, and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (default: 30)")
    parser.add_argument("--stacks", type=int, default=300, help="production stacks (default: 300)")
    options = parser.parse_args()
    with Fleet(options.stacks) as fleet:
        fleet.start()
        print(f"all are looked at after {fleet.looked(900):.0f} s", flush=True)
        fleet.aws.control(rules=_FAULTS, seed=1)
        samples = _soak(fleet, options.minutes * 60)
    rows = _rows(samples, f"{options.stacks} stacks, {options.minutes:g} minutes, with changes and faults")
    print(report.table(rows))
    report.write(_FOLDER, "soak", rows)
    (_FOLDER / "soak-samples.json").write_text(json.dumps(samples, indent=1) + "\n")


def _soak(fleet: Fleet, seconds: float) -> list[dict[str, float]]:
    chance, began, samples = random.Random(1), time.monotonic(), []  # noqa: S311 - the same in each run
    people, calls, at = _People(fleet, chance), fleet.calls(), time.monotonic()
    while time.monotonic() - began < seconds:
        people.act()
        time.sleep(_EVENT)
        if time.monotonic() - at < _EVERY:
            continue
        now, vitals = fleet.calls(), fleet.vitals()
        sample = {
            "minute": (time.monotonic() - began) / 60,
            "memory": vitals.memory / 2**20,
            "calls": 60 * (now - calls) / (time.monotonic() - at),
            "threads": vitals.threads,
            "files": vitals.files,
            "cpu": vitals.cpu,
        }
        calls, at = now, time.monotonic()
        samples.append(sample)
        print(", ".join(f"{name} {value:.1f}" for name, value in sample.items()), flush=True)
    return samples


class _People:
    """What people do with the apps of a fleet."""

    def __init__(self, fleet: Fleet, chance: random.Random) -> None:
        self._fleet, self._chance = fleet, chance
        self._there = [name_of(number) for number in range(1, fleet.stacks + 1)]
        self._made = 0

    def act(self) -> None:
        """Do one thing: mostly change a spec, now and then delete an app and create another."""
        bench, chance = self._fleet.bench, self._chance
        for new in self._there[self._fleet.stacks - self._made :]:
            app = bench.get(new)
            pushable = "ecrRepositoryURL" in (app.get("status") or {}).get("outputs", {})
            if pushable and condition(app, "ServiceReady").get("reason") == "ImageNotFound":
                bench.push(app)
        name = chance.choice(self._there)
        if chance.random() < 0.85:
            bench.patch(name, {"spec": {"monitoring": {"logRetentionDays": chance.choice((7, 14, 30, 60))}}})
            return
        bench.patch(name, {"spec": {"database": {"deletionProtection": False}}})
        bench.patch(name, {"spec": {"loadBalancer": {"deletionProtection": False}}})
        bench.delete(name)
        self._there.remove(name)
        self._made += 1
        self._there.append(f"soak-{self._made:04d}")
        bench.apply(self._there[-1], environment="Production")


def _rows(samples: Sequence[dict[str, float]], method: str) -> list[Row]:
    """Return how much each thing rises in an hour, by a straight line through all but the beginning."""
    later = samples[int(len(samples) * _WARM_UP) :]
    hours = [sample["minute"] / 60 for sample in later]

    def rise(what: str) -> float:
        return statistics.linear_regression(hours, [sample[what] for sample in later]).slope

    def mean(what: str) -> float:
        return statistics.fmean(sample[what] for sample in later)

    found: list[Any] = [
        ("memory", "memory", "MB"), ("calls", "calls a minute", ""), ("threads", "threads", ""),
        ("files", "open files", ""),
    ]  # fmt: skip
    rows = []
    for name, title, unit in found:
        rows.append(Row(f"{name}-mean", f"{title}, mean", mean(name), unit, method))
        rows.append(Row(f"{name}-rise", f"{title}, rise in an hour", rise(name), unit, method))
    return rows


if __name__ == "__main__":
    main()
