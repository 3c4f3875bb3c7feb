"""Killed while a strategy is set, used and removed: the app is served at each pass, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.passes.test_rollouts import NAME, groups, serves, service, settled
from tests.sim.app import App
from tests.sim.aws import Aws
from tests.sim.picture import without_history

from .kills import kill_at_each_call

STRATEGIES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "BlueGreen": ("BLUE_GREEN", {"strategy": "BlueGreen", "bakeMinutes": 16}),
    "Canary": ("CANARY", {"strategy": "Canary", "canaryPercent": 20, "stepMinutes": 16, "bakeMinutes": 8}),
}


@pytest.fixture(scope="module")
def app(aws: Aws) -> App:
    """A stack that serves, with rolling deployments; a bake minute lasts a quarter of a second."""
    aws.tell(timing={"bake_minute": 0.25, "iam": 2.0})
    app = App(aws, NAME, environment="Development", service={"replicas": {"min": 2, "max": 4}})
    app.settle()
    return app


def deployed(app: App, spec: Mapping[str, Any], strategy: str, groups_in_use: int) -> None:
    """Have the spec carried out to its end. After each pass the app must be served, whoever made it."""
    if any(app.body["spec"].get(key) != {**app.body["spec"].get(key, {}), **value} for key, value in spec.items()):
        app.edit(**spec)

    def done(_: object) -> bool:
        assert serves(app), app.condition("Ready")
        configuration = service(app)["deploymentConfiguration"]
        return settled(app)() and configuration["strategy"] == strategy and len(groups(app)) == groups_in_use

    app.until(done, "deployed")
    # Beyond what drains, and what AWS shows late.
    app.clock.now += 60.0
    app.observe_now()
    app.until(done, "at rest")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_is_set_used_and_removed(app: App, name: str) -> None:
    word, deployment = STRATEGIES[name]
    before = without_history(app.everything())
    steps: tuple[tuple[Mapping[str, Any], str, int], ...] = (
        ({"service": {"deployment": deployment}}, word, 2),
        ({"service": {"port": 9000, "env": {"MOTTO": "anew"}}}, word, 2),
        ({"service": {"port": 8000, "env": {}, "deployment": {}}}, "ROLLING", 1),
    )
    for spec, strategy, number in steps:

        def check(app: App, spec: Mapping[str, Any] = spec) -> None:
            running = service(app)
            assert running["deployments"][0]["rolloutState"] == "COMPLETED"
            if spec is steps[-1][0]:
                assert without_history(app.everything()) == before

        kill_at_each_call(app, lambda app, step=(spec, strategy, number): deployed(app, *step), check)
