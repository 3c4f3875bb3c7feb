"""The world of a simulation: one test AWS, to which the operator of this process is led, and whose clock it goes by."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from types import SimpleNamespace

import botocore.endpoint
import pytest
from moto.moto_api._internal import mock_random

from missyou_local.aws import Timing
from missyou_operator.aws import clock as operators_clock

from .aws import ENVIRONMENT, Aws
from .seed import SEED


def draw_for(name: str) -> None:
    """Seed all that is drawn from here on: the operator's pauses, and the ids that AWS gives."""
    random.seed(f"{SEED}{name}")
    mock_random.seed(f"{SEED}{name}")


@contextlib.contextmanager
def simulated(timing: Timing) -> Iterator[Aws]:
    """Make a test AWS, lead the operator's boto3 and its clock there, and put all back and wipe it in the end.

    One at a time: moto's models belong to the process.
    """
    with pytest.MonkeyPatch.context() as patch:
        made = Aws(timing)
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        clock = operators_clock.Clock(made.clock, made.clock, made.clock.wait)
        patch.setattr(operators_clock, "CLOCK", clock)
        # botocore's pauses between the attempts of one call: not waited for, so that more calls are counted than there
        # would be.
        patch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
        draw_for("")
        try:
            yield made
        finally:
            made.reset()
            made.close()
