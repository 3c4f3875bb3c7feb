"""Deleting a production app's data is confirmed first, whatever the spec says at the last moment."""

from __future__ import annotations

import pytest

from tests.sim.app import App, changes


@pytest.fixture(scope="module")
def app(aws) -> App:
    """A production app, settled, that somebody deletes without confirming it."""
    app = App(aws, "precious")
    app.settle()
    app.confirms = False
    return app


def databases(app: App) -> int:
    return len(app.client("rds").describe_db_instances()["DBInstances"])


def final_snapshots(app: App) -> int:
    rows = app.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    return sum("-final-" in row["DBSnapshotIdentifier"] for row in rows)


def deletion_passes(app: App) -> None:
    for _ in range(5):
        assert not app.deletion_pass().done
        app.wait()


def nothing_is_deleted(app: App) -> str:
    """Check that the deletion waits for a person, and return what it says."""
    assert changes(app.calls(lambda: deletion_passes(app))) == {}
    assert (app.reason("Stalled"), app.reason("Ready")) == ("ApprovalRequired", "ApprovalRequired")
    return str(app.condition("Stalled")["message"])


CONFIRM = "kubectl annotate missyouapp precious -n default --overwrite missyou.app/confirm-deletion=precious"


def test_it_waits_until_it_is_confirmed(app):
    said = nothing_is_deleted(app)
    assert CONFIRM in said
    assert "the database precious-db and everything in it" in said
    app.annotate("confirm-deletion", "precious")
    app.delete()
    assert (databases(app), final_snapshots(app)) == (0, 1)


def test_another_apps_name_confirms_nothing(app):
    app.annotate("confirm-deletion", "copied-from-elsewhere")
    assert CONFIRM in nothing_is_deleted(app)


def test_the_environment_is_that_which_was_applied(app):
    """An editor makes it a Development app and deletes it in one go: no final snapshot, no confirmation."""
    app.edit(environment="Development")
    assert CONFIRM in nothing_is_deleted(app)
    app.annotate("confirm-deletion", "precious")
    said = nothing_is_deleted(app)
    assert "the last copy of its data: no final snapshot is taken" in said
    assert "finalSnapshot" in said
    plan = app.body["status"]["plan"]
    assert [change["resource"] for change in plan["changes"]] == ["rds.DBInstance/precious-db"]
    app.annotate("approve", plan["id"])
    app.delete()
    assert (databases(app), final_snapshots(app)) == (0, 0)


def test_nor_does_it_help_to_wait_until_the_environment_is_applied(app):
    app.edit(environment="Development")
    app.settle()
    assert CONFIRM in nothing_is_deleted(app)


def test_the_last_copy_is_kept_by_a_word(app):
    app.edit(database={"finalSnapshot": False})
    app.annotate("confirm-deletion", "precious")
    assert "the last copy of its data" in nothing_is_deleted(app)
    app.edit(database={"finalSnapshot": True})
    app.delete()
    assert (databases(app), final_snapshots(app)) == (0, 1)


def test_an_old_approval_does_not_delete_the_last_copy(app):
    """It was given for a deletion with another counter, or for nothing at all."""
    app.edit(database={"finalSnapshot": False})
    app.annotate("confirm-deletion", "precious")
    app.annotate("approve", "0123456789ab")
    nothing_is_deleted(app)
    assert app.body["status"]["plan"]["id"] != "0123456789ab"


def test_a_spec_that_cannot_be_read_is_no_way_round(app):
    app.body["spec"] = {"environment": "Nonsense", "database": {"finalSnapshot": "no"}}
    assert CONFIRM in nothing_is_deleted(app)


def test_what_is_retained_needs_no_confirmation(app):
    app.edit(deletionPolicy="Retain")
    assert changes(app.calls(app.delete)) == {}
    assert databases(app) == 1


def test_a_stack_without_data_needs_none(aws):
    app = App(aws, "empty", domain={"name": "a.example.net", "hostedZoneID": "Z0NOBODY"})
    app.confirms = False
    app.delete()
    assert app.reports[-1].done


def test_a_development_app_needs_none(aws):
    app = App(aws, "sketch", environment="Development")
    app.settle()
    app.confirms = False
    app.delete()
    names = {row["DBInstanceIdentifier"] for row in app.client("rds").describe_db_instances()["DBInstances"]}
    assert "sketch-db" not in names


def test_the_operator_can_be_told_never_to_ask(app):
    app.asks_to_confirm = False
    app.restart()
    app.delete()
    assert (databases(app), final_snapshots(app)) == (0, 1)
