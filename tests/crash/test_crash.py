"""Killed at any call to AWS, before it is sent or after it took effect, the operator ends where it would have ended.

`make test` tries a sample, other calls each day; `make test-crash` (MISSYOU_CRASH=all) every changing call. Reads need
no kills of their own: between two changing calls AWS is the same, and what the operator remembered is lost anyway.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Any

import pytest

from missyou_local.aws import Server

from .chosen import ALL, SEED
from .reliability import Tally
from .stepped import Clock, Stepped, When

#: More than any of the three takes; the surplus numbers are skipped for want of a call.
_MOST_CALLS = {"creation": 95, "update": 32, "deletion": 80}
_SAMPLE = 5


def chosen(scenario: str) -> list[tuple[int, When]]:
    """Give the kills to try: all, or a sample that the seed draws."""
    kinds: tuple[When, ...] = ("before", "after")
    every = [(number, when) for number in range(1, _MOST_CALLS[scenario] + 1) for when in kinds]
    if ALL:
        return every
    # From the first half, which every run has.
    return sorted(random.Random(f"{SEED}{scenario}").sample(every[: len(every) // 2], _SAMPLE))


def production(aws: Server, clock: Clock) -> Stepped:
    app = Stepped(
        aws,
        clock,
        "crash",
        environment="Production",
        database={"deletionProtection": False},
        loadBalancer={"deletionProtection": False},
        domain={"name": "app.example.com"},
    )
    make_zone(app)
    return app


def make_zone(app: Stepped) -> None:
    """Make the zone of the stack's names, unless it is there."""
    route53 = app.client("route53")
    if not route53.list_hosted_zones()["HostedZones"]:
        route53.create_hosted_zone(Name="example.com", CallerReference="crash")


def settle(app: Stepped) -> None:
    """Run passes until Ready, and on until the clock is past what lingers (interfaces, draining targets)."""
    app.grow()
    app.until(lambda _: app.condition("InSync")["status"] == "True", "in sync")
    app.clock.now += 60.0
    app.look_now()
    app.grow()


#: What replaces and moves most: another port (target group, rules, revision), another name, one gateway less.
CHANGED: dict[str, Any] = {
    "service": {"port": 9000},
    "network": {"natGateways": 1},
    "monitoring": {"logRetentionDays": 14},
    "domain": {"name": "www.example.com"},
}


def change(app: Stepped) -> None:
    if app.body["metadata"]["generation"] == 1:
        app.edit(**CHANGED)
    settle(app)


def remove(app: Stepped) -> None:
    app.delete()
    app.clock.now += 60.0


def nothing(_: Stepped) -> None:
    """The stack is not there yet."""


Work = Callable[[Stepped], None]
SCENARIOS: dict[str, tuple[Work, Work]] = {
    "creation": (nothing, settle),
    "update": (settle, change),
    "deletion": (settle, remove),
}


@functools.cache
def undisturbed(aws: Server, clock: Clock, scenario: str) -> dict[str, list[Any]]:
    """What is in AWS at the end of a run in which nobody was killed."""
    before, work = SCENARIOS[scenario]
    app = production(aws, clock)
    before(app)
    work(app)
    found = app.everything()
    aws.control.reset()
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("scenario", "number", "when"),
    [pytest.param(name, *kill, id=f"{name}-{kill[1]}-{kill[0]}") for name in SCENARIOS for kill in chosen(name)],
)
def test_killed_at_any_call_it_ends_where_it_would_have_ended(  # noqa: PLR0917 - fixtures and a case
    aws: Server, clock: Clock, tally: Tally, scenario: str, number: int, when: When
) -> None:
    expected = undisturbed(aws, clock, scenario)
    before, work = SCENARIOS[scenario]
    app = production(aws, clock)
    before(app)
    call = app.survive(number, when, lambda: work(app))
    # A sample is drawn from the calls that every run has.
    assert call or ALL
    if not call:
        pytest.skip(f"{scenario} has fewer changing calls")
    tally.families["test_crash.py"].faults["kills"] += 1
    assert app.everything() == expected, f"killed {when} {call}"


@pytest.mark.timeout(600)
def test_the_undisturbed_runs_take_what_the_sweep_covers(aws: Server, clock: Clock) -> None:
    """The sweep would silently leave calls out if a scenario grew beyond its bound."""
    for scenario, (before, work) in SCENARIOS.items():
        app = production(aws, clock)
        before(app)
        first = len(app.process.calls)
        work(app)
        calls = len(app.process.calls) - first
        assert _MOST_CALLS[scenario] / 2 <= calls <= _MOST_CALLS[scenario], f"{scenario} takes {calls}"
        aws.control.reset()
