"""One test AWS, on a clock that the operator goes by too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import botocore.endpoint
import pytest

from missyou_local.aws import Server, Timing, serve
from missyou_operator.aws import clock as operators_clock
from tests.passes.harness import leads_to

from .chosen import ALL
from .reliability import Tally
from .stepped import Clock


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def aws(clock: Clock) -> Iterator[Server]:
    environ = pytest.MonkeyPatch()
    server = serve(timing=Timing(), clock=clock)
    for name, value in leads_to(server).items():
        environ.setenv(name, value)
    environ.setattr(operators_clock, "CLOCK", operators_clock.Clock(clock, clock))
    # botocore's pauses between the attempts of one call: not waited for, so that more calls are counted than there
    # would be.
    environ.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
    yield server
    environ.undo()
    server.close()


TALLY = Tally()


@pytest.fixture(autouse=True)
def _empty(aws: Server, request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test begins with an empty AWS."""
    yield
    TALLY.families[request.path.name].count(aws)
    aws.control.reset()


@pytest.fixture(scope="session")
def tally() -> Tally:
    return TALLY


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        family = TALLY.families[Path(report.location[0]).name]
        family.outcomes[report.outcome] += 1
        family.seconds += report.duration


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Each run of a sweep leaves what the report is made of."""
    if ALL:
        TALLY.save(whole=exitstatus != pytest.ExitCode.INTERRUPTED)
