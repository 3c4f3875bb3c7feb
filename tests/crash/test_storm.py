"""Everything goes wrong at once: throttling, 5xx, cut connections, lost answers, reads and roles that lag."""

from __future__ import annotations

import collections
import json
from collections.abc import Iterator
from typing import Any

import pytest

from missyou_local.aws import Server
from tests.passes.harness import OPERATOR

from .chosen import ALL, SEED
from .stepped import Clock
from .test_crash import SCENARIOS, production, undisturbed

#: The seeds of the storms: each meets other calls.
STORMS = range(SEED, SEED + (5 if ALL else 1))


def control(aws: Server, **wanted: Any) -> None:
    answer = aws.control.answer("POST", "/_control", json.dumps(wanted).encode())
    assert answer.status == 200, answer.body


def storm(aws: Server, seed: int) -> None:
    rule = {"match": "*", "caller": OPERATOR, "throttle": 0.3, "broken": 0.1, "lost": 0.02, "reset": 0.02}
    control(aws, seed=seed, rules=[rule], lag={"*": 10}, timing={"iam": 15})


def calm(aws: Server) -> None:
    control(aws, seed=0, rules=[], lag={}, timing={"iam": 0})


@pytest.fixture(autouse=True)
def _calm(aws: Server) -> Iterator[None]:
    yield
    calm(aws)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", STORMS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_in_a_storm_it_ends_where_it_would_have_ended(aws: Server, clock: Clock, scenario: str, seed: int) -> None:
    expected = undisturbed(aws, clock, scenario)
    before, work = SCENARIOS[scenario]
    app = production(aws, clock)
    before(app)
    storm(aws, seed)
    began = clock.now
    work(app)
    took = clock.now - began
    calm(aws)
    clock.now += 60.0
    found = app.everything()
    # A lost answer to RegisterTaskDefinition, which has no token, leaves a revision more: history, which costs nothing.
    [revisions], [expected_revisions] = found.pop("revisions"), [*expected["revisions"]]
    assert found == {kind: rows for kind, rows in expected.items() if kind != "revisions"}
    assert revisions >= expected_revisions
    assert revisions == expected_revisions or scenario == "update"
    struck = collections.Counter(fate for entry in aws.control.ledger.entries() for fate in entry["rules"])
    assert all(struck[fault] for fault in ("throttle", "broken", "lost"))
    assert took < 3600
