"""Everything goes wrong at once: throttling, 5xx, cut connections, lost answers, reads and roles that lag."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.sim.app import App
from tests.sim.aws import Aws
from tests.sim.picture import Picture
from tests.sim.production import SCENARIOS, production
from tests.sim.seed import SEED

from .chosen import ALL
from .switches import SWITCHES, extras

#: The seeds of the storms: each meets other calls.
STORMS = range(SEED, SEED + (5 if ALL else 1))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", STORMS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_in_a_storm_it_ends_where_it_would_have_ended(
    aws: Aws, undisturbed: Mapping[str, Picture], scenario: str, seed: int
) -> None:
    expected = undisturbed[scenario]
    before, work = SCENARIOS[scenario]
    app = production(aws)
    before(app)
    aws.storm(seed)
    began = aws.clock.now
    work(app)
    took = aws.clock.now - began
    aws.calm()
    aws.clock.now += 60.0
    found = app.everything()
    # A lost answer to RegisterTaskDefinition, which has no token, leaves a revision more: history, which costs nothing.
    [revisions], [expected_revisions] = found.pop("revisions"), [*expected["revisions"]]
    assert found == {kind: rows for kind, rows in expected.items() if kind != "revisions"}
    assert revisions >= expected_revisions
    assert revisions == expected_revisions or scenario == "update"
    struck = aws.counted()
    assert all(struck[fault] for fault in ("throttle", "broken", "lost"))
    assert took < 3600


@pytest.mark.timeout(600)
def test_in_a_storm_all_of_them_go_on_and_off(aws: Aws, settled: App) -> None:
    app = settled
    without = extras(app)
    for on, _ in SWITCHES.values():
        app.edit(**on)
    app.settle()
    with_it = extras(app)
    for _, off in SWITCHES.values():
        app.edit(**off)
    app.settle()
    for seed, turn, expected in ((SEED, 0, with_it), (SEED + 1, 1, without)):
        aws.storm(seed)
        for turns in SWITCHES.values():
            app.edit(**turns[turn])
        app.settle()
        aws.calm()
        app.clock.now += 60.0
        assert extras(app) == expected
