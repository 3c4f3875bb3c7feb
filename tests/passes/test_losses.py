"""Data that others delete: told, kept in mind whatever happens to the operator, and made anew only by choice."""

from __future__ import annotations

import json

import pytest

from tests.sim.app import App, changes
from tests.sim.process import Killed, When

from .test_backups import described
from .test_restoring import credentials, password

BUCKET = "shop-alb-logs-123456789012-us-east-1"


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(
        aws,
        "shop",
        environment="Development",
        loadBalancer={"accessLogs": {"enabled": True}},
        database={"storageGiB": 40},
    )
    app.settle()
    return app


def delete_database(app: App) -> None:
    """Delete the database as somebody else does, and wait until it is gone."""
    app.client("rds").delete_db_instance(DBInstanceIdentifier="shop-db", SkipFinalSnapshot=True)
    app.clock.now += 60.0


def there(app: App) -> list[str]:
    return [row["DBInstanceIdentifier"] for row in app.client("rds").describe_db_instances()["DBInstances"]]


def told(app: App) -> str:
    app.until(lambda _: app.reason("Stalled") == "DataLost", "telling the loss")
    return str(app.condition("Stalled")["message"])


def approved(app: App) -> None:
    app.annotate("approve", app.body["status"]["plan"]["id"])
    app.settle()


def test_a_deleted_database_is_told_and_nothing_is_made_in_its_place(app):
    app.annotate("snapshot", "friday")
    app.until(lambda _: app.body["status"]["outputs"].get("snapshotARN"), "taken")
    lost = described(app)["DbiResourceId"]
    delete_database(app)
    app.observe_now()
    message = told(app)
    assert (app.reason("DatabaseReady"), app.reason("Ready")) == ("DataLost", "DataLost")
    patch = json.dumps({"spec": {"database": {"restoreFromSnapshot": "shop-db-friday"}}})
    assert f"kubectl patch missyouapp shop -n default --type merge -p '{patch}'" in message
    plan = app.body["status"]["plan"]
    assert f"missyou.app/approve={plan['id']}" in message
    assert [(c["action"], c["destroysData"]) for c in plan["changes"]] == [("Create", True)]
    [entry] = [each for each in app.body["status"]["data"] if each["resource"] == "rds.DBInstance/shop-db"]
    assert (entry["id"], lost in message, entry["lostAt"][:10] in message) == (lost, True, True)
    assert "rds.DBInstance/shop-db" not in {entry["resource"] for entry in app.body["status"].get("drift", ())}
    assert "rdsEndpoint" not in app.body["status"]["outputs"]
    told_at = app.body["status"]["conditions"]
    assert changes(app.calls(lambda: app.passes(5))) == {}
    assert app.body["status"]["conditions"] == told_at
    assert there(app) == []


@pytest.mark.parametrize("gone", ["the memory", "the status", "the tag", "the subnet group"])
def test_the_loss_is_known_whatever_else_is_lost(app, gone):
    rds, group = app.client("rds"), "arn:aws:rds:us-east-1:123456789012:subgrp:shop-db"
    delete_database(app)
    if gone == "the status":
        app.body["status"] = {"observedGeneration": -1}
    elif gone == "the tag":
        rds.remove_tags_from_resource(ResourceName=group, TagKeys=["missyou.app/database-with-data"])
    elif gone == "the subnet group":
        rds.delete_db_subnet_group(DBSubnetGroupName="shop-db")
    app.restart()
    app.one_pass()
    told(app)
    app.passes(5)
    app.restart()
    app.passes(5)
    assert (told(app) != "", there(app)) == (True, [])


def test_it_is_restored_from_the_snapshot_that_somebody_names(app):
    app.annotate("snapshot", "friday")
    app.until(lambda _: app.body["status"]["outputs"].get("snapshotARN"), "taken")
    delete_database(app)
    app.observe_now()
    told(app)
    app.edit(database={"restoreFromSnapshot": "shop-db-friday"})
    calls = app.calls(app.settle)
    assert (calls["rds:RestoreDBInstanceFromDBSnapshot"], "rds:CreateDBInstance" in calls) == (1, False)
    assert password(app) == credentials(app)["password"]
    # The same snapshot again would lose what was written since: that is no choice of now.
    delete_database(app)
    app.observe_now()
    assert "To restore shop-db-friday again: kubectl annotate" in told(app)
    assert there(app) == []
    approved(app)
    assert there(app) == ["shop-db"]


def test_it_begins_empty_by_approval_and_the_next_loss_is_asked_for_again(app):
    delete_database(app)
    app.observe_now()
    assert "There is no snapshot of it" in told(app)
    first = app.body["status"]["plan"]["id"]
    approved(app)
    assert there(app) == ["shop-db"]
    assert [each.get("lostAt") for each in app.body["status"]["data"]] == [None] * len(app.body["status"]["data"])
    delete_database(app)
    app.observe_now()
    told(app)
    assert app.body["status"]["plan"]["id"] != first
    assert there(app) == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", ["rds:AddTagsToResource", "rds:DeleteDBInstance", "rds:CreateDBInstance"])
def test_an_approved_replacement_is_no_loss_wherever_the_operator_dies(app, call, when):
    app.edit(database={"storageGiB": 20})
    app.until(lambda _: app.reason("Stalled") == "ApprovalRequired", "asking for approval")
    before = described(app)["DbiResourceId"]
    app.annotate("approve", app.body["status"]["plan"]["id"])

    def moment(now: When, called: str) -> None:
        if (now, called) == (when, call):
            raise Killed

    app.process.moment = moment
    with pytest.raises(Killed):
        app.settle()
    app.restart()
    app.settle()
    assert described(app)["DbiResourceId"] != before
    reasons = {condition["reason"] for report in app.reports for condition in report.status["conditions"]}
    assert "DataLost" not in reasons


def test_a_creation_that_is_cut_short_is_no_loss(aws):
    app = App(aws, "young", environment="Development")
    app.until(lambda _: app.resource("rds.DBInstance", "young-db")["id"], "begun")
    app.clock.now += 60.0
    app.client("rds").delete_db_instance(DBInstanceIdentifier="young-db", SkipFinalSnapshot=True)
    app.clock.now += 60.0
    app.restart()
    app.settle()
    app.delete()


def test_a_lost_database_does_not_hold_up_the_deletion_of_the_stack(app):
    delete_database(app)
    app.observe_now()
    told(app)
    app.delete()
    again = App(app.aws, "shop", environment="Development")
    again.settle()


def test_a_stack_that_was_released_and_taken_up_again_has_lost_nothing(app):
    app.body["status"] = {"observedGeneration": -1}
    app.restart()
    app.settle()
    assert app.condition("Ready")["status"] == "True"


def test_a_deleted_log_bucket_is_told(app):
    s3 = app.client("s3")
    for row in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        s3.delete_object(Bucket=BUCKET, Key=row["Key"])
    s3.delete_bucket(Bucket=BUCKET)
    app.body["status"] = {"observedGeneration": -1}
    app.restart()
    app.one_pass()
    assert BUCKET in told(app)
    app.passes(3)
    assert not s3.list_buckets()["Buckets"]
    approved(app)
    assert s3.list_buckets()["Buckets"]


def test_a_deleted_repository_with_images_is_told(app):
    ecr = app.client("ecr")
    ecr.delete_repository(repositoryName="shop", force=True)
    app.body["status"] = {"observedGeneration": -1}
    app.restart()
    app.one_pass()
    assert "ecr.Repository/shop" in told(app)
    app.passes(3)
    assert not ecr.describe_repositories()["repositories"]
    app.annotate("approve", app.body["status"]["plan"]["id"])
    app.until(lambda _: app.reason("ServiceReady") == "ImageNotFound", "asking for the image")
    app.settle()


def test_what_cannot_be_read_is_no_loss(app):
    delete_database(app)
    app.aws.faults({"match": "rds:DescribeDBSubnetGroups", "throttle": 1})
    assert changes(app.calls(app.observe_now)) == {}
    assert app.reason("Stalled") != "DataLost"
    app.aws.faults({"match": "rds:DescribeDBInstances", "throttle": 1})
    assert changes(app.calls(app.observe_now)) == {}
    assert app.reason("Stalled") != "DataLost"
    app.aws.faults()
    told(app)
