"""Another password for the database: killed at any call and in a storm, the app always finds the one that counts."""

from __future__ import annotations

import pytest

from tests.passes.test_rotation import labelled, lets_in, password
from tests.sim.app import App
from tests.sim.aws import Aws
from tests.sim.production import production
from tests.sim.seed import SEED

from .kills import kill_at_each_call


@pytest.fixture(scope="module")
def app(aws: Aws) -> App:
    app = production(aws)
    app.settle()
    return app


def rotated(app: App) -> None:
    """Ask for another password, and look after each pass whether an app could know the one that counts."""
    app.annotate("rotate-database-password", "1")

    def done(_: object) -> bool:
        assert lets_in(app), "at this moment nobody can know the password"
        shown = app.body["status"].get("databasePassword", {})
        return shown.get("lastHandled") == "1" and {app.condition(c)["status"] for c in ("InSync", "Ready")} == {"True"}

    app.until(done, "rotated")


def ended(app: App) -> None:
    content = labelled(app, "AWSCURRENT")
    assert content is not None
    assert content["password"] == password(app)
    assert content["password"] in content["DATABASE_URL"]
    assert app.condition("Ready")["status"] == "True"


@pytest.mark.timeout(600)
def test_killed_at_any_call_a_rotation_ends_and_nobody_is_locked_out(app: App) -> None:
    kill_at_each_call(app, rotated, ended)
    assert {"secrets-manager:PutSecretValue", "rds:ModifyDBInstance", "rds:AddTagsToResource"} <= {*app.process.calls}


@pytest.mark.timeout(600)
def test_in_a_storm_a_rotation_ends_and_nobody_is_locked_out(aws: Aws, app: App) -> None:
    aws.storm(SEED)
    rotated(app)
    aws.calm()
    app.clock.now += 60.0
    app.settle()
    ended(app)
