"""One life for all tests of this folder, and the program that judges its moments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import gotools
from tests.sim.world import simulated

from .life import TIMING, Moment
from .story import live
from .verdicts import Runtime


@pytest.fixture(scope="session")
def moments() -> Sequence[Moment]:
    """Every status of a whole life, from new to gone."""
    with simulated(TIMING) as aws:
        return live(aws)


@pytest.fixture(scope="session")
def tools() -> Runtime:
    """The program in kstatus/."""
    return Runtime(gotools.built(Path(__file__).parent / "kstatus", "."))
