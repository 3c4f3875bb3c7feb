"""What RDS takes only together or in order: sizes with their performance, a class after its version, a start first."""

from __future__ import annotations

import pytest

from tests.sim.app import App

from .test_backups import described, snapshots


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(aws, "whole", environment="Production", database={"storageGiB": 100, "maxStorageGiB": 200})
    app.settle()
    return app


def size(app: App, storage: int, limit: int) -> tuple[int, ...]:
    app.edit(database={"storageGiB": storage, "maxStorageGiB": limit})
    app.settle()
    row = described(app)
    return tuple(row.get(key, 0) for key in ("AllocatedStorage", "Iops", "StorageThroughput", "MaxAllocatedStorage"))


def test_storage_grows_across_the_size_from_which_its_performance_counts(app):
    assert size(app, 400, 1000) == (400, 12000, 500, 1000)
    app.clock.now += 7 * 3600.0
    assert size(app, 500, 1000) == (500, 12000, 500, 1000)


def test_a_limit_goes_along_with_the_size_that_exceeds_it(app):
    assert size(app, 200, 200)[0] == 200


def test_class_and_major_change_in_the_order_that_aws_takes(app):
    app.edit(database={"engineVersion": "16", "instanceClass": "db.m8g.large"})
    app.settle()
    row = described(app)
    assert (row["EngineVersion"][:2], row["DBInstanceClass"]) == ("16", "db.m8g.large")


def test_a_stopped_database_under_protection_is_started_and_deleted(app):
    app.client("rds").stop_db_instance(DBInstanceIdentifier="whole-db")
    app.delete()
    assert len(snapshots(app, "final")) == 1
