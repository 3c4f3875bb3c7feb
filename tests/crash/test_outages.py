"""A service of AWS is down for ten minutes, or the credentials run out, at any stage: nothing is lost, all is told."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.sim.app import App
from tests.sim.aws import OPERATOR, Aws
from tests.sim.picture import Picture
from tests.sim.production import CHANGED, nothing, production, remove
from tests.sim.seed import SEED

from .chosen import ALL

SERVICES = (
    "ec2",
    "rds",
    "ecs",
    "elbv2",
    "iam",
    "secretsmanager",
    "ecr",
    "logs",
    "cloudwatch",
    "application-autoscaling",
    "sts",
)
OUTAGE = 600.0
#: Seconds until what failed is tried again, at most: the pause after an error, and the passes that follow.
RETRY = 60.0


def some(app: App) -> None:
    """In the middle of its creation."""
    app.passes(4)


def edit(app: App) -> None:
    app.edit(**CHANGED)


STAGES: dict[str, tuple[Callable[[App], None], Callable[[App], None], str]] = {
    "new": (nothing, nothing, "creation"),
    "growing": (some, nothing, "creation"),
    "at rest": (App.settle, nothing, "creation"),
    "changed": (App.settle, edit, "update"),
}
CASES = [(service, stage) for service in SERVICES for stage in STAGES]


def chosen() -> list[tuple[str, str]]:
    return CASES if ALL else random.Random(SEED).sample(CASES, 4)


def through(app: App, seconds: float) -> list[dict[str, Any]]:
    """Run passes for a while, and give the Ready condition of each."""
    until = app.clock.now + seconds
    seen = []
    while app.clock.now < until:
        app.one_pass()
        seen.append({name: dict(app.condition(name)) for name in ("Ready", "Stalled", "Reconciling")})
        app.wait()
    return seen


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("service", "stage"), chosen())
def test_a_service_is_down_for_ten_minutes(
    aws: Aws, undisturbed: Mapping[str, Picture], service: str, stage: str
) -> None:
    before, begin, scenario = STAGES[stage]
    expected = undisturbed[scenario]
    app = production(aws)
    before(app)
    begin(app)
    aws.faults({"match": f"{service}:*", "caller": OPERATOR, "down": True, "seconds": OUTAGE})
    seen = through(app, OUTAGE)
    # What nobody can mend here is not called stalled, and while it lasts it is told.
    assert not any(found["Stalled"]["status"] == "True" for found in seen)
    told = [found["Ready"] for found in seen if found["Ready"]["status"] == "False"]
    assert stage == "at rest" or told
    last = app.condition("Ready")
    if last["status"] == "False" and last["reason"] == "AWSError":
        assert "the operator retries it" in last["message"]
    # The pass that finds the service back is at most one pause away.
    app.one_pass()
    assert app.reports[-1].requeue_after <= RETRY
    app.settle()
    found = app.everything()
    assert found.pop("revisions") >= expected["revisions"]
    assert found == {kind: rows for kind, rows in expected.items() if kind != "revisions"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", SERVICES if ALL else random.Random(SEED).sample(SERVICES, 2))
def test_a_service_is_down_while_the_stack_goes(aws: Aws, undisturbed: Mapping[str, Picture], service: str) -> None:
    app = production(aws)
    app.settle()
    aws.faults({"match": f"{service}:*", "caller": OPERATOR, "down": True, "seconds": OUTAGE})
    remove(app)
    expected = undisturbed["deletion"]
    assert app.everything() == expected


@pytest.mark.parametrize("stage", ["growing", "at rest"])
def test_credentials_run_out(aws: Aws, undisturbed: Mapping[str, Picture], stage: str) -> None:
    before, _, scenario = STAGES[stage]
    expected = undisturbed[scenario]
    app = production(aws)
    before(app)
    aws.faults({"match": "*", "caller": OPERATOR, "expired": True})
    through(app, OUTAGE)
    said = app.condition("Ready")
    assert (said["status"], said["reason"]) == ("False", "InvalidCredentials")
    assert "expired" in said["message"]
    assert app.reports[-1].requeue_after <= RETRY
    aws.calm()
    app.wait()
    app.one_pass()
    assert app.reason("Ready") != "InvalidCredentials"
    app.settle()
    assert app.everything() == expected


def per_minute(aws: Aws, app: App, minutes: int) -> list[int]:
    """Count the operator's calls in each of some minutes."""
    counts = []
    for _ in range(minutes):
        since = max((entry["number"] for entry in aws.control.ledger.entries()), default=0)
        until = app.clock.now + 60.0
        while app.clock.now < until:
            app.one_pass()
            app.wait()
        counts.append(len(aws.control.ledger.entries(caller=OPERATOR, since=since)))
    return counts


@pytest.mark.parametrize("stage", ["new", "growing", "at rest"])
def test_under_full_throttling_it_never_calls_more(aws: Aws, stage: str) -> None:
    app = production(aws)
    STAGES[stage][0](app)
    aws.faults({"match": "*", "caller": OPERATOR, "throttle": 1.0})
    counts = per_minute(aws, app, 8)
    # Four attempts a call, and the full observation every 45 s falls into some minutes twice: fifty calls a minute.
    assert max(counts) <= 300, counts
    assert max(counts[4:]) <= max(counts[:4]), counts
    assert app.condition("Stalled")["status"] == ""
    assert (app.condition("Ready")["status"], app.reason("Ready")) == ("False", "Throttled")
    aws.calm()
    app.settle()
    aws.met.update({f"minute {minute} of {stage}": count for minute, count in enumerate(counts, 1)})
