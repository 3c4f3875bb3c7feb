"""One life, lived once for all tests of this folder, by an operator that may do what its narrow policy allows."""

from __future__ import annotations

import pytest

from missyou_local.aws import Timing
from tests.sim.world import simulated

from .life import Lived, live


@pytest.fixture(scope="session")
def lived() -> Lived:
    """The full life of a production stack with everything on."""
    with simulated(Timing()) as aws, pytest.MonkeyPatch.context() as environ:
        return live(aws, environ)
