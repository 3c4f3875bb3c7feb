"""Databases of the test AWS as servers, and the data of snapshots, made with plain boto3."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from missyou_local.processes import wait_until
from tests.local.aws.building import PASSWORD, database
from tests.local.aws.conftest import Aws

PATIENCE = 30.0


def connect(row: dict[str, Any], password: str = PASSWORD, **options: Any) -> psycopg.Connection[Any]:
    where = {"host": row["Endpoint"]["Address"], "port": row["Endpoint"]["Port"], "dbname": "missyou"}
    return psycopg.connect(**where, user="missyou", password=password, **{"sslmode": "require", **options})


def described(aws: Aws) -> dict[str, Any]:
    [row] = aws.rds.describe_db_instances(DBInstanceIdentifier="db")["DBInstances"]
    return dict(row)


def available(aws: Aws) -> dict[str, Any]:
    assert wait_until(lambda: described(aws)["DBInstanceStatus"] == "available", PATIENCE)
    return described(aws)


def test_an_instance_is_a_database_under_its_endpoint(aws: Aws) -> None:
    made = database(aws, "db", DBName="missyou")
    assert made["DBInstanceStatus"] == "creating"
    assert "Endpoint" not in made
    with connect(available(aws)) as connection:
        assert connection.execute("SELECT current_database(), current_user").fetchone() == ("missyou", "missyou")
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        connect(described(aws), sslmode="disable")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(described(aws), "wrong")


def test_a_database_stops_starts_and_keeps_its_data_and_its_endpoint(aws: Aws) -> None:
    database(aws, "db", DBName="missyou")
    before = available(aws)
    with connect(before) as connection:
        connection.execute("CREATE TABLE kept (id int)")
    aws.rds.stop_db_instance(DBInstanceIdentifier="db")
    assert described(aws)["DBInstanceStatus"] == "stopped"
    assert wait_until(lambda: not answers(before), PATIENCE)
    aws.rds.start_db_instance(DBInstanceIdentifier="db")
    assert wait_until(lambda: answers(before), PATIENCE)
    assert described(aws)["Endpoint"] == before["Endpoint"]
    with connect(before) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def answers(row: dict[str, Any], password: str = PASSWORD) -> bool:
    try:
        connect(row, password).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_password_changes_and_a_deleted_database_is_gone(aws: Aws) -> None:
    database(aws, "db", DBName="missyou")
    row = available(aws)
    aws.rds.modify_db_instance(DBInstanceIdentifier="db", MasterUserPassword="another-one-1")
    assert wait_until(lambda: answers(row, "another-one-1"), PATIENCE)
    assert not answers(row)
    available(aws)
    aws.rds.delete_db_instance(DBInstanceIdentifier="db", SkipFinalSnapshot=True)
    assert wait_until(lambda: not answers(row, "another-one-1"), PATIENCE)


def test_a_snapshot_brings_the_data_back_after_its_database_is_gone(aws: Aws) -> None:
    database(aws, "db", DBName="missyou")
    with connect(available(aws)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'miss you' AS said")
    aws.rds.create_db_snapshot(DBInstanceIdentifier="db", DBSnapshotIdentifier="before")
    with connect(available(aws)) as connection:
        connection.execute("UPDATE kept SET said = 'later'")
    aws.rds.modify_db_instance(DBInstanceIdentifier="db", MasterUserPassword="another-one-1")
    available(aws)
    aws.rds.delete_db_instance(DBInstanceIdentifier="db", FinalDBSnapshotIdentifier="final")
    gone = aws.rds.get_waiter("db_instance_deleted")
    gone.wait(DBInstanceIdentifier="db", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    for snapshot, password, said in (("before", PASSWORD, "miss you"), ("final", "another-one-1", "later")):
        waiter = aws.rds.get_waiter("db_snapshot_available")
        waiter.wait(DBSnapshotIdentifier=snapshot, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
        aws.rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="db", DBSnapshotIdentifier=snapshot)
        with connect(available(aws), password) as connection:
            assert connection.execute("SELECT said FROM kept").fetchone() == (said,)
        aws.rds.modify_db_instance(DBInstanceIdentifier="db", MasterUserPassword="after-restoring-1")
        connect(available(aws), "after-restoring-1").close()
        aws.rds.delete_db_instance(DBInstanceIdentifier="db", SkipFinalSnapshot=True)
        gone.wait(DBInstanceIdentifier="db", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
