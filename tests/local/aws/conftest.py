"""One test AWS for all tests of this folder, on a clock that the tests turn: no state is waited for."""

from __future__ import annotations

import itertools
import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config

from missyou_local.aws import Server, Timing, serve

_numbers = itertools.count(1)


class Clock:
    """Seconds since the epoch, as the tests have it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Aws:
    """boto3 clients of the test AWS, its control endpoint and its clock."""

    def __init__(self, server: Server, clock: Clock) -> None:
        self.url = server.url
        self.timing = server.timing
        self.clock = clock
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str = "us-east-1") -> Any:
        if (service, region) not in self._clients:
            self._clients[service, region] = boto3.client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
                aws_secret_access_key="secret",
                config=Config(retries={"total_max_attempts": 1}),
            )
        return self._clients[service, region]

    def __getattr__(self, service: str) -> Any:
        return self.client(service.replace("_", "-"))

    def control(self, path: str = "", body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.url + "/_control" + path, data=data) as answer:
            return json.load(answer)


@pytest.fixture(scope="session")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def _server(_clock: Clock) -> Iterator[Server]:
    server = serve(timing=Timing(), clock=_clock)
    yield server
    server.close()


@pytest.fixture(scope="session")
def _aws(_server: Server, _clock: Clock) -> Aws:
    return Aws(_server, _clock)


@pytest.fixture(scope="module", autouse=True)
def _empty(_server: Server) -> None:
    """Each module begins with an empty AWS: what is listed and counted is its own."""
    _server.control.reset()


@pytest.fixture
def aws(_aws: Aws) -> Iterator[Aws]:
    """The test AWS, without faults; resources of the module's other tests are still there."""
    yield _aws
    _aws.control(body={"rules": [], "seed": 0, "reset_counts": True})


@pytest.fixture
def name() -> str:
    """Return a name that no other test uses, long enough for a bucket."""
    return f"t{next(_numbers):03}"


Refused = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def refused() -> Refused:
    """`with refused("Code", "words"):` the call inside is refused with this wire code and these words."""

    class Expectation:
        def __init__(self, code: str, words: str = "") -> None:
            self.code, self.words = code, words

        def __enter__(self) -> None:
            return None

        def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
            assert isinstance(error, botocore.exceptions.ClientError), f"not refused with {self.code}: {error!r}"
            assert error.response["Error"]["Code"] == self.code
            assert self.words in error.response["Error"]["Message"]
            return True

    return Expectation
