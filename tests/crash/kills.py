"""The operator's process is killed at each of its changing calls, before it is sent and after it took effect.

One run makes all the kills: at each moment it forks. The fork's operator dies there, another process takes over and
does the work to the end; the run itself goes on, to the next moment.

Of a moment after a call and the one before the next, only the first is tried where both are in one pass: nothing but
reads comes between them, AWS is the same, and what the operator remembered is lost in both. Reads need no kills of
their own for the same reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from tests.sim.app import App
from tests.sim.forks import Forks
from tests.sim.process import Killed, When
from tests.sim.production import Work
from tests.sim.seed import SEED

from .chosen import ALL, PROCESSES

#: A day's sample has every so manieth moment.
_SAMPLED = 12
#: Seconds on the clock that a pass takes less than, and the time between two takes more than.
_ONE_PASS = 0.1
#: A kill to try alone: "17 after ec2:CreateSubnet", as a failure names it.
ONLY = os.environ.get("MISSYOU_KILL")


class _Moments:
    """Numbers the moments of a run, and tells which of them are tried."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._calls = 0
        self._last: tuple[When, float] = ("before", 0.0)
        self.tried = self.same = 0

    def name(self, when: When, call: str) -> str | None:
        """Return the name of a moment, None where it is not tried."""
        self._calls += when == "before"
        now = self._app.clock.now
        # Between passes it is a tenth of a second at least; a read takes a thousandth.
        same = when == "before" and self._last[0] == "after" and now - self._last[1] < _ONE_PASS
        self._last = (when, now)
        name = f"{self._calls} {when} {call}"
        chosen = name == ONLY if ONLY else ALL or (2 * self._calls + (when == "after")) % _SAMPLED == SEED % _SAMPLED
        if same and not ONLY:
            self.same += chosen
            return None
        self.tried += chosen
        return name if chosen else None


def kill_at_each_call(app: App, work: Work, check: Callable[[App], None]) -> None:
    """Do some work once, and once more for each moment at which its process can be killed; check each end.

    Fails with all the moments whose end was not as it should be.
    """
    forks, moments = Forks(PROCESSES), _Moments(app)

    def moment(when: When, call: str) -> None:
        name = moments.name(when, call)
        if name and forks.split(name):
            raise Killed

    app.process.moment = moment
    try:
        work(app)
    except Killed:
        forks.leave(lambda: _recover(app, work, check))
    app.process.moment = lambda _when, _call: None
    check(app)
    ended = forks.ended()
    for end in ended:
        app.aws.met.update(end.result or {})
    app.aws.met["kills"] += moments.tried
    app.aws.met["kills at the same state as one of these"] += moments.same
    failures = [f"killed at {end.name}:\n{end.failure}" for end in ended if end.failure]
    assert not failures, "\n".join(failures)


def _recover(app: App, work: Work, check: Callable[[App], None]) -> dict[str, int]:
    app.aws.begin_to_count()
    # The supervisor needs a moment to start another process.
    app.clock.now += 1.0
    app.restart(ago=0.0)
    work(app)
    check(app)
    return app.aws.counted()
