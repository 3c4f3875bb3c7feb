"""Looks at a fleet in this process, on the simulation's clock: how many calls to AWS, and how much CPU of the operator.

The operator's own passes run one after the other, each when it is due, as its loops would run them. CPU is that of this
process without what the test AWS takes to answer, so that it does not depend on how busy the machine is.
"""

from __future__ import annotations

import collections
import heapq
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from botocore.awsrequest import AWSResponse

from missyou_operator.aws.clock import seconds, utc_now
from missyou_operator.aws.rates import Rates
from missyou_operator.aws.session import Accounts
from missyou_operator.controller.environment import Environment
from missyou_operator.controller.memory import Memory
from missyou_operator.controller.reconcile import Reconciler
from tests.sim.app import CLUSTER
from tests.sim.aws import REGION, Aws
from tests.sim.seed import SEED
from tests.sim.workers import Seeded

#: Seconds from one look at a stack to the next: the operator's default.
RESYNC = 45.0


@dataclass(slots=True)
class Looks:
    """What some looks at a fleet took. `calls` by operation, pages included; CPU in seconds."""

    stacks: int
    seconds: float
    calls: Mapping[str, int] = field(default_factory=dict)
    cpu: float = 0.0
    passes: int = 0

    @property
    def number(self) -> float:
        """How many looks at one stack these were."""
        return self.stacks * self.seconds / RESYNC

    @property
    def calls_each(self) -> float:
        """Calls to AWS per stack and look."""
        return sum(self.calls.values()) / self.number

    @property
    def cpu_each(self) -> float:
        """Milliseconds of CPU per stack and look, reading included."""
        return 1000 * self.cpu / self.number


class _Unlimited(Rates):
    """No rates: passes run one after the other here, so that what waits at the same time would wait in turn."""

    def wait(self, account: str, region: str, service: str, operation: str) -> None:
        """Wait for nothing."""


class Watcher:
    """The operator, looking at a fleet. `events`: as where events tell of changes."""

    def __init__(self, aws: Aws, bodies: Sequence[dict[str, Any]], *, events: bool = False) -> None:
        self._aws, self._bodies = aws, bodies
        self._in_aws = 0.0
        self.calls: collections.Counter[str] = collections.Counter()
        self._memories = [Memory() for _ in bodies]
        self._accounts = Accounts(self._door, rates=_Unlimited())
        environment = Environment(
            self._accounts,
            CLUSTER,
            lambda *_: None,
            Seeded(SEED),
            REGION,
            RESYNC,
            acts_since=lambda: utc_now() - timedelta(hours=1),
            hears=lambda *_: events,
        )
        self._reconciler = Reconciler(environment)
        #: When each stack is due, and a number that keeps the order of those due at once.
        self._numbers = itertools.count()
        self._due = [(seconds(), next(self._numbers), index) for index in range(len(bodies))]

    def _door(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        """Answer botocore's `before-send`, and count the call."""
        _, service, operation = event_name.split(".")
        self.calls[f"{service}:{operation}"] += 1
        began = time.process_time()
        try:
            return self._aws(request)
        finally:
            self._in_aws += time.process_time() - began

    def listen(self, event: str, handler: Callable[..., Any]) -> None:
        """Have botocore tell `handler` of an event of the operator's calls."""
        self._accounts.get(REGION).region.session.events.register(event, handler)

    def take_over(self, number: int) -> None:
        """Take the last stacks as ones that another process has worked on until now: nothing is remembered of them."""
        taken = range(len(self._bodies) - number, len(self._bodies))
        self._memories[-number:] = [Memory() for _ in taken]
        self._due = [each for each in self._due if each[2] not in taken]
        self._due += [(seconds(), next(self._numbers), index) for index in taken]
        heapq.heapify(self._due)

    def first(self) -> Looks:
        """Make the first pass over each stack, as after a restart."""
        with self._measured(0.0) as looks:
            for _ in self._bodies:
                self.next()
                looks.passes += 1
        # A first pass is one look at each stack, however long it took.
        return replace(looks, seconds=RESYNC)

    def look(self, duration: float) -> Looks:
        """Let so many seconds pass on the clock, with every pass that is due in them."""
        with self._measured(duration) as looks:
            end = seconds() + duration
            while self._due[0][0] <= end:
                self._aws.clock.now += max(0.0, self._due[0][0] - seconds())
                self.next()
                looks.passes += 1
            self._aws.clock.now += max(0.0, end - seconds())
        return looks

    @contextmanager
    def _measured(self, duration: float) -> Iterator[Looks]:
        looks = Looks(len(self._bodies), duration)
        calls, cpu, in_aws = self.calls.copy(), time.process_time(), self._in_aws
        yield looks
        looks.cpu = time.process_time() - cpu - (self._in_aws - in_aws)
        looks.calls = dict(sorted((self.calls - calls).items()))

    def next(self) -> None:
        """Run the pass that is due next, now."""
        index = heapq.heappop(self._due)[2]
        body = self._bodies[index]
        report = self._reconciler.reconcile(body, self._memories[index], lambda: False)
        body["status"] = dict(report.status)
        heapq.heappush(self._due, (seconds() + report.requeue_after, next(self._numbers), index))
