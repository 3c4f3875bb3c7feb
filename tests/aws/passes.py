"""Passes of the engine over a part of a stack on the test AWS: its own types only."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from missyou_local.aws.server import Server
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import classify
from missyou_operator.controller.threads import Threads
from missyou_operator.engine.execute import execute
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.outcome import Outcome, Runtime
from missyou_operator.engine.plan import make_plan
from missyou_operator.engine.resource import Observed, Resource
from tests.aws.fake import reader_of


@dataclass(kw_only=True)
class PartOfStack(abc.ABC):
    """A part of one stack in the test AWS, and passes over it. `PASSES` are enough for it to settle.

    `KINDS` are in an order in which `READ_AFTER` is kept.
    """

    KINDS: ClassVar[Sequence[type[Resource]]]
    PASSES: ClassVar[int]

    server: Server
    pool: Threads
    outcome: Outcome = field(default_factory=Outcome)

    @property
    @abc.abstractmethod
    def cloud(self) -> Cloud:
        """Return a new one each time: nothing is remembered from pass to pass."""

    @abc.abstractmethod
    def wait(self) -> None:
        """Let as much time pass as the test AWS needs between two passes."""

    def observe(self) -> dict[str, tuple[Observed, ...]]:
        cloud, found = self.cloud, dict[str, Sequence[Observed]]()
        for kind in self.KINDS:
            found[kind.TYPE] = kind.read(reader_of(cloud, found))
        state: dict[str, tuple[Observed, ...]] = {}
        for observed in (each for rows in found.values() for each in rows):
            state[observed.address] = (*state.get(observed.address, ()), observed)
        return state

    def step(self, graph: Graph) -> list[str]:
        """Run one pass and return its changes."""
        state = self.observe()
        self.outcome = execute(graph, state, make_plan(graph, state), Runtime(self.cloud, self.pool, classify))
        return [f"{change.action} {change.address}" for change in self.outcome.done]

    def settle(self, graph: Graph) -> list[str]:
        """Run passes until one finds everything as desired; return all changes."""
        done: list[str] = []
        for _ in range(self.PASSES):
            changes = self.step(graph)
            done += changes
            if not changes and not self.unready():
                return done
            self.wait()
        raise AssertionError(f"not settled: {self.unready()}")

    def unready(self) -> Mapping[str, str]:
        results = (each for each in self.outcome.results.values() if each.health.status != "ready")
        return {each.address: f"{each.health.reason}: {each.health.message}" for each in results}

    def mutations(self) -> int:
        return int(self.server.control.ledger.summary()["mutations"])
