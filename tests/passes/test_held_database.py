"""What goes with the database stays as it is while a change of it is refused or waits, and follows what AWS does."""

from __future__ import annotations

import pytest

from missyou_local.aws.services.rds import forced
from tests.sim.app import App, changes
from tests.sim.process import Killed, When

from .test_backups import described
from .test_restoring import credentials, password


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(aws, "shop", environment="Development", database={"engineVersion": "16"})
    app.settle()
    return app


def alarms(app: App) -> dict[str, float]:
    rows = app.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {row["AlarmName"]: row["Threshold"] for row in rows if "-rds-" in row["AlarmName"]}


def groups(app: App) -> list[str]:
    rows = app.client("rds").describe_db_parameter_groups()["DBParameterGroups"]
    return [row["DBParameterGroupName"] for row in rows if row["DBParameterGroupName"].startswith("shop")]


def test_a_class_that_aws_refuses_moves_no_alarm(app):
    before = alarms(app)
    app.edit(database={"instanceClass": "db.t3.mcro"})
    app.until(lambda _: app.condition("Stalled")["status"] == "True", "refused")
    app.passes(5)
    assert alarms(app) == before
    assert len(before) == 4
    app.edit(database={"instanceClass": "db.t3.medium"})
    app.settle()
    assert alarms(app) != before
    assert "drift" not in app.body["status"]


def test_a_downgrade_that_waits_makes_no_parameter_group(app):
    app.edit(database={"engineVersion": "15"})
    app.until(lambda _: app.reason("Stalled") == "ApprovalRequired", "asking for approval")
    calls = changes(app.calls(lambda: app.passes(5)))
    assert (groups(app), calls) == (["shop-postgres16"], {})
    app.annotate("approve", app.body["status"]["plan"]["id"])
    app.settle()
    assert (groups(app), described(app)["EngineVersion"][:2]) == (["shop-postgres15"], "15")


def test_an_upgrade_that_aws_does_not_offer_makes_no_parameter_group(app):
    app.edit(database={"engineVersion": "17.99"})
    app.until(lambda _: app.reason("Stalled") == "InvalidSpec", "refused")
    app.passes(3)
    assert groups(app) == ["shop-postgres16"]
    app.edit(database={"engineVersion": "17"})
    app.settle()
    assert (groups(app), described(app)["EngineVersion"][:2]) == (["shop-postgres17"], "17")


def test_an_upgrade_that_aws_forces_is_told_and_the_rest_goes_on(app):
    forced.upgrade("123456789012", "us-east-1", "shop-db", "17.8")
    before = described(app)["DbiResourceId"]
    app.observe_now()
    app.settle()
    said = app.condition("DatabaseReady")
    assert (said["status"], 'Set spec.database.engineVersion to "17"' in said["message"]) == ("True", True)
    assert groups(app) == ["shop-postgres17"]
    assert described(app)["DBParameterGroups"][0]["DBParameterGroupName"] == "shop-postgres17"
    app.edit(database={"backupRetentionDays": 9})
    app.settle()
    assert (described(app)["BackupRetentionPeriod"], described(app)["DbiResourceId"]) == (9, before)
    assert "plan" not in app.body["status"]
    app.edit(database={"engineVersion": "17"})
    app.settle()
    assert app.condition("DatabaseReady")["message"] == ""
    assert described(app)["DbiResourceId"] == before


def test_credentials_deleted_for_good_are_made_anew_for_the_database_too(app):
    before, revision = credentials(app)["password"], definition(app)
    app.client("secretsmanager").delete_secret(SecretId="shop/db_credentials", ForceDeleteWithoutRecovery=True)
    seen = len(app.aws.control.ledger.entries())
    app.observe_now()
    app.settle()
    assert password(app) == credentials(app)["password"] != before
    assert definition(app) == revision + 1
    done = [entry["operation"] for entry in app.aws.control.ledger.entries()[seen:]]
    assert done.index("rds:ModifyDBInstance") < done.index("ecs:UpdateService")
    assert changes(app.calls(app.observe_now)) == {}


def definition(app: App) -> int:
    return int(app.client("ecs").describe_task_definition(taskDefinition="shop")["taskDefinition"]["revision"])


def killed_at(app: App, when: When, call: str) -> None:
    def moment(now: When, called: str) -> None:
        if (now, called) == (when, call):
            raise Killed

    app.process.moment = moment
    app.settle()


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_between_secret_and_password_the_password_is_set_all_the_same(app, when):
    app.client("secretsmanager").delete_secret(SecretId="shop/db_credentials", ForceDeleteWithoutRecovery=True)
    for call in ("secrets-manager:CreateSecret", "rds:ModifyDBInstance", "rds:AddTagsToResource"):
        with pytest.raises(Killed):
            killed_at(app, when, call)
        app.restart()
    app.settle()
    assert password(app) == credentials(app)["password"]
