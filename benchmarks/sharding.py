"""Measure how replicas share a fleet: `python -m benchmarks.sharding --stacks 300`.

Three operators share stacks that are Ready, while somebody changes a spec twice a second. One is killed, and another
joins. Each change that an operator makes is in its log; AWS's ledger says that it has made no other.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.fleet import report
from benchmarks.fleet.looks import RESYNC
from benchmarks.fleet.process import Fleet, looked_at
from benchmarks.fleet.rows import Row
from benchmarks.fleet.world import name_of
from missyou_local import processes
from missyou_operator.controller.sharding import shard_of
from tests.integration.bench import Bench, shard_owners

_FOLDER = Path(__file__).parents[1] / "docs" / "benchmarks"
_SHARDS, _PATIENCE, _EVENT = 12, 300.0, 0.5
_CHANGED = re.compile(r"^(\S+ \S+) .*: (default/\S+): Update logs\.LogGroup/", re.MULTILINE)


class Replicas:
    """Operators, by name, with one AWS and one API server."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet, self.operators = fleet, dict[str, Bench]()
        apps = fleet.bench.api.list_namespaced_custom_object("missyou.app", "v1alpha1", "default", "missyouapps")
        self._shards = {
            f"default/{app['metadata']['name']}": shard_of(app["metadata"]["uid"], _SHARDS) for app in apps["items"]
        }

    def start(self, name: str) -> None:
        """Start an operator."""
        fleet, folder = self._fleet, self._fleet.folder / name
        folder.mkdir()
        arguments = ["--leader-elect", f"--shards={_SHARDS}"]
        bench = Bench(
            fleet.kube,
            folder,
            fleet.plane.kubeconfig,
            fleet.bench.aws,
            resync=str(RESYNC),
            key=name,
            arguments=arguments,
        )
        self.operators[name] = bench
        bench.start()

    def owners(self) -> Mapping[int, str]:
        """Return who has which shard."""
        return shard_owners(self._fleet.kube, _SHARDS)

    def share_alike(self, names: Collection[str]) -> bool:
        """Return whether some operators have all shards, each as many as the others."""
        held = list(self.owners().values())
        return all(held.count(name) == _SHARDS // len(names) for name in names)

    def apps_of(self, name: str) -> set[str]:
        """Return the apps of an operator's shards."""
        owners = self.owners()
        return {app for app, shard in self._shards.items() if owners[shard] == name}

    def looked_at(self, name: str, since: int = 0) -> set[str]:
        """Return the apps that an operator has looked at, after so many characters of its log."""
        return looked_at(self.operators[name].log()[since:])

    def owners_by_app(self) -> Mapping[str, list[str]]:
        """Return who has changed each app, one operator after the other."""
        found: dict[str, list[tuple[str, str]]] = {}
        for name, bench in self.operators.items():
            for when, app in _CHANGED.findall(bench.log()):
                found.setdefault(app, []).append((when, name))
        return {app: [name for name, _ in itertools.groupby(sorted(by), key=lambda each: each[1])]
                for app, by in found.items()}  # fmt: skip

    def untold(self, name: str) -> int:
        """Return how many changes an operator has made that its log does not tell."""
        entries = self._fleet.aws.ledger("logs:PutRetentionPolicy", name)
        return abs(len(entries) - len(_CHANGED.findall(self.operators[name].log())))

    @contextmanager
    def changing(self) -> Iterator[list[str]]:
        """Have specs changed, and yield the apps for which that was done."""
        ended, done, chance = threading.Event(), list[str](), random.Random(1)  # noqa: S311 - the same in each run

        def change() -> None:
            while not ended.wait(_EVENT):
                done.append(name_of(chance.randint(1, self._fleet.stacks)))
                days = chance.choice((7, 14, 30, 60))
                self._fleet.bench.patch(done[-1], {"spec": {"monitoring": {"logRetentionDays": days}}})

        thread = threading.Thread(target=change)
        thread.start()
        try:
            yield done
        finally:
            ended.set()
            thread.join()


def _until(done: Callable[[], bool], what: str) -> float:
    began = time.monotonic()
    if not processes.wait_until(done, _PATIENCE):
        raise TimeoutError(f"not {what} in {_PATIENCE:.0f} s")
    return time.monotonic() - began


def measure(fleet: Fleet, replicas: Replicas) -> list[Row]:
    """Let operators come and go."""
    for name in "abc":
        replicas.start(name)
    _until(lambda: replicas.share_alike("abc"), "shared among three")
    _until(lambda: all(replicas.apps_of(name) <= replicas.looked_at(name) for name in "abc"), "all looked at")
    with replicas.changing() as changed:
        time.sleep(RESYNC)
        before, lost = replicas.owners(), replicas.apps_of("b")
        read = {name: len(replicas.operators[name].log()) for name in "ac"}
        replicas.operators["b"].kill()
        taken = _until(lambda: lost <= set().union(*(replicas.looked_at(n, read[n]) for n in "ac")), "taken over")
        after = replicas.owners()
        moved = {shard for shard in before if before[shard] != after[shard]}
        beyond = len(moved ^ {shard for shard, name in before.items() if name == "b"})
        replicas.start("d")
        _until(lambda: replicas.share_alike("acd"), "shared with the one that joined")
        joined = _until(lambda: replicas.apps_of("d") <= replicas.looked_at("d"), "looked at by the one that joined")
        last = replicas.owners()
        moved = {shard for shard in after if after[shard] != last[shard]}
        beyond += len(moved ^ {shard for shard, name in last.items() if name == "d"})
        time.sleep(RESYNC)
    time.sleep(RESYNC)
    owners = replicas.owners_by_app()
    twice = sum(len(set(names)) < len(names) for names in owners.values())
    untold = sum(replicas.untold(name) for name in "acd")
    several = sum(len(names) > 1 for names in owners.values())
    how = (
        f"{fleet.stacks} stacks, {_SHARDS} shards, three operators, one killed, one joins; {len(changed)} changes of "
        f"specs meanwhile; {len(owners)} apps changed in AWS, {several} of them by one operator after another"
    )
    return [
        Row("takeover", "share of a killed operator looked at by others", taken, "s", how, None, 20),
        Row("joining", "share looked at by who has joined, once it has it", joined, "s", how),
        Row("beyond", "shards that moved although they need not", beyond, "", how, None, 0),
        Row("twice", "apps changed by one, another, and the first again", twice, "", how, None, 0),
        Row("untold", "changes in AWS that no operator's log tells", untold, "", how, None, 0),
    ]


def main() -> None:
    """Run it, and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sharding", description=__doc__)
    parser.add_argument("--stacks", type=int, default=300, help="production stacks (default: 300)")
    with Fleet(parser.parse_args().stacks) as fleet:
        replicas = Replicas(fleet)
        try:
            rows = measure(fleet, replicas)
        finally:
            for bench in replicas.operators.values():
                if bench.operator:
                    bench.operator.stop()
    print(report.table(rows))
    report.write(_FOLDER, "sharding", rows)


if __name__ == "__main__":
    main()
