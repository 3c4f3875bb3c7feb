"""A snapshot, and a database made from it: killed at any of its calls and in a storm, nothing is left half done."""

from __future__ import annotations

import json
from typing import Any

import pytest

from missyou_local.aws.services.rds.model import DATABASES
from missyou_operator.aws.rds.password import PASSWORD_TAG
from tests.sim.app import App
from tests.sim.aws import Aws
from tests.sim.picture import without_history
from tests.sim.production import production
from tests.sim.seed import SEED

from .kills import kill_at_each_call


@pytest.fixture(scope="module")
def app(aws: Aws) -> App:
    """A stack with a snapshot, in which the database has another password."""
    app = production(aws)
    app.settle()
    app.client("rds").modify_db_instance(DBInstanceIdentifier="crash-db", MasterUserPassword="that-of-the-gift")
    app.clock.now += 60.0
    take(app, "gift")
    app.settle()
    return app


def take(app: App, value: str) -> None:
    app.annotate("snapshot", value)
    app.until(lambda _: app.body["status"]["outputs"].get("snapshotARN", "").endswith(f"-db-{value}"), "taken")


def taken(app: App) -> list[str]:
    rows = app.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    return sorted(row["DBSnapshotIdentifier"] for row in rows)


def lose(app: App) -> None:
    """Delete the database behind the operator's back, and have the snapshot named once it is gone."""
    app.edit(database={"restoreFromSnapshot": None})
    app.settle()
    rds_ = app.client("rds")
    rds_.modify_db_instance(DBInstanceIdentifier="crash-db", DeletionProtection=False)
    app.clock.now += 60.0
    rds_.delete_db_instance(DBInstanceIdentifier="crash-db", SkipFinalSnapshot=True)
    app.clock.now += 60.0
    app.edit(database={"restoreFromSnapshot": "crash-db-gift"})


def recovered(app: App) -> None:
    app.observe_now()
    app.settle()


def state(app: App) -> dict[str, Any]:
    """Give what there is, and whether the app's password is that of the database, as the tags say."""
    [row] = app.client("rds").describe_db_instances()["DBInstances"]
    tags = {tag["Key"]: tag["Value"] for tag in row["TagList"]}
    answer = app.client("secretsmanager").get_secret_value(SecretId="crash/db_credentials")
    secret, arn = answer["SecretString"], answer["ARN"]
    password = next(known["crash-db"].password for known in DATABASES.states() if "crash-db" in known)
    return {
        **without_history(app.everything()),
        "retention": row["BackupRetentionPeriod"],
        "insights": row["PerformanceInsightsEnabled"],
        "password": password == json.loads(secret)["password"],
        "told": tags.get(PASSWORD_TAG, "").partition("+")[0] == arn[-6:],
        "in sync": app.condition("InSync")["status"],
    }


@pytest.mark.timeout(600)
def test_killed_at_any_call_a_restored_database_gets_its_password_and_settings(app: App) -> None:
    lose(app)
    recovered(app)
    expected = state(app)
    assert (expected["password"], expected["told"]) == (True, True)
    lose(app)
    before = len(app.process.calls)

    def check(app: App) -> None:
        assert state(app) == expected

    kill_at_each_call(app, recovered, check)
    killable = set(app.process.calls[before:])
    assert {"rds:RestoreDBInstanceFromDBSnapshot", "rds:ModifyDBInstance", "rds:AddTagsToResource"} <= killable


@pytest.mark.timeout(600)
def test_in_a_storm_a_restored_database_gets_its_password_and_settings(aws: Aws, app: App) -> None:
    lose(app)
    recovered(app)
    expected = state(app)
    for seed in (SEED, SEED + 1):
        lose(app)
        aws.storm(seed)
        recovered(app)
        aws.calm()
        app.clock.now += 60.0
        assert state(app) == expected


@pytest.mark.timeout(600)
def test_a_snapshot_is_taken_once_whenever_the_operator_is_killed(app: App) -> None:
    def check(app: App) -> None:
        assert taken(app) == ["crash-db-gift", "crash-db-once"]
        assert app.condition("Ready")["status"] == "True"

    kill_at_each_call(app, lambda app: take(app, "once"), check)


@pytest.mark.timeout(600)
def test_a_snapshot_is_taken_once_in_a_storm(aws: Aws, app: App) -> None:
    aws.storm(SEED)
    take(app, "storm")
    aws.calm()
    assert taken(app) == ["crash-db-gift", "crash-db-storm"]
    assert app.condition("Ready")["status"] == "True"
