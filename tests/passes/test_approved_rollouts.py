"""`changePolicy: Approve` with strategies, domains, rotations and rollbacks: each waits, and is approved once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sim.app import App, changes

from .test_change_policy import approve, asked, carried_out
from .test_rollouts import NAME, failed, groups, serves, service, settled
from .test_strategies import STRATEGIES, alarm, served_by_new_tasks, shifts_by, strategy

MODES = {"BlueGreen": "BLUE_GREEN", "Canary": "CANARY", "Linear": "LINEAR"}


@pytest.fixture(scope="module")
def app(aws) -> App:
    """A stack that serves, of which every change waits; a bake minute lasts a quarter of a second."""
    aws.tell(timing={"bake_minute": 0.25, "iam": 2.0})
    app = App(aws, NAME, environment="Development", changePolicy="Approve", service={"replicas": {"min": 2, "max": 4}})
    approve(app)
    carried_out(app)
    # What AWS shows late is seen to match, so that a difference from then on is drift.
    app.clock.now += 60.0
    app.observe_now()
    return app


def waits(app: App, *, ready: str = "True") -> None:
    """Check that a change waits for a person, that nothing is done, and that the app goes on."""
    asked(app)
    assert changes(app.calls(lambda: app.passes(2))) == {}
    assert app.condition("Ready")["status"] == ready, app.condition("Ready")
    assert serves(app)


def approved_once(app: App, done: Callable[[], bool] = lambda: True, *, ready: str = "True") -> None:
    """Approve what waits, and run passes until it is done: nobody is asked again."""
    waits(app, ready=ready)
    approve(app)

    def ended(_: object) -> bool:
        assert app.reason("Stalled") != "ApprovalRequired", app.condition("Stalled")["message"]
        assert serves(app)
        return settled(app)() and done()

    app.until(ended, "carried out")
    app.clock.now += 60.0
    assert changes(app.calls(app.observe_now)) == {}
    assert settled(app)()
    assert app.body["status"]["lastApprovedPlan"].get("changes") is None


def deploys(app: App, **deployment: Any) -> None:
    wanted = MODES.get(deployment.get("strategy", ""), "ROLLING")
    app.edit(service={"deployment": deployment})
    approved_once(app, lambda: strategy(app) == wanted)


def rolled_out(app: App, tag: str, **spec: Any) -> None:
    app.push(tag)
    app.edit(image={"tag": tag}, **spec)
    before = service(app)["taskDefinition"]
    approved_once(app, lambda: service(app)["taskDefinition"] != before)


def test_a_strategy_is_set_used_changed_and_left_by_one_approval_each(app: App) -> None:
    deploys(app, **STRATEGIES["Canary"])
    rolled_out(app, "v2")
    deploys(app, **STRATEGIES["BlueGreen"])
    rolled_out(app, "v3", service={"port": 9000})
    deploys(app)
    assert len(groups(app)) == 1


def test_what_leaves_a_strategy_for_a_moment_is_approved_once(app: App) -> None:
    deploys(app, **STRATEGIES["Canary"])
    app.edit(service={"healthCheck": {"path": "/ready"}})
    approved_once(app, lambda: strategy(app) == "CANARY")
    assert list(groups(app).values()) == ["/ready", "/ready"]
    app.client("route53").create_hosted_zone(Name="example.com", CallerReference="approvals")
    for domain, port in (({"name": "app.example.com"}, 443), (None, 80)):
        app.edit(domain=domain)
        approved_once(app, lambda port=port: shifts_by(app) == port and strategy(app) == "CANARY")


def test_a_rotation_that_somebody_asks_for_needs_no_approval_and_a_due_one_waits(app: App) -> None:
    def rotated(_: object) -> bool:
        assert app.reason("Stalled") != "ApprovalRequired", app.condition("Stalled")["message"]
        return app.body["status"].get("databasePassword", {}).get("lastHandled") == "1" and settled(app)()

    app.annotate("rotate-database-password", "1")
    app.until(rotated, "rotated")
    app.clock.now += 60.0
    assert changes(app.calls(app.observe_now)) == {}
    assert app.body["status"]["lastApprovedPlan"].get("changes") is None
    # Together with something else, it waits as that does; so does a due one, while the password stays good.
    app.annotate("rotate-database-password", "2")
    app.edit(service={"env": {"MOTTO": "anew"}})
    approved_once(app, lambda: app.body["status"]["databasePassword"]["lastHandled"] == "2")
    app.edit(database={"passwordRotationDays": 1})
    app.clock.now += 86_400.0
    last = app.body["status"]["databasePassword"]["lastRotatedAt"]
    app.observe_now()
    approved_once(app, lambda: app.body["status"]["databasePassword"]["lastRotatedAt"] != last)


@pytest.mark.parametrize("name", ["", "Canary"])
def test_after_a_rollback_nothing_is_asked_and_the_next_version_waits(app: App, name: str) -> None:
    if name:
        deploys(app, **STRATEGIES[name])
    app.push("v2")
    app.edit(image={"tag": "v2"}, service={"port": 9000})
    approve(app)
    app.until(lambda _: served_by_new_tasks(app), "served by the new tasks")
    alarm(app, "ALARM")
    app.until(lambda _: failed(app)(), "rolled back")
    alarm(app, "OK")
    app.passes(20)
    assert app.reason("Stalled") == "RolloutFailed"
    assert serves(app)
    app.edit(image={"tag": "latest"})
    approved_once(app, ready="False")
