"""A snapshot on request, from rows as AWS returns them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from missyou_operator.aws.errors import classify
from missyou_operator.aws.rds.snapshot import DBSnapshot
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.resource import Observed
from tests.aws.fake import FakeEc2, anew, aws_error, cloud_of, row_tags, tags
from tests.aws.rds.test_instance import instance

NAME = "missyou-db-before-v2"
SNAPSHOT = DBSnapshot(name=NAME, component="Database", tags=tags(NAME), instance="missyou-db")
ROW: dict[str, Any] = {
    "DBSnapshotIdentifier": NAME,
    "DBSnapshotArn": f"arn:aws:rds:eu-central-1:123456789012:snapshot:{NAME}",
    "DbiResourceId": "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "Status": "available",
    "SnapshotCreateTime": datetime(2026, 11, 23, 3, 4, 5, tzinfo=UTC),
    "TagList": row_tags(NAME),
}


def read(rds: FakeEc2, *desired: str) -> list[Observed]:
    found = {"rds.DBInstance": [instance()]}
    return list(DBSnapshot.read(Reader(cloud_of(rds), found, anew(), {DBSnapshot.TYPE: desired})))


def found(**values: Any) -> Observed:
    [observed] = read(FakeEc2(describe_db_snapshots={"DBSnapshots": [{**ROW, **values}]}), NAME)
    return observed


def test_without_a_request_there_is_no_call() -> None:
    rds = FakeEc2()
    assert read(rds) == []
    assert rds.calls == []


def test_foreign_and_earlier_snapshots_are_not_observed() -> None:
    rows = [ROW, {**ROW, "DBSnapshotIdentifier": "missyou-db-before-v1"}]
    rds = FakeEc2(describe_db_snapshots={"DBSnapshots": rows})
    [observed] = read(rds, NAME)
    assert (observed.name, observed.owned) == (NAME, True)
    assert rds.operations == ["describe_db_snapshots"]


@pytest.mark.parametrize(
    ("values", "status", "expected"),
    [
        ({}, "ready", "taken 2026-11-23 03:04 UTC"),
        ({"DbiResourceId": "db-EARLIER"}, "ready", "of an earlier database; for one of the present"),
        ({"Status": "creating", "SnapshotCreateTime": None}, "pending", "is being taken; the database stays available"),
        ({"Status": "failed"}, "failed", "set the annotation missyou.app/snapshot to a new value"),
    ],
)
def test_each_state_has_a_health_with_a_message(values: dict[str, Any], status: str, expected: str) -> None:
    health = SNAPSHOT.health(found(**values))
    assert (health.status, health.stalled) == (status, False)
    assert expected in health.message


def test_a_snapshot_is_never_changed_or_deleted() -> None:
    changed = replace(SNAPSHOT, tags={**SNAPSHOT.tags, "team": "b"})
    assert changed.diff(found()) == ()
    for forbidden in (lambda: changed.update(cloud_of(FakeEc2()), found(), frozenset()), delete):
        with pytest.raises(TypeError, match=r"cannot be changed|never deleted"):
            forbidden()


def delete() -> None:
    DBSnapshot.delete(cloud_of(FakeEc2()), found())


@pytest.mark.parametrize("code", ["InvalidDBInstanceState", "SnapshotQuotaExceeded"])
def test_a_temporary_refusal_is_retried(code: str) -> None:
    rds = FakeEc2(create_db_snapshot=aws_error(code))
    with pytest.raises(Exception, match=code) as raised:
        SNAPSHOT.create(cloud_of(rds))
    health = classify(raised.value)
    assert health.status in {"pending", "failed"}
    assert health.typical_seconds < 3600
