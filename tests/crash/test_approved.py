"""Killed in the middle of an approved plan, the operator goes on with it: nobody is asked again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.sim.app import App
from tests.sim.aws import Aws

from .kills import kill_at_each_call


def approved(app: App) -> None:
    """Approve the plan that waits, and run passes until AWS is as the spec says."""
    pushes = iter([app.push])

    def done(_: Mapping[str, Any]) -> bool:
        if app.reason("Stalled") == "ApprovalRequired":
            given = app.body["metadata"]["annotations"].get("missyou.app/approve")
            asked = app.body["status"]["plan"]["id"]
            assert given in {app.former, asked}, app.condition("Stalled")["message"]
            app.annotate("approve", asked)
        if app.reason("ServiceReady") == "ImageNotFound" and not app.has_pushed("latest"):
            next(pushes, lambda: None)()
        return app.condition("Ready")["status"] == app.condition("InSync")["status"] == "True"

    app.until(done, "carried out")


class Careful(App):
    """An app of which every change waits. `former`: the last approval before the work under test."""

    former: str | None = None


@pytest.fixture(scope="module")
def careful(aws: Aws) -> Careful:
    app = Careful(aws, "crash", environment="Development", changePolicy="Approve")
    approved(app)
    app.former = app.body["metadata"]["annotations"]["missyou.app/approve"]
    return app


def is_as_asked(app: App) -> None:
    assert app.condition("InSync")["status"] == "True"
    assert app.body["status"]["lastApprovedPlan"].get("changes") is None


@pytest.mark.timeout(900)
def test_a_creation_is_approved_once(aws: Aws) -> None:
    kill_at_each_call(Careful(aws, "begun", environment="Development", changePolicy="Approve"), approved, is_as_asked)


@pytest.mark.timeout(900)
def test_a_change_of_many_steps_is_approved_once(careful: Careful) -> None:
    careful.edit(service={"port": 9000, "healthCheck": {"path": "/alive"}}, network={"natGateways": 2})
    kill_at_each_call(careful, approved, is_as_asked)
