"""One test AWS, on a clock that the operator goes by too."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import botocore.endpoint
import pytest

from missyou_local.aws import Server, Timing, serve
from missyou_operator.aws import clock as operators_clock
from tests.passes.harness import leads_to

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


@pytest.fixture(autouse=True)
def _empty(aws: Server) -> Iterator[None]:
    """Each test begins with an empty AWS."""
    yield
    aws.control.reset()
