"""The simulation, and how its stacks end where nothing goes wrong."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.sim.app import App
from tests.sim.aws import Aws
from tests.sim.fixtures import _empty_aws, aws, pytest_itemcollected
from tests.sim.forks import each
from tests.sim.picture import Picture
from tests.sim.production import SCENARIOS, production

from .reliability import pytest_runtest_logreport, pytest_sessionfinish

__all__ = ["_empty_aws", "aws", "pytest_itemcollected", "pytest_runtest_logreport", "pytest_sessionfinish"]


@pytest.fixture(scope="session")
def undisturbed(aws: Aws) -> Mapping[str, Picture]:
    """All that is in AWS at the end of each scenario."""

    def end(scenario: str) -> Picture:
        before, work = SCENARIOS[scenario]
        app = production(aws)
        before(app)
        work(app)
        return app.everything()

    found = each({name: lambda name=name: end(name) for name in SCENARIOS})
    return {ended.name: ended.value() for ended in found}


@pytest.fixture(scope="module")
def settled(aws: Aws) -> App:
    """A production stack that is Ready and at rest; what a test does to it is done in the test's own fork."""
    app = production(aws)
    app.settle()
    return app
