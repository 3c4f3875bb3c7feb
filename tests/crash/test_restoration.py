"""A snapshot, and a database made from it: killed at any of its calls and in a storm, nothing is left half done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from missyou_local.aws import Server, rds
from missyou_operator.aws.rds_restore import PASSWORD_TAG

from .chosen import SEED
from .stepped import Clock, Stepped, When
from .test_crash import production, settle
from .test_storm import calm, storm

#: More than a restoration takes.
_MOST_CALLS = 20
_KINDS: tuple[When, ...] = ("before", "after")


@pytest.fixture(autouse=True)
def _calm(aws: Server) -> Iterator[None]:
    yield
    calm(aws)


@pytest.fixture
def app(aws: Server, clock: Clock) -> Stepped:
    """A stack, as it is once it names a snapshot: a loss of its database is made good from that one."""
    app = production(aws, clock)
    settle(app)
    app.client("rds").modify_db_instance(DBInstanceIdentifier="crash-db", MasterUserPassword="that-of-the-gift")
    app.clock.now += 60.0
    take(app, "gift")
    app.edit(database={"restoreFromSnapshot": "crash-db-gift"})
    settle(app)
    return app


def take(app: Stepped, value: str) -> None:
    app.annotate("snapshot", value)
    app.until(lambda _: app.body["status"]["outputs"].get("snapshotARN", "").endswith(f"-db-{value}"), "taken")


def taken(app: Stepped) -> list[str]:
    rows = app.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    return sorted(row["DBSnapshotIdentifier"] for row in rows)


def lose(app: Stepped) -> None:
    """Delete the database behind the operator's back, and let time pass until it is gone."""
    rds_ = app.client("rds")
    rds_.modify_db_instance(DBInstanceIdentifier="crash-db", DeletionProtection=False)
    app.clock.now += 60.0
    rds_.delete_db_instance(DBInstanceIdentifier="crash-db", SkipFinalSnapshot=True)
    app.clock.now += 60.0


def recovered(app: Stepped) -> None:
    app.look_now()
    settle(app)


def state(app: Stepped) -> dict[str, Any]:
    """Give what there is, and whether the app's password is that of the database, as the tags say."""
    [row] = app.client("rds").describe_db_instances()["DBInstances"]
    tags = {tag["Key"]: tag["Value"] for tag in row["TagList"]}
    secret = app.client("secretsmanager").get_secret_value(SecretId="crash/db_credentials")["SecretString"]
    password = next(known["crash-db"].password for known in rds.DATABASES.states() if "crash-db" in known)
    return {
        **{key: rows for key, rows in app.everything().items() if key not in {"secrets", "revisions"}},
        "retention": row["BackupRetentionPeriod"],
        "insights": row["PerformanceInsightsEnabled"],
        "password": password == json.loads(secret)["password"],
        "told": tags.get(PASSWORD_TAG) == row["DbiResourceId"],
        "in sync": app.condition("InSync")["status"],
    }


@pytest.mark.timeout(600)
def test_killed_at_any_call_a_restored_database_gets_its_password_and_settings(app: Stepped) -> None:
    lose(app)
    recovered(app)
    expected = state(app)
    assert (expected["password"], expected["told"]) == (True, True)
    killed = set()
    for number, when in ((number, when) for number in range(1, _MOST_CALLS) for when in _KINDS):
        lose(app)
        call = app.survive(number, when, lambda: recovered(app))
        if not call:
            break
        killed.add(call)
        assert state(app) == expected, f"killed {when} {call}"
    assert {"rds:RestoreDBInstanceFromDBSnapshot", "rds:ModifyDBInstance", "rds:AddTagsToResource"} <= killed


@pytest.mark.timeout(600)
def test_in_a_storm_a_restored_database_gets_its_password_and_settings(aws: Server, app: Stepped) -> None:
    lose(app)
    recovered(app)
    expected = state(app)
    for seed in (SEED, SEED + 1):
        lose(app)
        storm(aws, seed)
        recovered(app)
        calm(aws)
        app.clock.now += 60.0
        assert state(app) == expected


@pytest.mark.timeout(600)
def test_a_snapshot_is_taken_once_whenever_the_operator_is_killed_and_in_a_storm(aws: Server, app: Stepped) -> None:
    for when in _KINDS:
        assert app.survive(1, when, lambda when=when: take(app, when)) == "rds:CreateDBSnapshot"
    storm(aws, SEED)
    take(app, "storm")
    calm(aws)
    assert taken(app) == ["crash-db-after", "crash-db-before", "crash-db-gift", "crash-db-storm"]
    assert app.condition("Ready")["status"] == "True"
