"""A toy cloud of named things, for tests of the engine: it knows nothing of AWS either."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, ClassVar

from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, everything
from missyou_operator.engine.execute import execute
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.outcome import Outcome, Runtime
from missyou_operator.engine.plan import Plan, make_plan
from missyou_operator.engine.resource import READY, FieldChange, Health, Observed, Resource, failed, pending
from missyou_operator.engine.values import Ref


class Inline:
    """Runs everything at once on the calling thread, so that the order of a test is the order of its calls."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future

    def first(self, running: Collection[Future[Any]]) -> Collection[Future[Any]]:
        return list(running)


@dataclass
class ToyCloud:
    """`broken` names fail once each, `slow` ones need another read after creation, `guarded` ones hold data."""

    things: dict[str, Observed] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    serial: int = 0

    def call(self, verb: str, name: str) -> None:
        with self.lock:
            self.calls.append(f"{verb} {name}")
            if name in self.broken:
                self.broken.discard(name)
                raise OSError(f"{name} is broken")

    def world(self) -> dict[str, tuple[Observed, ...]]:
        return {observed.address: (observed,) for observed in self.things.values()}

    def ready(self, name: str) -> None:
        found = self.things[name]
        self.things[name] = Observed(found.kind, name, found.id, found.attrs, found.tags, "available", "Toys")


@dataclass(frozen=True, kw_only=True)
class Thing(Resource):
    TYPE: ClassVar[str] = "toy.Thing"
    COMPARED = compare("color", "fixed", "uses")
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"fixed"})
    CHANGES_ON_UPDATE: ClassVar[frozenset[str]] = frozenset({"version"})
    EFFECTS = everything(Effect("Play"))

    component: str = "Toys"
    color: str = "red"
    fixed: str = "oak"
    uses: tuple[Any, ...] = ()

    def health(self, observed: Observed) -> Health:
        return pending("Creating", f"{self.name} grows") if observed.state == "growing" else READY

    def create(self, cloud: ToyCloud) -> Observed:
        cloud.call("create", self.name)
        assert self.name not in cloud.things, "created twice"
        missing = [use for use in self.uses if use not in {o.id for o in cloud.things.values()} | set(VERSIONS(cloud))]
        assert not missing, f"{self.name} was created before {missing}"
        cloud.serial += 1
        state = "growing" if self.name in cloud.slow else "available"
        made = self.as_created(f"id-{self.name}", state, version=f"v{cloud.serial}-{self.name}")
        cloud.things[self.name] = made
        return made

    def update(self, cloud: ToyCloud, observed: Observed, changed: frozenset[str]) -> Observed:
        cloud.call("update", self.name)
        cloud.serial += 1
        after = self.as_desired(observed, version=f"v{cloud.serial}-{self.name}")
        cloud.things[self.name] = after
        return after

    @classmethod
    def read(cls, reader: ToyCloud) -> Sequence[Observed]:
        return list(reader.things.values())

    @classmethod
    def delete(cls, cloud: ToyCloud, observed: Observed) -> Health:
        cloud.call("delete", observed.name)
        users = [o.name for o in cloud.things.values() if observed.id in o.attrs["uses"]]
        assert not users, f"{observed.name} was deleted while {users} used it"
        cloud.things.pop(observed.name, None)
        return READY

    def destroys_data(self, changes: Sequence[FieldChange]) -> bool:
        return True

    @classmethod
    def holds_data(cls, observed: Observed) -> str:
        return "a memory" if observed.name.startswith("precious") else ""


@dataclass(frozen=True, kw_only=True)
class Box(Thing):
    """Holds things: those go first."""

    TYPE: ClassVar[str] = "toy.Box"
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("toy.Thing",)


def VERSIONS(cloud: ToyCloud) -> list[str]:  # noqa: N802
    return [str(observed.attrs.get("version")) for observed in cloud.things.values()]


def classify(error: Exception) -> Health:
    if isinstance(error, OSError):
        return failed("Broken", str(error), stalled=False)
    raise error


def thing(name: str, *uses: Thing | Ref, **fields: Any) -> Thing:
    refs = tuple(use.ref() if isinstance(use, Resource) else use for use in uses)
    return Thing(name=name, uses=refs, **fields)


def run(cloud: ToyCloud, *things: Thing, approve: bool = True, held: dict[str, Health] | None = None) -> Outcome:
    """Run one pass."""
    graph = Graph(things)
    plan = make_plan(graph, cloud.world())
    return execute(graph, cloud.world(), plan, Runtime(cloud, Inline(), classify), held)


def plan(cloud: ToyCloud, *things: Thing) -> Plan:
    return make_plan(Graph(things), cloud.world())
