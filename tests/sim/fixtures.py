"""For the conftest.py of tests that live in the simulation: one AWS, and each test in a fork of its own.

A test finds AWS empty, or as a fixture of a longer scope has left it, whatever other tests do to it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from missyou_local.aws import Timing

from .app import App
from .aws import Aws
from .forks import apart
from .world import draw_for, simulated


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    """The test AWS, to which the operator's boto3 is led; its clock is the operator's."""
    with simulated(Timing()) as made:
        _warm_up(made)
        yield made


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
    draw_for(request.node.nodeid)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Have the function of a test run in a fork."""
    if isinstance(item, pytest.Function) and "aws" in item.fixturenames:
        item.obj = _forked(item, item.obj)


def _forked(item: pytest.Item, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(**fixtures: Any) -> None:
        aws: Aws = item.funcargs["aws"]  # type: ignore[attr-defined] # a Function's

        def work() -> dict[str, int]:
            draw_for(item.nodeid)
            aws.begin_to_count()
            function(**fixtures)
            return aws.counted()

        item.user_properties.append(("met", apart(work)))

    return run
