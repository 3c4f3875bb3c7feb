"""For the conftest.py of tests that live in the simulation: one AWS, and each test in a fork of its own.

A test finds AWS empty, or as a fixture of a longer scope has left it, whatever other tests do to it.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from moto.moto_api._internal import mock_random

from missyou_local.aws import Timing
from missyou_operator.aws import clock as operators_clock

from .app import App
from .aws import ENVIRONMENT, Aws
from .forks import apart
from .seed import SEED


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    """The test AWS, to which the operator's boto3 is led; its clock is the operator's."""
    environ = pytest.MonkeyPatch()
    made = Aws(Timing())
    for name, value in ENVIRONMENT.items():
        environ.setenv(name, value)
    environ.setattr(operators_clock, "CLOCK", operators_clock.Clock(made.clock, made.clock))
    # botocore's pauses between the attempts of one call: not waited for, so that more calls are counted than there
    # would be.
    environ.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
    _warm_up(made)
    yield made
    environ.undo()
    made.close()


def _warm_up(aws: Aws) -> None:
    """Live a short life: what boto3 and moto load at their first calls, no fork has to load again."""
    app = App(aws, "warm", environment="Production", domain={"name": "app.example.com"})
    app.client("route53").create_hosted_zone(Name="example.com", CallerReference="warm")
    app.settle()
    app.everything()
    aws.reset()


@pytest.fixture(scope="module", autouse=True)
def _empty_aws(aws: Aws, request: pytest.FixtureRequest) -> None:
    """A module begins with an empty AWS, whatever others have made, and draws the same whether it runs alone or not."""
    aws.reset()
    _draw_for(request.node.nodeid)


def _draw_for(name: str) -> None:
    """Seed all that is drawn: the operator's pauses, and the ids that AWS gives."""
    random.seed(f"{SEED}{name}")
    mock_random.seed(f"{SEED}{name}")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Have the function of a test run in a fork."""
    if isinstance(item, pytest.Function) and "aws" in item.fixturenames:
        item.obj = _forked(item, item.obj)


def _forked(item: pytest.Item, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(**fixtures: Any) -> None:
        aws: Aws = item.funcargs["aws"]  # type: ignore[attr-defined] # a Function's

        def work() -> dict[str, int]:
            _draw_for(item.nodeid)
            aws.begin_to_count()
            function(**fixtures)
            return aws.counted()

        item.user_properties.append(("met", apart(work)))

    return run
