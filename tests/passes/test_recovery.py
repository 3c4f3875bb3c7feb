"""The drills of docs/recovery.md: somebody deleted the database, the cluster is gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.sim.app import App, changes

from .test_backups import described
from .test_restoring import credentials, password


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(aws, "shop", environment="Development", database={"storageGiB": 40, "backupRetentionDays": 5})
    app.settle()
    app.clock.now += 3600.0
    app.observe_now()
    return app


def delete_database(app: App) -> None:
    """Delete the database as somebody else does, with its automated backups retained."""
    app.client("rds").delete_db_instance(
        DBInstanceIdentifier="shop-db", SkipFinalSnapshot=True, DeleteAutomatedBackups=False
    )
    app.clock.now += 60.0
    app.observe_now()


def ago(app: App, seconds: float) -> str:
    return f"{datetime.fromtimestamp(app.clock.now, UTC) - timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def test_somebody_deleted_the_database_and_one_patch_brings_it_back(app):
    lost = described(app)["DbiResourceId"]
    delete_database(app)
    app.until(lambda _: app.reason("Stalled") == "DataLost", "telling the loss")
    message = app.condition("Stalled")["message"]
    patch = {"spec": {"database": {"restoreToTime": "latest"}}}
    assert f"kubectl patch missyouapp shop -n default --type merge -p '{json.dumps(patch)}'" in message
    calls = app.calls(lambda: (app.edit(**patch["spec"]), app.settle()))
    assert calls["rds:RestoreDBInstanceToPointInTime"] == 1
    assert "rds:CreateDBInstance" not in calls
    row = described(app)
    assert row["DbiResourceId"] != lost
    wanted = {"AllocatedStorage": 40, "BackupRetentionPeriod": 5, "StorageEncrypted": True, "PubliclyAccessible": False}
    assert {key: row[key] for key in wanted} == wanted
    assert row["DBParameterGroups"][0]["DBParameterGroupName"] == "shop-postgres15"
    assert credentials(app)["password"] == password(app)
    assert row["Endpoint"]["Address"] in credentials(app)["DATABASE_URL"]
    assert app.condition("InSync")["status"] == "True"
    assert changes(app.calls(app.observe_now)) == {}


def test_to_the_minute_before_somebody_broke_the_data(app):
    delete_database(app)
    app.edit(database={"restoreToTime": ago(app, 1800)})
    app.settle()
    assert app.resource("rds.DBInstance", "shop-db")["state"] == "Ready"
    assert credentials(app)["password"] == password(app)


def test_a_time_that_no_backup_reaches_is_refused_and_the_message_says_which_can_be_had(app):
    delete_database(app)
    app.edit(database={"restoreToTime": "2020-01-01T00:00:00Z"})
    app.until(lambda _: app.reason("Stalled") == "SnapshotUnsuitable", "refused")
    message = app.condition("Stalled")["message"]
    assert "spec.database.restoreToTime: 2020-01-01T00:00:00Z is outside of what the automated backups" in message
    assert "or latest" in message
    app.edit(database={"restoreToTime": "latest"})
    app.settle()
    assert credentials(app)["password"] == password(app)


def test_without_backups_it_waits_and_names_the_other_way(aws):
    app = App(aws, "new", environment="Development", database={"restoreToTime": "latest"})
    app.until(lambda _: app.reason("DatabaseReady") == "SnapshotNotFound", "told")
    message = app.condition("DatabaseReady")["message"]
    assert "there are no automated backups of a database new-db in us-east-1" in message
    assert "restoreFromSnapshot" in message


def test_the_cluster_is_gone_and_the_same_manifest_finds_everything_as_it_was(app):
    before = described(app)["DbiResourceId"], password(app)
    heir = App(app.aws, "shop", **app.body["spec"])
    heir.cluster = "another-cluster"
    heir.body["metadata"]["uid"] = "another-uid"
    heir.restart()
    heir.until(lambda _: heir.reason("Stalled") == "OwnedElsewhere", "told whose it is")
    heir.annotate("take-over", "true")
    calls = changes(heir.calls(heir.settle))
    made = [name for name in calls if any(word in name for word in (":Create", ":Delete", ":Restore", ":Run"))]
    assert [name for name in made if "Tags" not in name] == []
    assert (described(heir)["DbiResourceId"], password(heir)) == before
    assert heir.condition("InSync")["status"] == "True"
    assert changes(heir.calls(heir.observe_now)) == {}
