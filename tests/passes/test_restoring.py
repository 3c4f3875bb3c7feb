"""Databases made from snapshots: what they get, what is refused, and the password that is never forgotten."""

from __future__ import annotations

import json

import pytest

from missyou_local.aws.services.rds.model import DATABASES
from tests.sim.app import App, changes
from tests.sim.process import Killed, When

from .test_backups import described, snapshots


def credentials(app: App) -> dict:
    text = app.client("secretsmanager").get_secret_value(SecretId=f"{app.name}/db_credentials")["SecretString"]
    return json.loads(text)


def password(app: App) -> str:
    """The password that the test AWS would let the app in by."""
    name = f"{app.name}-db"
    return next(databases[name].password for databases in DATABASES.states() if name in databases)


@pytest.fixture(scope="module")
def lost(aws) -> str:
    """The name of the final snapshot of a stack with production's defaults, which is gone."""
    app = App(aws, "phoenix", environment="Production", database={"storageGiB": 25})
    app.grow()
    app.delete()
    [final] = snapshots(app, "final")
    return final


def again(aws, snapshot: str, **database) -> App:
    return App(aws, "phoenix", environment="Production", database={"restoreFromSnapshot": snapshot, **database})


def test_a_deleted_stack_is_made_again_from_its_final_snapshot(aws, lost):
    app = again(aws, lost, storageGiB=30, backupRetentionDays=9, backupWindow="03:00-04:00")
    calls = app.calls(app.grow)
    assert "rds:CreateDBInstance" not in calls
    assert calls["rds:RestoreDBInstanceFromDBSnapshot"] == 1
    content, row = credentials(app), described(app)
    assert password(app) == content["password"]
    assert content["DATABASE_URL"].startswith(
        f"postgresql://missyou:{content['password']}@{row['Endpoint']['Address']}"
    )
    wanted = {
        "AllocatedStorage": 30,
        "MaxAllocatedStorage": 100,
        "MultiAZ": True,
        "DeletionProtection": True,
        "BackupRetentionPeriod": 9,
        "PreferredBackupWindow": "03:00-04:00",
        "PerformanceInsightsEnabled": True,
        "CopyTagsToSnapshot": True,
        "PubliclyAccessible": False,
        "StorageEncrypted": True,
        "EnabledCloudwatchLogsExports": ["postgresql"],
    }
    assert {key: row[key] for key in wanted} == wanted
    assert row["DBParameterGroups"][0]["DBParameterGroupName"] == "phoenix-postgres15"
    assert app.condition("InSync")["status"] == "True"
    assert "drift" not in app.body["status"]
    status = app.body["status"]
    assert changes(app.calls(app.observe_now)) == {}
    assert app.body["status"]["conditions"] == status["conditions"]
    # The record of the data says which snapshot the spec named while there was a database.
    app.edit(database={"restoreFromSnapshot": None})
    assert changes(app.calls(app.grow)) == {"rds:AddTagsToResource": 1}
    app.edit(database={"restoreFromSnapshot": "another"})
    assert changes(app.calls(app.grow)) == {"rds:AddTagsToResource": 1}
    assert "only takes effect when a database is created" in app.resource("rds.DBInstance", "phoenix-db")["message"]
    app.delete()


def test_the_app_gets_no_credentials_before_the_password_is_the_right_one(aws, lost):
    app = again(aws, lost)
    reset = {"match": "rds:ModifyDBInstance", "fail": {"code": "InternalFailure", "status": 500}}
    aws.faults(reset)
    app.until(lambda _: app.reason("DatabaseReady") == "AWSError", "at the password")
    assert "DATABASE_URL" not in credentials(app)
    assert password(app) != credentials(app)["password"]
    aws.faults()
    app.grow()
    assert password(app) == credentials(app)["password"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", ["RestoreDBInstanceFromDBSnapshot", "ModifyDBInstance", "AddTagsToResource"])
def test_killed_while_restoring_the_password_is_set_all_the_same(aws, lost, call, when):
    app = again(aws, lost)

    def moment(now: When, called: str) -> None:
        if (now, called) == (when, f"rds:{call}"):
            raise Killed

    app.process.moment = moment
    with pytest.raises(Killed):
        app.grow()
    app.restart()
    app.grow()
    assert password(app) == credentials(app)["password"]
    assert app.condition("InSync")["status"] == "True"


def test_a_snapshot_that_is_not_there_yet_is_waited_for(aws):
    giver = App(aws, "giver", environment="Development")
    giver.grow()
    taker = App(aws, "taker", environment="Development", database={"restoreFromSnapshot": "giver-db-gift"})
    taker.until(lambda _: taker.reason("DatabaseReady") == "SnapshotNotFound", "missed")
    assert "describe-db-snapshots" in taker.condition("DatabaseReady")["message"]
    assert taker.condition("Stalled")["status"] == ""
    aws.timing.rds_snapshot = 3.0
    giver.annotate("snapshot", "gift")
    giver.one_pass()
    taker.until(lambda _: taker.reason("DatabaseReady") == "SnapshotCreating", "waiting")
    taker.grow()
    assert password(taker) == credentials(taker)["password"] != password(giver)


def test_a_snapshot_that_does_not_fit_is_refused_before_anything_is_restored(aws, lost):
    app = again(aws, lost, name="letters", username="writer", engineVersion="16")
    app.until(lambda _: app.reason("Stalled") == "SnapshotUnsuitable", "refused")
    said = app.condition("Stalled")["message"]
    for words in ("spec.database.username: missyou", "spec.database.name: missyou", 'engineVersion to "15"'):
        assert words in said
    assert not app.client("rds").describe_db_instances(Filters=[{"Name": "db-instance-id", "Values": ["phoenix-db"]}])[
        "DBInstances"
    ]
    app.delete()


def test_a_database_of_another_name_than_the_spec_says_is_never_handed_out(aws):
    """Without our tags a snapshot does not tell what its database is called."""
    stranger = App(aws, "stranger").client("rds")
    made = {"Engine": "postgres", "EngineVersion": "15.16", "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20}
    stranger.create_db_instance(
        DBInstanceIdentifier="foreign",
        MasterUsername="missyou",
        MasterUserPassword="long-enough-1",
        DBName="letters",
        StorageEncrypted=True,
        **made,
    )
    app = App(aws, "heir", environment="Development", database={"restoreFromSnapshot": "foreign-s"})
    app.until(lambda _: app.reason("DatabaseReady") == "SnapshotNotFound", "waiting")
    app.clock.now += 60.0
    stranger.create_db_snapshot(DBInstanceIdentifier="foreign", DBSnapshotIdentifier="foreign-s")
    app.until(lambda _: app.reason("DatabaseReady") == "SnapshotUnsuitable", "refused")
    assert "is called letters" in app.condition("DatabaseReady")["message"]
    assert "plan" not in app.body["status"] or "Replace" not in json.dumps(app.body["status"]["plan"])
    assert "DATABASE_URL" not in credentials(app)
    app.delete()
