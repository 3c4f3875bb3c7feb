"""Killed at any call to AWS, before it is sent or after it took effect, the operator ends where it would have ended.

`make test` tries a sample, other calls each day; `make test-crash` (MISSYOU_CRASH=all) every changing call.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.sim.app import App
from tests.sim.aws import Aws
from tests.sim.picture import Picture
from tests.sim.production import SCENARIOS, production

from .kills import kill_at_each_call
from .switches import SWITCHES, extras, switched


@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_it_ends_where_it_would_have_ended(aws: Aws, undisturbed: Mapping[str, Picture], scenario: str) -> None:
    before, work = SCENARIOS[scenario]
    app = production(aws)
    before(app)

    def check(app: App) -> None:
        assert app.everything() == undisturbed[scenario]

    kill_at_each_call(app, work, check)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("what", SWITCHES)
def test_what_is_switched_on_and_off_is_there_and_gone(settled: App, what: str) -> None:
    on, off = SWITCHES[what]
    # The stack as it was, and as it is with the part: what each kill must end as.
    switched(settled, off)
    without = extras(settled)
    switched(settled, on)
    with_it = extras(settled)
    switched(settled, off)
    assert extras(settled) == without != with_it
    for spec, expected in ((on, with_it), (off, without)):

        def check(app: App, expected=expected) -> None:
            assert extras(app) == expected

        kill_at_each_call(settled, lambda app, spec=spec: switched(app, spec), check)
