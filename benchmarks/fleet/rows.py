"""The rows of the benchmark: each a function that measures, by its name. Figures are comparable within one run only."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

from missyou_local.aws import Timing
from tests.sim.app import App
from tests.sim.aws import Aws
from tests.sim.fleet import Fleet as Apps
from tests.sim.world import simulated

from . import process
from .looks import RESYNC, Looks, Watcher
from .world import Fleet

#: Looks over which calls are averaged: half an hour, in which every rhythm comes round at least once.
LOOKS = 40
#: Seconds after a start in which stacks have their turn (1.8 s each) before anything is measured.
_TURNS = 300.0


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `before` is what it was when the fleet was first measured, `target` what is to be reached at most."""

    name: str
    title: str
    value: float
    unit: str
    method: str
    before: float | None = None
    target: float | None = None


def watching(aws: Aws, stacks: int, *, events: bool = False) -> Watcher:
    """Return an operator that has read everything once, in a fleet of up to 150 stacks, where nothing is under way."""
    bodies = Fleet(aws).grow(stacks)
    aws.tell(keep=60)
    aws.clock.now += 61.0
    watcher = Watcher(aws, bodies, events=events)
    watcher.first()
    watcher.look(min(2.0 * stacks, _TURNS) + RESYNC)
    return watcher


def looks(stacks: int, number: int = LOOKS, *, events: bool = False) -> Looks:
    """Return what so many looks at a settled fleet take."""
    with simulated(Timing.instant()) as aws:
        return watching(aws, stacks, events=events).look(number * RESYNC)


def looking(stacks: int, number: int = LOOKS) -> list[Row]:
    """Measure looks at a settled fleet in this process."""
    found = looks(stacks, number)
    how = f"mean of {number} looks, operator's passes in this process on a simulated clock, test AWS without durations"
    how += ", while stacks have their turn after a start" if stacks > _TURNS / 2 else ""
    before, target = {1: (49, 40), 30: (27, None), 100: (None, 3), 1000: (None, 2.5)}.get(stacks, (None, None))
    return [
        Row(
            f"calls-{stacks}",
            f"AWS calls per stack and look, {stacks} stacks",
            found.calls_each,
            "",
            how,
            before,
            target,
        ),
        Row(
            f"cpu-{stacks}",
            f"operator CPU per stack and look, {stacks} stacks",
            found.cpu_each,
            "ms",
            f"{how}; its CPU time without the test AWS's",
            target=8 if stacks > 1 else None,
        ),
    ]


def hearing(stacks: int, number: int = LOOKS) -> list[Row]:
    """Measure looks at a settled fleet where events tell of changes."""
    found = looks(stacks, number, events=True)
    how = f"mean of {number} looks, as above, with events on, none of which comes; polls of the queue are not counted"
    title = f"AWS calls per stack and look, {stacks} stacks, events on"
    return [Row(f"events-{stacks}", title, found.calls_each, "", how, None, 0.3)]


@dataclass(frozen=True, slots=True)
class Spent:
    """What the operator's own process has spent in so many seconds: of CPU, and calls. `memory`: bytes, at the end."""

    stacks: int
    seconds: float
    cpu: float
    calls: int
    memory: int

    @classmethod
    def during(cls, fleet: process.Fleet, number: int) -> Spent:
        """Let so many looks at all stacks pass."""
        before, began, calls = fleet.vitals(), time.monotonic(), fleet.calls()
        time.sleep(number * RESYNC)
        after, seconds = fleet.vitals(), time.monotonic() - began
        return cls(fleet.stacks, seconds, after.cpu - before.cpu, fleet.calls() - calls, after.memory)

    def rows(self, prefix: str, title: str, how: str) -> list[Row]:
        """Return the rows of it. `title`: what it was measured of."""
        stacks, looks = self.stacks, self.seconds / RESYNC
        large = stacks >= 1000
        return [
            Row(f"{prefix}process-cpu-{stacks}", f"operator CPU per stack and look, {title}",
                1000 * self.cpu / looks / stacks, "ms", how, 180, 8),
            Row(f"{prefix}share-{stacks}", f"share of a core, {title}", 100 * self.cpu / self.seconds, "%", how, None,
                25 if large else None),
            Row(f"{prefix}memory-total-{stacks}", f"memory of the process, {title}", self.memory / 2**20, "MB", how,
                None, 400 if large else None),
            Row(f"{prefix}process-calls-{stacks}", f"AWS calls per stack and look, {title}",
                self.calls / looks / stacks, "", how, None, 2.5),
        ]  # fmt: skip


def living(stacks: int, number: int = 4) -> list[Row]:
    """Measure the operator's own process over a fleet, with a real API server and AWS over HTTP."""
    with process.running(1) as alone:
        alone.looked(120)
        least = alone.vitals().memory
    with process.running(stacks) as fleet:
        calm = fleet.looked(600)
        time.sleep(RESYNC)
        found = Spent.during(fleet, number)
        throttled = fleet.throttled()
    how = (
        f"operator's own process, real kube-apiserver, test AWS over HTTP; {number} looks, one in {RESYNC:.0f} s, soon "
        "after the start: with the first reads of what takes a call for each resource, 1.8 s a stack"
    )
    each = (found.memory - least) / 2**20 / (stacks - 1)
    title = f"{stacks} stacks, own process"
    return [
        *found.rows("", title, how),
        Row(f"memory-{stacks}", f"memory per stack, {title}", each, "MB",
            f"{how}; private memory over that of one stack", 0.83, 0.25),
        Row(f"calm-{stacks}", f"start until all are looked at, {title}", calm, "s", how, None, 60),
        Row(f"throttled-{stacks}", f"calls throttled, start included, {title}", throttled, "",
            f"{how}; it throttles at AWS's published rates", None, 0),
    ]  # fmt: skip


def lives() -> list[Row]:
    """Count the calls of a creation and a deletion at AWS's own durations."""
    with simulated(Timing.realistic()) as aws:
        app = App(aws, "life", environment="Production")
        created = sum(app.calls(app.grow).values()) - 2  # the test's own push
        app.settle()
        deleted = sum(app.calls(app.delete).values())
    how = "the operator's passes on a simulated clock, AWS's own durations"
    return [
        Row("creation", "AWS calls to create a production stack", created, "", how, 1100, 300),
        Row("deletion", "AWS calls to delete it", deleted, "", how, 2410, 350),
    ]


def deletions(number: int = 20) -> list[Row]:
    """Count the calls of deletions at once, and how many of them AWS throttles at its published rates."""
    with simulated(Timing.instant()) as aws:
        apps = Apps(aws, [f"many-{each:02d}" for each in range(number)], environment="Production")
        apps.grow()
        aws.tell(timing=dataclasses.asdict(Timing.realistic()), rates=True)
        before: dict[str, int] = aws.control.ledger.summary()["counts"]
        throttled = len(apps.throttled())
        apps.delete()
        calls = sum(aws.control.ledger.summary()["counts"].values()) - sum(before.values())
        throttled = len(apps.throttled()) - throttled
    how = f"{number} apps on one simulated clock, AWS's own durations and published rates"
    return [
        Row("deletions", f"AWS calls a stack, {number} deleted at once", calls / number, "", how, None, 350),
        Row("throttled", f"calls throttled, {number} deleted at once", throttled, "", how, None, 0),
    ]


def as_json(row: Row) -> dict[str, Any]:
    """Return a row as plain values."""
    return dataclasses.asdict(row)
