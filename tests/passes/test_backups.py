"""Backups: windows, and a snapshot that somebody asks for."""

from __future__ import annotations

import pytest

from tests.sim.app import App, changes


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(aws, "saved", environment="Development")
    app.settle()
    return app


def snapshots(app: App, ends: str = "") -> list[str]:
    """List the manual snapshots of a stack."""
    rows = app.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    names = [row["DBSnapshotIdentifier"] for row in rows]
    return sorted(name for name in names if name.startswith(f"{app.name}-db-") and ends in name)


def described(app: App) -> dict:
    [row] = app.client("rds").describe_db_instances(DBInstanceIdentifier=f"{app.name}-db")["DBInstances"]
    return row


def ready(app: App) -> str:
    return str(app.condition("Ready")["status"])


def take(app: App, value: str) -> None:
    """Ask for a snapshot, and wait until it is there."""
    app.annotate("snapshot", value)
    app.settle()
    assert app.body["status"]["lastHandledSnapshot"] == value
    assert "snapshotARN" in app.body["status"]["outputs"]


def test_windows_are_set_moved_and_left_to_aws(app):
    chosen = described(app)["PreferredBackupWindow"]
    app.edit(database={"backupWindow": "03:00-04:00", "maintenanceWindow": "sun:04:00-sun:05:00"})
    app.settle()
    row = described(app)
    assert (row["PreferredBackupWindow"], row["PreferredMaintenanceWindow"]) == ("03:00-04:00", "sun:04:00-sun:05:00")
    assert changes(app.calls(app.observe_now)) == {}
    app.client("rds").modify_db_instance(DBInstanceIdentifier="saved-db", PreferredBackupWindow="05:00-06:00")
    app.observe_now()
    app.until(lambda _: described(app)["PreferredBackupWindow"] == "03:00-04:00", "put right")
    app.edit(database={"backupWindow": None, "maintenanceWindow": None})
    app.grow()
    assert changes(app.calls(app.observe_now)) == {}
    assert described(app)["PreferredBackupWindow"] == "03:00-04:00" != chosen


def test_a_window_that_aws_chose_stands_in_the_way(app):
    app.client("rds").modify_db_instance(
        DBInstanceIdentifier="saved-db", PreferredMaintenanceWindow="sun:04:00-sun:05:00"
    )
    app.edit(database={"backupWindow": "04:30-05:30"})
    app.until(lambda _: app.reason("Stalled") == "InvalidSpec", "refused")
    assert "Set both: spec.database.backupWindow and" in app.condition("Stalled")["message"]
    app.edit(database={"backupWindow": None})
    app.grow()


def test_a_snapshot_is_taken_once_while_the_app_is_ready(app):
    drift = app.body["status"].get("drift")
    app.annotate("snapshot", "before v2")
    made = changes(app.calls(app.one_pass))
    assert made == {"rds:CreateDBSnapshot": 1}
    name = snapshots(app)[0]
    assert name.startswith("saved-db-before-v2-")
    assert (ready(app), app.condition("DatabaseReady")["status"]) == ("True", "True")
    assert app.resource("rds.DBSnapshot", name)["state"] == "Creating"
    assert app.body["status"]["lastHandledSnapshot"] == "before v2"
    assert "snapshotARN" not in app.body["status"]["outputs"]
    readiness = set()

    def taken(_) -> bool:
        readiness.add(ready(app))
        return app.resource("rds.DBSnapshot", name)["state"] == "Ready"

    app.until(taken, "taken")
    assert readiness == {"True"}
    assert app.body["status"]["outputs"]["snapshotARN"].endswith(f":snapshot:{name}")
    assert app.resource("rds.DBSnapshot", name)["message"].startswith("taken 20")
    assert app.body["status"].get("drift") == drift
    status = app.body["status"]
    assert changes(app.calls(app.one_pass)) == {}
    app.restart()
    assert changes(app.calls(app.one_pass)) == {}
    assert {key: value for key, value in app.body["status"].items() if key != "lastSyncTime"} == {
        key: value for key, value in status.items() if key != "lastSyncTime"
    }


def test_its_tags_say_whose_it_is(app):
    take(app, "before v2")
    [row] = [
        row
        for row in app.client("rds").describe_db_snapshots()["DBSnapshots"]
        if row["DBSnapshotIdentifier"] == snapshots(app)[0]
    ]
    tags = {tag["Key"]: tag["Value"] for tag in row["TagList"]}
    assert tags["missyou.app/stack"] == "default/saved"
    assert tags["missyou.app/database-name"] == "missyou"


def test_what_somebody_deleted_is_not_taken_again_and_another_value_takes_another(app):
    take(app, "before v2")
    [first] = snapshots(app)
    app.client("rds").delete_db_snapshot(DBSnapshotIdentifier=first)
    assert changes(app.calls(app.observe_now)) == {}
    assert "snapshotARN" not in app.body["status"]["outputs"]
    app.restart()
    assert changes(app.calls(app.observe_now)) == {}
    for value in ("one", "two"):
        app.annotate("snapshot", value)
        app.until(lambda _, v=value: app.body["status"]["outputs"].get("snapshotARN", "").endswith(f"-db-{v}"), "taken")
    assert snapshots(app) == ["saved-db-one", "saved-db-two"]


def test_it_stays_when_nobody_asks_any_more(app):
    for value in ("one", "two"):
        take(app, value)
    del app.body["metadata"]["annotations"]["missyou.app/snapshot"]
    assert changes(app.calls(app.one_pass)) == {}
    assert changes(app.calls(app.observe_now)) == {}
    assert not [row for row in app.body["status"]["resources"] if row["type"] == "rds.DBSnapshot"]
    assert len(snapshots(app)) == 2


def test_one_that_was_just_taken_is_not_deleted_when_the_next_is_asked_for(app):
    app.annotate("snapshot", "three")
    app.one_pass()
    app.annotate("snapshot", "four")
    app.until(lambda _: "saved-db-four" in snapshots(app), "taken")
    assert "saved-db-three" in snapshots(app)


def test_what_aws_refuses_is_told_and_keeps_nothing_from_being_ready(app):
    refusal = {"match": "rds:CreateDBSnapshot", "fail": {"code": "SnapshotQuotaExceeded", "message": "too many"}}
    app.aws.faults(refusal)
    app.annotate("snapshot", "five")
    app.one_pass()
    app.aws.faults()
    assert app.resource("rds.DBSnapshot", "saved-db-five")["state"] == "QuotaExceeded"
    assert "too many" in app.condition("DatabaseReady")["message"]
    assert (ready(app), app.reason("InSync"), app.condition("Stalled")["status"]) == ("True", "Synced", "")
    app.until(lambda _: app.resource("rds.DBSnapshot", "saved-db-five")["state"] == "Ready", "taken")
    assert app.condition("DatabaseReady")["message"] == ""


def test_a_strangers_snapshot_of_the_name_is_left_alone(app):
    take(app, "five")
    stranger = app.client("rds")
    theirs = [{"Key": "whose", "Value": "theirs"}]
    stranger.create_db_snapshot(DBInstanceIdentifier="saved-db", DBSnapshotIdentifier="saved-db-six", Tags=theirs)
    app.annotate("snapshot", "six")
    app.one_pass()
    assert app.resource("rds.DBSnapshot", "saved-db-six")["state"] == "OwnedElsewhere"
    assert ready(app) == "True"
    assert app.body["status"]["lastHandledSnapshot"] == "five"


def test_drift_that_is_only_reported_keeps_no_snapshot_from_being_taken(app):
    app.edit(driftPolicy="Report")
    app.until(lambda _: ready(app) == "True" and app.reason("InSync") == "Synced", "in sync")
    app.annotate("snapshot", "seven")
    app.until(lambda _: "saved-db-seven" in snapshots(app), "taken")
    assert app.reason("InSync") == "Synced"


def test_snapshots_outlive_the_stack_and_one_that_is_being_taken_is_waited_for(app):
    take(app, "first")
    app.annotate("snapshot", "last")
    app.until(lambda _: app.resource("rds.DBSnapshot", "saved-db-last")["state"] == "Creating", "being taken")
    before = snapshots(app)
    assert before == ["saved-db-first", "saved-db-last"]
    app.delete()
    assert snapshots(app) == before
