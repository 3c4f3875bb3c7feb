"""An approval is used once, for what exists when it is given: the same change of its successor is asked for again."""

from __future__ import annotations

import pytest

from tests.sim.app import App


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(
        aws,
        "guarded",
        environment="Development",
        database={"storageGiB": 40},
        loadBalancer={"accessLogs": {"enabled": True}},
    )
    app.settle()
    return app


def resource_id(app: App) -> str:
    [row] = app.client("rds").describe_db_instances(DBInstanceIdentifier="guarded-db")["DBInstances"]
    return str(row["DbiResourceId"])


def asked(app: App) -> str:
    app.until(lambda _: app.reason("Stalled") == "ApprovalRequired", "asking for approval")
    return str(app.body["status"]["plan"]["id"])


def test_the_same_replacement_of_the_next_database_is_asked_for_again(app):
    app.edit(database={"storageGiB": 20})
    first = asked(app)
    app.annotate("approve", first)
    app.settle()
    app.edit(database={"storageGiB": 40})
    app.settle()
    before = resource_id(app)
    app.clock.now += 7 * 3600.0
    app.edit(database={"storageGiB": 20})
    second = asked(app)
    assert second != first
    app.passes(10)
    assert resource_id(app) == before
    app.annotate("approve", second)
    app.settle()
    assert resource_id(app) != before


def test_the_same_deletion_of_the_next_repository_is_asked_for_again(app):
    elsewhere, own = {"repository": "registry.example.com/missyou"}, {"repository": None}
    app.edit(image=elsewhere)
    first = asked(app)
    app.annotate("approve", first)
    app.settle()
    assert not app.client("ecr").describe_repositories()["repositories"]
    app.clock.now += 60.0
    app.edit(image=own)
    app.settle()
    app.edit(image=elsewhere)
    assert asked(app) != first
    app.passes(10)
    assert app.client("ecr").describe_repositories()["repositories"]


def test_the_same_deletion_of_the_next_log_bucket_is_asked_for_again(app):
    def fill() -> None:
        app.client("s3").put_object(Bucket="guarded-alb-logs-123456789012-us-east-1", Key="AWSLogs/1", Body=b"a line")

    fill()
    app.edit(loadBalancer={"accessLogs": {"enabled": False}})
    first = asked(app)
    app.annotate("approve", first)
    app.settle()
    assert not app.client("s3").list_buckets()["Buckets"]
    app.clock.now += 60.0
    app.edit(loadBalancer={"accessLogs": {"enabled": True}})
    app.settle()
    fill()
    app.edit(loadBalancer={"accessLogs": {"enabled": False}})
    assert asked(app) != first
    app.passes(10)
    assert app.client("s3").list_buckets()["Buckets"]


def bucket_holds_logs(app: App) -> None:
    app.client("s3").put_object(Bucket="guarded-alb-logs-123456789012-us-east-1", Key="AWSLogs/1", Body=b"a line")


def taken_back(app: App) -> str:
    """Approve that the database is replaced, and take the change back before it is made; return the approved ID."""
    app.edit(database={"storageGiB": 20})
    first = asked(app)
    app.annotate("approve", first)
    app.edit(database={"storageGiB": 40})
    app.settle()
    return first


def asks_again(app: App, first: str) -> None:
    before = resource_id(app)
    app.edit(database={"storageGiB": 20})
    assert asked(app) != first
    app.passes(10)
    assert app.reason("Stalled") == "ApprovalRequired"
    assert resource_id(app) == before


def test_an_approval_of_what_was_taken_back_is_worth_nothing_later(app):
    """The database is still the one that the approval was for; a revert asks for the same again."""
    asks_again(app, taken_back(app))


def test_an_approval_counts_as_used_where_the_status_is_lost(app):
    first = taken_back(app)
    app.restart()
    app.body["status"] = {"observedGeneration": -1}
    asks_again(app, first)


def test_the_approval_of_another_apps_plan_is_worth_nothing(app):
    """The app was made anew, with the annotation copied along."""
    app.edit(database={"storageGiB": 20})
    first = asked(app)
    app.body["metadata"]["uid"] = "another-uid"
    app.annotate("approve", first)
    app.annotate("take-over", "true")
    before = resource_id(app)
    app.body["status"] = {"observedGeneration": -1}
    app.restart()
    assert asked(app) != first
    app.passes(5)
    assert resource_id(app) == before


def test_two_changes_that_are_approved_together_are_asked_once(app):
    bucket_holds_logs(app)
    before = resource_id(app)
    app.edit(database={"storageGiB": 20}, loadBalancer={"accessLogs": {"enabled": False}})
    plan = asked(app)
    assert len(app.body["status"]["plan"]["changes"]) == 2
    app.annotate("approve", plan)

    def done(_: object) -> bool:
        assert app.reason("Stalled") != "ApprovalRequired", app.condition("Stalled")["message"]
        return not app.client("s3").list_buckets()["Buckets"] and app.condition("Ready")["status"] == "True"

    app.until(done, "carried out")
    assert resource_id(app) != before
    assert app.body["status"]["lastApprovedPlan"]["id"] == plan
    app.observe_now()
    assert "changes" not in app.body["status"]["lastApprovedPlan"]


def test_what_comes_on_top_of_an_approved_plan_is_asked_for(app):
    bucket_holds_logs(app)
    app.edit(database={"storageGiB": 20})
    app.annotate("approve", asked(app))
    app.one_pass()
    app.edit(loadBalancer={"accessLogs": {"enabled": False}})
    asked(app)
    app.passes(10)
    assert app.client("s3").list_buckets()["Buckets"]


def test_the_same_rise_of_the_cost_is_asked_for_again(app):
    def gateways() -> int:
        rows = app.client("ec2").describe_nat_gateways()["NatGateways"]
        return sum(row["State"] != "deleted" for row in rows)

    app.edit(budget={"monthlyUSD": 90}, network={"natGateways": 2})
    first = asked(app)
    app.annotate("approve", first)
    app.settle()
    assert gateways() == 2
    app.edit(network={"natGateways": 1})
    app.settle()
    app.edit(network={"natGateways": 2})
    assert asked(app) != first
    app.passes(10)
    assert gateways() == 1


def test_a_snapshot_that_is_not_there_is_found_out_before_the_database_is_deleted(app):
    before = resource_id(app)
    app.edit(database={"storageGiB": 20, "restoreFromSnapshot": "not-there"})
    app.annotate("approve", asked(app))
    app.until(lambda _: app.reason("DatabaseReady") == "SnapshotNotFound", "told")
    assert resource_id(app) == before
