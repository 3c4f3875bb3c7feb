"""Three operators share the apps of a cluster. One is killed, another joins: no app is ever acted on by two.

AWS refuses to create anything here: so every pass of an app asks for the same few changes, which its owner is told by.
How many apps there are is set by MISSYOU_SHARDED_APPS.
"""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from missyou_local import processes
from missyou_local.aws.faults.fault import Fault
from missyou_local.aws.ledger import mutates
from missyou_operator.controller.sharding import shard_of

from .bench import PATIENCE, Bench, a_bench, quick, shard_owners

pytestmark = pytest.mark.timeout(500)
APPS, SHARDS = int(os.environ.get("MISSYOU_SHARDED_APPS", "24")), 12
#: Seconds, and as many more as a machine may take that is shared: the leases' own terms are tests/controller's.
TAKEN_OVER, SHARED_MACHINE = 20.0, 10.0
REFUSAL = {"code": "AccessDenied", "status": 403, "message": "not today"}
ROLE = "arn:aws:iam::123456789012:role/stacks"


class Fleet:
    """The operators, by name, with one AWS and one API server."""

    def __init__(self, first: Bench, folder: Any) -> None:
        self.first, self._folder, self.operators = first, folder, {first.key: first}
        self.uids: dict[str, str] = {}

    def start(self, name: str) -> None:
        first = self.first
        operator = self.operators.setdefault(
            name,
            Bench(
                first.kube,
                self._folder(name),
                first.kubeconfig,
                first.aws,
                namespace=first.namespace,
                key=name,
                arguments=first.arguments,
            ),
        )
        operator.start()

    def owners(self) -> Mapping[int, str]:
        return shard_owners(self.first.kube, SHARDS)

    def share_alike(self, *names: str) -> bool:
        counts = [list(self.owners().values()).count(name) for name in names]
        return sum(counts) == SHARDS and max(counts) - min(counts) <= 1

    def calls(self, since: int = 0) -> list[tuple[str, str, dict[str, Any]]]:
        """Return the calls for apps after a number of the ledger: the app, the operator, the entry."""
        found = [(entry, re.search(r"\bapp/(\S+)", entry["agent"])) for entry in self.ledger(since)]
        return [(entry["session"]["name"], by[1], entry) for entry, by in found if by and entry["session"]]

    def ledger(self, since: int = 0) -> list[dict[str, Any]]:
        return self.first.aws.control.ledger.entries(since=since)

    def works_on(self, names: set[str], apps: set[str], since: int) -> bool:
        """Return whether each of some apps has been worked on by some operators since."""
        return apps <= {app for app, by, _ in self.calls(since) if by in names}

    def apps_of(self, name: str) -> set[str]:
        owners = self.owners()
        return {app for app, uid in self.uids.items() if owners[shard_of(uid, SHARDS)] == name}


@pytest.fixture
def fleet(control_plane, kube, tmp_path_factory) -> Iterator[Fleet]:
    options = {"key": "a", "arguments": ["--leader-elect", f"--shards={SHARDS}"]}
    with a_bench(control_plane, tmp_path_factory.mktemp("a"), quick(), **options) as first:
        first.aws.control.faults.replace([Fault.parse({"match": "*:Create*", "fail": REFUSAL})])
        made = Fleet(first, tmp_path_factory.mktemp)
        yield made
        for name, operator in made.operators.items():
            if name != first.key and operator.operator:
                operator.operator.stop()


def test_three_share_one_is_killed_another_joins(fleet: Fleet) -> None:
    for n in range(APPS):
        name = f"app-{n}"
        fleet.first.apply(name, environment="Development", credentials={"roleARN": ROLE})
        fleet.uids[f"{fleet.first.namespace}.{name}"] = fleet.first.get(name)["metadata"]["uid"]
    for name in "abc":
        fleet.start(name)
    assert processes.wait_until(lambda: fleet.share_alike("a", "b", "c"), PATIENCE), fleet.owners()
    assert processes.wait_until(lambda: all(fleet.works_on({name}, fleet.apps_of(name), 0) for name in "abc"), PATIENCE)

    before, lost, since = fleet.owners(), fleet.apps_of("b"), len(fleet.ledger())
    assert lost
    fleet.operators["b"].kill()
    died, killed = time.monotonic(), time.time()
    assert processes.wait_until(lambda: fleet.works_on({"a", "c"}, lost, since), TAKEN_OVER + SHARED_MACHINE)
    print(f"the share of the one that was killed is worked on after {time.monotonic() - died:.1f} s")
    after = fleet.owners()
    assert {shard for shard in before if before[shard] != after[shard]} == {s for s, by in before.items() if by == "b"}
    assert fleet.share_alike("a", "c")

    joined, since = time.monotonic(), len(fleet.ledger())
    fleet.start("d")
    assert processes.wait_until(lambda: fleet.share_alike("a", "c", "d"), PATIENCE), fleet.owners()
    assert processes.wait_until(lambda: fleet.works_on({"d"}, fleet.apps_of("d"), since), PATIENCE)
    print(f"the one that has joined works on its share after {time.monotonic() - joined:.1f} s")
    last = fleet.owners()
    assert {shard for shard in after if after[shard] != last[shard]} == {s for s, by in last.items() if by == "d"}

    nobody_beside_another(fleet, killed)
    assert not [name for name, operator in fleet.operators.items() if "the pass failed" in operator.log()]


def nobody_beside_another(fleet: Fleet, killed: float) -> None:
    """Check who has asked AWS for changes: one operator after another, and none of them twice.

    `killed`: when one was (epoch): what another had before the others came may be its again from then on.
    """
    changes: dict[str, list[tuple[str, float]]] = {}
    for app, by, entry in fleet.calls():
        if mutates(entry["operation"]):
            changes.setdefault(app, []).append((by, entry["time"]))
    assert set(changes) == set(fleet.uids)
    for app, calls in changes.items():
        in_turn = sorted(calls, key=lambda call: call[1])
        for phase in (lambda at: at < killed, lambda at: at >= killed):
            owners = [by for by, _ in itertools.groupby(by for by, at in in_turn if phase(at))]
            assert len(owners) == len(set(owners)), (app, owners)
    moved = sum(len({by for by, _ in calls}) > 1 for calls in changes.values())
    assert moved >= len(fleet.uids) // 4
    print(
        f"{sum(map(len, changes.values()))} changes asked for, {moved} of {len(changes)} apps by more than one operator"
    )
