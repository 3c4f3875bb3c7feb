"""No member of an answer is relied on: AWS may leave out any of them, whatever its reference says.

What a settled stack's observation was answered is kept, and answered again without one member after the other; so is
what its creations and changes were answered. The result may be that AWS is asked again. It is never a bug of the
operator's (`InternalError`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from missyou_operator.api import parse
from missyou_operator.aws.cloud import Cloud, Inventory
from missyou_operator.aws.errors import classify
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.informer import anew
from missyou_operator.aws.observe import Observations, observe
from missyou_operator.aws.rds.versions import major_to_run
from missyou_operator.aws.registry import KINDS
from missyou_operator.aws.zones import choose_zones
from missyou_operator.engine.errors import FlakyError, NotYetError, RefusedError, UnansweredError
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.outcome import Runtime
from missyou_operator.engine.plan import make_plan
from missyou_operator.engine.resource import Resource
from missyou_operator.stack.backups import SnapshotRequest
from missyou_operator.stack.build import build
from missyou_operator.stack.lookups import DataSources
from missyou_operator.stack.naming import NAMES
from tests.sim.app import CLUSTER, UID
from tests.sim.aws import REGION
from tests.sim.production import CHANGED
from tests.sim.replay import Recorder, Tape, members
from tests.sim.seed import SEED
from tests.sim.workers import Seeded

from .test_settings import everything

#: What a class may raise: the engine knows what each of them means.
MEANT = (FlakyError, NotYetError, RefusedError, UnansweredError)
#: A creation or a change that was made, to be made again.
Work = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Lived:
    """A settled stack, and what AWS answered."""

    stack: StackIdentity
    names: Mapping[str, Sequence[str]]
    graph: Graph
    reads: Tape
    writes: Mapping[str, tuple[Work, Tape]] = field(default_factory=dict)

    def cloud(self, clients: Any) -> Cloud:
        return Cloud(clients, self.stack, Inventory(), NAMES, assume=lambda _: clients)

    def observe(self, clients: Any) -> Observations:
        cloud = self.cloud(clients)
        runtime = Runtime(cloud, Seeded(SEED), classify)
        return observe(cloud, runtime, desired_names=self.names, freshness=anew)


@pytest.fixture(scope="module")
def lived(aws) -> Lived:
    app, writes = everything(aws), dict[str, tuple[Work, Tape]]()
    with pytest.MonkeyPatch.context() as patch:
        for kind in {each for type_ in KINDS for each in type_.__mro__ if issubclass(each, Resource)}:
            for name in {"create", "update"} & vars(kind).keys():
                patch.setattr(kind, name, recorded(name, vars(kind)[name], writes))
        app.settle()
        app.edit(**CHANGED)
        app.settle()
    spec = parse(app.body, REGION)
    stack = StackIdentity(app.stack, f"default/{app.name}", CLUSTER, "123456789012", REGION, UID)
    sources = DataSources(spec, stack, SnapshotRequest.of(app.body))
    account, tape = app.accounts.get(REGION), Tape()
    before = Lived(stack, sources.names, Graph(), tape)
    world = before.observe(Recorder(account, tape)).world
    cloud = before.cloud(account)
    zones = choose_zones(cloud, spec.network.availability_zones, sources.zones_in_use(world))
    major = major_to_run(cloud, spec.database.engine_version, sources.running_version(world))
    return Lived(stack, sources.names, build(spec, stack, sources.answers(world, zones, major)), tape, writes)


def recorded(name: str, method: Callable[..., Any], writes: dict[str, tuple[Work, Tape]]) -> Callable[..., Any]:
    """Have a creation or a change put its answers on a tape."""

    def run(self: Resource, cloud: Cloud, *arguments: Any) -> Any:
        tape = Tape()
        watched = Cloud(Recorder(cloud.clients, tape), cloud.stack, cloud.inventory, NAMES, assume=cloud.assume)
        found = method(self, watched, *arguments)
        writes[f"{name} {self.address}"] = lambda other: method(self, other, *arguments), tape
        return found

    return run


def cases(tape: Tape) -> Iterator[tuple[str, Tape]]:
    """Give the tape without one member after the other, by what is missing."""
    seen = set()
    for key, answer in tape.answers.items():
        for path in members(answer):
            name = f"{key[0]}:{key[1]} {'.'.join('[]' if isinstance(step, int) else step for step in path)}"
            if name not in seen:
                seen.add(name)
                yield name, Tape(tape.answers, (key, path))


def judge(lived: Lived, clients: Any) -> Observations:
    """Observe, plan and judge, as a pass does."""
    found = lived.observe(clients)
    make_plan(lived.graph, found.world)
    for resource in lived.graph.edges.order:
        for observed in found.world.get(resource.address, ()):
            resource.health(observed)
            resource.busy(observed)
            resource.holds_data(observed)
    return found


def test_a_read_without_a_member_is_no_bug(lived: Lived) -> None:
    assert judge(lived, lived.reads).unreadable == {}
    bugs, number = {}, 0
    for name, tape in cases(lived.reads):
        number += 1
        try:
            unreadable = judge(lived, tape).unreadable
        except Exception as error:
            bugs[f"{name}: planned"] = f"{type(error).__name__}: {error}"
        else:
            bugs |= {
                f"{name}: {type_}": why.message for type_, why in unreadable.items() if why.reason == "InternalError"
            }
    assert not bugs, "\n".join(f"{name}: {why}" for name, why in sorted(bugs.items()))
    assert number > 500


def test_a_change_without_a_member_of_its_answer_is_no_bug(lived: Lived) -> None:
    bugs, number = {}, 0
    for work_name, (work, whole) in lived.writes.items():
        for name, tape in cases(whole):
            number += 1
            try:
                work(lived.cloud(tape))
            except MEANT:
                pass
            except Exception as error:
                bugs[f"{work_name}: {name}"] = f"{type(error).__name__}: {error}"
    assert not bugs, "\n".join(f"{name}: {why}" for name, why in sorted(bugs.items()))
    assert number > 300
