"""Restoring, rehearsed as docs/backups.md tells it: with the data of an app that really runs."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from missyou_local.aws import Timing

from .bench import Bench, a_bench

NAME, REHEARSAL = "keepsake", "rehearsal"


@pytest.fixture(scope="module")
def bench(control_plane, tmp_path_factory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("rehearsal")
    timing = Timing(rds=0.5, nat=0.2, alb=0.2, task=0.2, task_stop=0.2)
    with a_bench(control_plane, folder, timing, data_plane=folder / "plane", resync="5") as bench:
        bench.start()
        yield bench


def ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def send(url: str, ids: tuple[int, int], message: str) -> None:
    ask(f"{url}/v1/notifications", {"sourceId": ids[0], "targetId": ids[1], "message": message})


def received(url: str, user: int) -> list[str]:
    return sorted(row["description"] for row in ask(f"{url}/v1/users/{user}/notifications")["items"])


def manual_snapshots(bench: Bench) -> list[str]:
    rows = bench.aws_client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    return [row["DBSnapshotIdentifier"] for row in rows]


def test_what_was_written_is_read_from_a_rehearsal_and_after_a_deletion(bench: Bench) -> None:
    bench.apply(NAME)
    url = str(bench.ready(NAME)["status"]["url"])
    ids = tuple(ask(f"{url}/v1/users", {"username": name})["id"] for name in ("ann", "bob"))
    send(url, ids, "before")

    bench.patch(NAME, {"metadata": {"annotations": {"missyou.app/snapshot": "monday"}}})
    taken = bench.until(NAME, lambda app: "snapshotARN" in app["status"]["outputs"], "saved")
    send(url, ids, "after")
    arn = taken["status"]["outputs"]["snapshotARN"]
    assert arn.endswith(f":snapshot:{NAME}-db-monday")
    bench.apply(REHEARSAL, environment="Development", database={"restoreFromSnapshot": arn})
    assert received(str(bench.ready(REHEARSAL)["status"]["url"]), ids[1]) == ["before"]
    assert received(url, ids[1]) == ["after", "before"]
    for name in (REHEARSAL, NAME):
        bench.delete(name)
    for name in (REHEARSAL, NAME):
        bench.until(name, lambda app: not app, "gone")
    assert bench.aws_client("rds").describe_db_instances()["DBInstances"] == []

    [final] = [name for name in manual_snapshots(bench) if name.startswith(f"{NAME}-db-final-")]
    bench.apply(NAME, database={"restoreFromSnapshot": final})
    url = str(bench.ready(NAME)["status"]["url"])
    assert received(url, ids[1]) == ["after", "before"]
    send(url, ids, "again")
    assert received(url, ids[1]) == ["after", "again", "before"]
    assert sorted(manual_snapshots(bench)) == sorted([final, f"{NAME}-db-monday"])
