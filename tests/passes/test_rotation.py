"""Another password for the database: the order of the steps, what remembers them, and when the next one is due."""

from __future__ import annotations

import json
from typing import Any

import pytest

from missyou_local.aws import backends
from missyou_local.aws.services.rds.model import DATABASES
from tests.sim.app import App, changes
from tests.sim.aws import REGION

DAY = 86_400.0


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(aws, "shop", environment="Development")
    app.settle()
    return app


def labelled(app: App, label: str) -> dict[str, Any] | None:
    """Give the content of the version of the secret that bears a label, None where none does."""
    # In AWS itself: reads by others lag in a storm, and what an app finds in the end counts.
    secret = backends.backend("secretsmanager", "123456789012", REGION).secrets[f"{app.name}/db_credentials"]
    found = [each["secret_string"] for each in secret.versions.values() if label in each["version_stages"]]
    return dict(json.loads(found[0])) if found else None


def password(app: App) -> str:
    """Give the password that the test AWS would let the app in by."""
    name = f"{app.name}-db"
    return next(databases[name].password for databases in DATABASES.states() if name in databases)


def lets_in(app: App) -> set[str]:
    """Give the labels under which an app finds the password that is right now."""
    found = {label: labelled(app, label) for label in ("AWSCURRENT", "AWSPENDING")}
    return {label for label, content in found.items() if content and content["password"] == password(app)}


def rotate(app: App, value: str) -> None:
    app.annotate("rotate-database-password", value)
    app.until(lambda status: status.get("databasePassword", {}).get("lastHandled") == value, "rotated")
    app.settle()


def test_at_every_moment_an_app_finds_the_password_that_counts(app):
    before, seen = password(app), []
    app.annotate("rotate-database-password", "1")
    for _ in range(40):
        report = app.one_pass()
        seen += [event.reason for event in report.events]
        assert lets_in(app), "nobody could know the password at this moment"
        app.wait()
    assert app.condition("InSync")["status"] == "True"
    assert password(app) != before
    assert lets_in(app) == {"AWSCURRENT", "AWSPENDING"}
    content = labelled(app, "AWSCURRENT")
    assert content is not None
    assert content["password"] in content["DATABASE_URL"]
    assert "PasswordRotated" in seen
    shown = app.body["status"]["databasePassword"]
    assert (shown["lastHandled"], "lastRotatedAt" in shown) == ("1", True)
    assert changes(app.calls(app.observe_now)) == {}


def test_a_value_counts_once_whatever_is_lost(app):
    rotate(app, "1")
    given = password(app)
    app.body["status"] = {"observedGeneration": -1}
    app.restart()
    app.settle()
    assert password(app) == given
    del app.body["metadata"]["annotations"]["missyou.app/rotate-database-password"]
    app.settle()
    assert password(app) == given
    rotate(app, "2")
    assert password(app) != given
    assert lets_in(app) == {"AWSCURRENT", "AWSPENDING"}


def test_a_rotation_that_is_under_way_ends_though_the_request_is_withdrawn_or_replaced(app):
    before = password(app)
    app.annotate("rotate-database-password", "first")
    app.until(lambda _: password(app) != before, "given to the database")
    given = password(app)
    app.annotate("rotate-database-password", "second")
    app.until(lambda status: status.get("databasePassword", {}).get("lastHandled") == "first", "told")
    for _ in range(60):
        app.one_pass()
        assert lets_in(app)
        app.wait()
    # The second value is another request: it gets a password of its own, once the first has reached the tasks.
    assert password(app) not in {before, given}
    assert app.body["status"]["databasePassword"]["lastHandled"] == "second"
    assert lets_in(app) == {"AWSCURRENT", "AWSPENDING"}
    app.settle()


def test_by_schedule_it_is_due_some_days_after_the_last_one(app):
    app.edit(database={"passwordRotationDays": 30})
    app.settle()
    before = password(app)
    assert app.body["status"]["databasePassword"]["nextRotationAt"]
    app.clock.now += 29 * DAY
    app.settle()
    assert password(app) == before
    app.clock.now += 1 * DAY
    app.settle()
    rotated = password(app)
    assert rotated != before
    assert lets_in(app) == {"AWSCURRENT", "AWSPENDING"}
    app.settle()
    assert password(app) == rotated
    # The present password is the one that counts from then on, and stays.
    app.edit(database={"passwordRotationDays": None})
    app.settle()
    assert password(app) == rotated
    assert "nextRotationAt" not in app.body["status"]["databasePassword"]


def test_another_sslmode_goes_along_with_a_rotation(app):
    app.annotate("rotate-database-password", "1")
    app.edit(database={"sslMode": "require"})
    for _ in range(40):
        app.one_pass()
        assert lets_in(app)
        app.wait()
    content = labelled(app, "AWSCURRENT")
    assert content is not None
    assert content["DATABASE_URL"].endswith("sslmode=require")
    app.edit(database={"sslMode": "verify-full"})
    app.settle()
    content = labelled(app, "AWSCURRENT")
    assert content is not None
    assert (content["password"], content["DATABASE_URL"][-19:]) == (password(app), "sslmode=verify-full")
    assert app.condition("InSync")["status"] == "True"


def test_the_tasks_are_replaced_by_such_as_have_the_next_password(app):
    def revision() -> str:
        [service] = app.client("ecs").describe_services(cluster="shop-cluster", services=["shop-service"])["services"]
        return str(service["taskDefinition"])

    before = revision()
    rotate(app, "1")
    assert revision() != before


def test_a_rotation_is_no_drift_and_waits_for_nobody(app):
    app.edit(driftPolicy="Report")
    app.settle()
    before = password(app)
    rotate(app, "1")
    assert password(app) != before
    assert "drift" not in app.body["status"]


def test_a_stack_that_is_new_has_a_new_password_and_needs_no_other(aws):
    app = App(aws, "fresh", environment="Development")
    app.annotate("rotate-database-password", "1")
    app.settle()
    assert app.body["status"]["databasePassword"] == {"lastHandled": "1"}
    assert lets_in(app) == {"AWSCURRENT"}


def test_a_label_that_others_left_behind_is_taken_away(app):
    client = app.client("secretsmanager")
    client.put_secret_value(SecretId="shop/db_credentials", SecretString="{}", VersionStages=["AWSPENDING"])
    app.observe_now()
    app.settle()
    assert labelled(app, "AWSPENDING") is None
    assert lets_in(app) == {"AWSCURRENT"}
