"""A test AWS with two doors: the operator's, where moto checks what its policy allows, and everybody else's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from missyou_local.aws import Timing, serve
from missyou_operator.aws import clock as operators_clock
from missyou_operator.aws.permissions_policy import Scope, documents
from tests.crash.stepped import Clock

from .life import Doors, Lived, live, operators_door


@pytest.fixture(scope="session")
def lived() -> Iterator[Lived]:
    """The full life of a production stack with everything on, lived once for all tests."""
    clock, environ = Clock(), pytest.MonkeyPatch()
    environ.setattr(operators_clock, "CLOCK", operators_clock.Clock(clock, clock))
    others = serve(timing=Timing(), clock=clock)
    own, enforcing = operators_door(clock)
    try:
        yield live(Doors(own, others, enforcing, clock), documents(Scope()), environ)
    finally:
        environ.undo()
        own.close()
        others.control.reset()
        others.close()
