"""The drills of docs/recovery.md: somebody deleted the database, the cluster is gone, the region is gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError

from missyou_local.aws import limits
from missyou_local.aws.services.rds.model import DATABASES
from tests.sim.app import App, changes
from tests.sim.aws import REGION

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


OTHER = "eu-central-1"


class Abroad(App):
    """An app of another cluster in `OTHER`, from which the first region is out of reach."""

    def __init__(self, aws, name: str, **spec) -> None:
        super().__init__(aws, name, region=OTHER, **spec)
        self.cluster, self.region = "another-cluster", OTHER
        self.body["metadata"]["uid"] = "another-uid"
        self._identity = ("somebody", OTHER, "")
        self.restart()

    @property
    def door(self):
        def answer(request, **event):
            if REGION in request.headers["Authorization"].decode():
                raise EndpointConnectionError(endpoint_url=request.url)
            return self.aws(request, **event)

        return answer


@pytest.fixture(scope="module")
def copied(aws) -> App:
    app = App(aws, "twice", environment="Development", database={"backupCopyRegion": OTHER, "backupRetentionDays": 5})
    app.settle()
    app.clock.now += 3600.0
    app.observe_now()
    return app


def copies(app: App) -> list[dict]:
    rds = app.aws.client("rds", region=OTHER)
    filters = [{"Name": "db-instance-id", "Values": [f"{app.name}-db"]}]
    return rds.describe_db_instance_automated_backups(Filters=filters)["DBInstanceAutomatedBackups"]


def test_the_region_is_gone_and_the_same_manifest_brings_the_data_back_in_another(copied):
    [copy] = copies(copied)
    heir = Abroad(copied.aws, "twice", environment="Development", database={"restoreToTime": "latest"})
    heir.until(lambda _: heir.reason("Stalled") == "NotGranted", "told whose the backups are")
    assert "missyou.app/take-over=true" in heir.condition("Stalled")["message"]
    heir.annotate("take-over", "true")
    calls = heir.calls(heir.settle)
    assert calls["rds:RestoreDBInstanceToPointInTime"] == 1
    assert "rds:CreateDBInstance" not in calls
    row = described(heir)
    assert row["DBInstanceArn"].split(":")[3] == OTHER
    assert row["DbiResourceId"] != copy["DbiResourceId"]
    assert credentials(heir)["password"] == DATABASES.at("123456789012", OTHER)["twice-db"].password
    assert row["Endpoint"]["Address"] in credentials(heir)["DATABASE_URL"]
    assert changes(heir.calls(heir.observe_now)) == {}


def test_a_copy_costs_no_call_once_it_runs_and_bears_the_tags_of_the_stack(copied):
    [copy] = copies(copied)
    wanted = {"Status": "replicating", "Region": REGION, "BackupRetentionPeriod": 5, "Encrypted": True}
    assert {key: copy[key] for key in wanted} == wanted
    assert {"Key": "missyou.app/stack", "Value": "default/twice"} in copy["TagList"]
    assert copied.resource("rds.BackupCopy", "twice-db")["state"] == "Ready"
    settled = copied.calls(copied.observe_now)
    assert changes(settled) == {}
    assert "rds:DescribeDBInstanceAutomatedBackups" not in settled


def test_a_copy_that_aws_refuses_says_why_and_all_else_goes_on(aws):
    app = App(aws, "plain", environment="Development")
    app.settle()
    with limits.enforced(backup_copies=0):
        app.edit(database={"backupCopyRegion": OTHER, "backupRetentionDays": 6})
        app.until(lambda _: app.resource("rds.BackupCopy", "plain-db")["state"] == "QuotaExceeded", "refused")
        assert app.reason("Ready") == app.reason("DatabaseReady") == "QuotaExceeded"
        assert "StartDBInstanceAutomatedBackupsReplication" in app.condition("DatabaseReady")["message"]
        app.until(lambda _: described(app)["BackupRetentionPeriod"] == 6, "changed")
    app.clock.now += 3600.0
    app.settle()
    assert [copy["Status"] for copy in copies(app)] == ["replicating"]


def test_other_days_or_another_region_are_a_copy_begun_anew(copied):
    calls = copied.calls(lambda: (copied.edit(database={"backupRetentionDays": 6}), copied.settle()))
    # The first is refused: the earlier copy is still ending.
    assert calls["rds:StartDBInstanceAutomatedBackupsReplication"] == 2
    assert calls["rds:StopDBInstanceAutomatedBackupsReplication"] == 1
    [copy] = copies(copied)
    assert (copy["Status"], copy["BackupRetentionPeriod"]) == ("replicating", 6)
    copied.edit(database={"backupCopyRegion": "eu-west-1"})
    copied.settle()
    [old] = copies(copied)
    assert old["Status"] == "retained"
    [new] = described(copied)["DBInstanceAutomatedBackupsReplications"]
    assert ":eu-west-1:" in new["DBInstanceAutomatedBackupsArn"]


def test_without_the_field_the_copy_ends_and_a_persons_own_stays(copied):
    copied.edit(database={"backupCopyRegion": None})
    copied.settle()
    assert [copy["Status"] for copy in copies(copied)] == ["retained"]
    assert not [tag for tag in described(copied)["TagList"] if tag["Key"] == "missyou.app/backup-copy"]
    arn = described(copied)["DBInstanceArn"]
    by_hand = {"SourceDBInstanceArn": arn, "KmsKeyId": f"arn:aws:kms:{OTHER}:123456789012:alias/aws/rds"}
    copied.aws.client("rds", region=OTHER).start_db_instance_automated_backups_replication(**by_hand)
    copied.observe_now()
    assert changes(copied.calls(copied.observe_now)) == {}
    assert [copy["Status"] for copy in copies(copied)] == ["replicating"]


def test_the_stack_goes_and_the_copy_stays_for_its_days(copied):
    copied.delete()
    [copy] = copies(copied)
    assert copy["Status"] == "retained"
    copied.clock.now += 6 * 86_400.0
    assert copies(copied) == []


def test_the_other_region_is_out_of_reach_and_only_the_copy_waits(copied):
    def answer(request, **event):
        if OTHER in request.headers["Authorization"].decode():
            raise EndpointConnectionError(endpoint_url=request.url)
        return copied.aws(request, **event)

    copied.process.door = answer
    copied.edit(database={"backupRetentionDays": 6}, service={"port": 9000})
    copied.until(lambda _: copied.resource("rds.BackupCopy", "twice-db")["state"] != "Ready", "told")
    copied.until(lambda _: described(copied)["BackupRetentionPeriod"] == 6, "changed")
    copied.process.door = copied.aws
    copied.settle()
    assert copies(copied)[0]["BackupRetentionPeriod"] == 6
