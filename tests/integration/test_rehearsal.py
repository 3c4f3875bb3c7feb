"""Restoring, rehearsed as docs/backups.md tells it: with the data of an app that really runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from missyou_local.aws import Timing

from .bench import Bench, a_bench, condition
from .people import Person

NAME, REHEARSAL = "keepsake", "rehearsal"


@pytest.fixture(scope="module")
def bench(control_plane, tmp_path_factory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("rehearsal")
    timing = Timing(rds=0.5, nat=0.2, alb=0.2, task=0.2, task_stop=0.2)
    with a_bench(control_plane, folder, timing, data_plane=folder / "plane", resync="5") as bench:
        bench.start()
        yield bench


def received(bob: Person) -> list[str]:
    return sorted(row["description"] for row in bob.received())


def manual_snapshots(bench: Bench) -> list[str]:
    rows = bench.aws_client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    return [row["DBSnapshotIdentifier"] for row in rows]


def test_what_was_written_is_read_from_a_rehearsal_and_after_a_deletion(bench: Bench) -> None:
    bench.apply(NAME)
    url = str(bench.ready(NAME)["status"]["url"])
    ann, bob = (Person(url, name) for name in ("ann", "bob"))
    ann.send(bob, "before")
    bob.accept(ann)

    bench.patch(NAME, {"metadata": {"annotations": {"missyou.app/snapshot": "monday"}}})
    taken = bench.until(NAME, lambda app: "snapshotARN" in app["status"]["outputs"], "saved")
    ann.send(bob, "after")
    arn = taken["status"]["outputs"]["snapshotARN"]
    assert arn.endswith(f":snapshot:{NAME}-db-monday")
    bench.apply(REHEARSAL, environment="Development", database={"restoreFromSnapshot": arn})
    bob.url = str(bench.ready(REHEARSAL)["status"]["url"])
    assert received(bob) == ["before"]
    bob.url = url
    assert received(bob) == ["after", "before"]
    for name in (REHEARSAL, NAME):
        bench.delete(name)
    for name in (REHEARSAL, NAME):
        bench.until(name, lambda app: not app, "gone")
    assert bench.aws_client("rds").describe_db_instances()["DBInstances"] == []

    [final] = [name for name in manual_snapshots(bench) if name.startswith(f"{NAME}-db-final-")]
    bench.apply(NAME, database={"restoreFromSnapshot": final})
    # It is another app by now, perhaps other people's, whatever its name.
    refused = bench.until(NAME, lambda app: condition(app, "DatabaseReady").get("reason") == "NotGranted", "refused")
    assert "missyou.app/take-over=true" in condition(refused, "DatabaseReady")["message"]
    bench.patch(NAME, {"metadata": {"annotations": {"missyou.app/take-over": "true"}}})
    ann.url = bob.url = str(bench.ready(NAME)["status"]["url"])
    assert received(bob) == ["after", "before"]
    ann.send(bob, "again")
    assert received(bob) == ["after", "again", "before"]
    assert sorted(manual_snapshots(bench)) == sorted([final, f"{NAME}-db-monday"])
