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
