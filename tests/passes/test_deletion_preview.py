"""Before a deletion begins it is said what goes, what is lost, what stays and what is in the way; and it comes true."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_operator.api import parse
from missyou_operator.api.status import parse_status
from missyou_operator.cli.delete import lines, observed
from missyou_operator.cli.render import Style
from missyou_operator.controller.confirmation import unconfirmed
from missyou_operator.controller.removal import Removal, from_status, in_short, removal
from tests.sim.app import App, changes
from tests.sim.aws import OPERATOR, REGION
from tests.sim.commands import offline

RETAIN = """kubectl patch missyouapp parting -n default --type merge -p '{"spec":{"deletionPolicy":"Retain"}}'"""
RESUME = """kubectl patch missyouapp parting -n default --type merge -p '{"spec":{"suspend":false}}'"""
CONFIRM = "kubectl annotate missyouapp parting -n default --overwrite missyou.app/confirm-deletion=parting"


@pytest.fixture(scope="module")
def app(aws) -> App:
    """A production app, settled, whose deletion nobody has confirmed."""
    app = App(aws, "parting")
    app.settle()
    app.confirms = False
    return app


def told(app: App) -> Removal:
    """Return the preview, by what the last observation found."""
    final = parse(app.body, REGION).database.final_snapshot
    world = app.world
    return removal(app.body, world, (unconfirmed(app.body, world),), final_snapshot=final)


def previews(app: App) -> list[str]:
    """Return the messages of the Events that told what a deletion does."""
    return [event.message for report in app.reports for event in report.events if event.reason == "DeletionPreview"]


def deleting(app: App) -> None:
    """Run some passes of the deletion."""
    for _ in range(4):
        app.deletion_pass()
        app.wait()


def test_what_is_told_comes_true(app: App) -> None:
    app.observe_now()
    before = told(app)
    assert {(row.type, row.name) for row in before.going} >= {
        ("rds.DBInstance", "parting-db"),
        ("ec2.NatGateway", "parting-nat-b"),
        ("ecr.Repository", "parting"),
    }
    assert any("parting-db (20 GiB) and its automated backups of 7 days" in text for text in before.lost)
    assert any("images in the repository parting" in text for text in before.lost), before.lost
    assert any("parting/db_credentials" in text for text in before.lost)
    [snapshot] = before.stays
    assert "parting-db-final-" in snapshot
    [question] = before.obstacles
    assert CONFIRM in question
    assert any("deletion protection of parting-alb and parting-db" in note for note in before.notes)
    # The status alone tells the same, but for sizes.
    poorer = from_status(app.body, parse_status(app.body), final_snapshot=True)
    listed = {(row.type, row.name) for row in poorer.going}
    assert listed <= {(row.type, row.name) for row in before.going}
    assert ("rds.DBInstance", "parting-db") in listed
    assert any(CONFIRM in text for text in poorer.obstacles)
    app.annotate("confirm-deletion", "parting")
    done = changes(app.calls(app.delete))
    rds = app.client("rds")
    [left] = [row["DBSnapshotIdentifier"] for row in rds.describe_db_snapshots()["DBSnapshots"]]
    assert left.startswith("parting-db-final-")
    assert done["ec2:DeleteNatGateway"] == sum(row.type == "ec2.NatGateway" for row in before.going) == 2


def test_an_event_tells_it_when_it_is_asked_and_when_it_begins_and_not_again(app: App) -> None:
    deleting(app)
    [asked] = previews(app)
    assert "deleting default/parting:" in asked
    assert "parting-db (20 GiB)" in asked
    assert "final snapshot" in asked
    app.annotate("confirm-deletion", "parting")
    deleting(app)
    app.restart()
    deleting(app)
    assert len(previews(app)) == 2
    assert all(len(text.encode()) <= 1024 for text in previews(app))


def test_without_a_final_snapshot_it_is_said_that_nothing_stays(app: App) -> None:
    app.edit(database={"finalSnapshot": False})
    app.observe_now()
    assert any("no final snapshot is taken" in text for text in told(app).lost)
    assert told(app).stays == ()
    assert "no final snapshot is taken" in in_short(told(app))


def test_what_was_copied_to_another_region_stays_and_it_is_said_for_how_long(app: App) -> None:
    app.edit(database={"backupCopyRegion": "eu-central-1", "backupRetentionDays": 9})
    app.settle()
    before = told(app)
    assert ("rds.BackupCopy", "parting-db") in {(row.type, row.name) for row in before.going}
    text = "the automated backups copied from parting-db to eu-central-1, which AWS keeps and charges for 9 days more"
    assert text in before.stays
    assert text in in_short(before)
    # The status knows no days.
    poorer = from_status(app.body, parse_status(app.body), final_snapshot=True)
    assert text.replace("9 days", "their days") in poorer.stays
    app.annotate("confirm-deletion", "parting")
    app.delete()
    rds = app.aws.client("rds", region="eu-central-1")
    app.clock.now += 60.0
    [copy] = rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
    assert copy["Status"] == "retained"
    app.clock.now += 9 * 86_400.0
    assert rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"] == []


def test_with_retain_the_copy_goes_on_with_the_stack(app: App) -> None:
    app.edit(database={"backupCopyRegion": "eu-central-1"}, deletionPolicy="Retain")
    app.settle()
    [stays] = told(app).stays
    assert "the whole stack" in stays


def test_a_database_without_a_possible_snapshot_is_an_obstacle_with_its_command(app: App) -> None:
    world = {**app.world}
    [row] = world["rds.DBInstance/parting-db"]
    world["rds.DBInstance/parting-db"] = (type(row)(**{**_fields(row), "state": "incompatible-network"}),)
    found = removal(app.body, world, (), final_snapshot=True)
    assert any("""'{"spec":{"database":{"finalSnapshot":false}}}'""" in text for text in found.obstacles)


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


def test_retain_says_that_nothing_goes(app: App) -> None:
    app.edit(deletionPolicy="Retain")
    app.observe_now()
    assert told(app).going == ()
    assert "goes on costing" in told(app).obstacles[0]


def test_a_suspended_deletion_says_what_it_waits_for_and_both_ways_on(app: App) -> None:
    app.body["metadata"]["deletionTimestamp"] = "2027-01-01T00:00:00Z"
    app.edit(suspend=True)
    assert app.calls(app.deletion_pass) == {}
    message = app.condition("Ready")["message"]
    assert "the deletion waits" in message
    for command in (RESUME, CONFIRM, RETAIN):
        assert command in message
    # Each way on is gone: the first as it says, to the question; then the last, which ends it at once.
    app.edit(suspend=False)
    deleting(app)
    assert app.reason("Stalled") == "ApprovalRequired"
    app.edit(suspend=True, deletionPolicy="Retain")
    assert app.deletion_pass().done


@pytest.mark.parametrize(("fault", "reason"), [("expired", "InvalidCredentials"), ("deny", "AccessDenied")])
def test_credentials_that_no_longer_work_are_explained_with_both_ways_out(app: App, fault: str, reason: str) -> None:
    app.annotate("confirm-deletion", "parting")
    app.deletion_pass()
    app.aws.faults({"match": "*", "caller": OPERATOR, fault: True})
    app.restart()
    app.clock.now += 600.0
    deleting(app)
    assert app.reason("Stalled") == reason
    message = app.condition("Stalled")["message"]
    assert "goes on by itself once AWS lets the operator in again" in message
    assert RETAIN in message
    assert "rds.DBInstance/parting-db" in message
    assert "USD a month" in message
    assert "finalizer" not in message
    # The first way out: it goes on by itself.
    app.aws.calm()
    app.delete()


def test_the_other_way_out_needs_no_credentials(app: App) -> None:
    app.annotate("confirm-deletion", "parting")
    deleting(app)
    app.aws.faults({"match": "*", "caller": OPERATOR, "deny": True})
    deleting(app)
    app.edit(deletionPolicy="Retain")
    assert app.deletion_pass().done


def test_the_command_shows_what_aws_shows_and_what_others_have_put_there(app: App) -> None:
    ec2 = app.client("ec2")
    [subnet] = ec2.describe_subnets(Filters=[{"Name": "tag:Name", "Values": ["parting-app-a"]}])["Subnets"]
    theirs = ec2.create_network_interface(SubnetId=subnet["SubnetId"], Description="somebody's lambda")
    stack = offline(app)
    found = observed(app.body, stack)
    text = "\n".join(lines(found, "", Style()))
    print(text)
    [stranger] = [each for each in found.obstacles if "stack's network" in each]
    assert theirs["NetworkInterface"]["NetworkInterfaceId"] in stranger
    assert "somebody's lambda" in stranger
    assert f"      $ {CONFIRM}" in text
    assert len(found.going) == len(told(app).going)
