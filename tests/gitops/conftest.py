"""The turned clock and its test AWS, as the crash tests have them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from missyou_local.aws import Server
from tests.crash.conftest import aws, clock
from tests.crash.stepped import Clock

from .recording import Recording, record

__all__ = ["aws", "clock"]


@pytest.fixture(scope="session")
def recording(aws: Server, clock: Clock) -> Iterator[Recording]:
    """What a run of the real passes looks like today."""
    yield record(aws, clock)
    aws.control.reset()
