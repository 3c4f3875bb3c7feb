"""A test AWS with a data plane, at which nothing takes long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from missyou_local.aws import Server, Timing, serve
from tests.local.aws.conftest import Aws

FAST = Timing(
    **{
        **dict.fromkeys(Timing.__dataclass_fields__, 0.1),
        "check_second": 0.005,
        "grace_second": 1.0,  # a starved machine takes seconds to start a task, which is no failure of it
        "rds": 0.5,
        "iam": 0.0,
    }
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = serve(timing=replace(FAST), data_plane=tmp_path_factory.mktemp("plane"))
    yield server
    server.close()


@pytest.fixture
def aws(server: Server) -> Iterator[Aws]:
    yield Aws(server, time.time)  # type: ignore[arg-type] # the clock of this one is not turned
    server.control.reset()
