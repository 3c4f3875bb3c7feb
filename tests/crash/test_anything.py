"""Anything in any order: specs, faults, foreign changes, restarts and time. In the end AWS is what the spec says."""

from __future__ import annotations

import contextlib
import json
import logging
import random
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from missyou_operator.engine.external import External
from tests.sim.app import App
from tests.sim.aws import OPERATOR, Aws
from tests.sim.foreign import CHANGES, delete_out_of_band, owned
from tests.sim.forks import apart
from tests.sim.picture import Picture, differences, without_history
from tests.sim.production import make_zone, production
from tests.sim.seed import SEED
from tests.sim.world import draw_for

from .chosen import ALL

EDITS: tuple[dict[str, Any], ...] = (
    {"service": {"port": 9000}},
    {"service": {"port": 8000}},
    {"service": {"cpu": 1024, "memory": 2048}},
    {"network": {"natGateways": 1}},
    {"network": {"natGateways": 2}},
    {"monitoring": {"logRetentionDays": 14}},
    {"database": {"storageGiB": 40}},
    {"image": {"tag": "v2"}},
    {"secrets": {"googleAPIKey": {"secretKeyRef": {"name": "gemini", "key": "api-key"}}}},
)
FAULTS: tuple[dict[str, Any], ...] = (
    {"match": "*", "throttle": 0.3, "broken": 0.1, "lost": 0.02, "reset": 0.02},
    {"match": "*", "throttle": 1.0, "seconds": 120},
    {"match": "*", "expired": True, "seconds": 120},
    {"match": "ec2:*", "down": True, "seconds": 300},
    {"match": "rds:*", "down": True, "seconds": 300},
    {"match": "ecs:*", "lost": 0.2, "seconds": 300},
    {"match": "*", "changes": True, "lost": 0.2, "seconds": 120},
)
KEY = "AIza-not-to-be-seen-in-any-log-or-status"
#: Machines, and runs of each: the sweep's are spread over tests, which run beside each other.
MACHINES, RUNS = (8, 5) if ALL else (1, 3)


class Log(logging.Handler):
    """All that was logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.text.append(self.format(record))


class Anything(RuleBasedStateMachine):
    """One stack, and whatever may happen to it."""

    def __init__(self, aws: Aws) -> None:
        super().__init__()
        # So that hypothesis sees the same again when it tries an example once more.
        draw_for("anything")
        self.aws = aws
        self.app = production(aws)
        self.app.secrets["gemini"] = {"api-key": KEY}
        self.troubled = False
        self.log = Log()
        logging.getLogger().addHandler(self.log)

    @rule(edit=st.sampled_from(EDITS), passes=st.integers(0, 6))
    def somebody_edits_the_spec(self, edit: dict[str, Any], passes: int) -> None:
        self.passes_are_made(passes)
        self.app.edit(**edit)
        if "image" in edit:
            with contextlib.suppress(ClientError):
                if not self.app.has_pushed("v2"):
                    self.app.push("v2")

    @rule(number=st.integers(1, 30))
    def passes_are_made(self, number: int) -> None:
        self.app.passes(number)

    @rule(seconds=st.sampled_from([5.0, 60.0, 600.0]))
    def time_passes(self, seconds: float) -> None:
        self.app.clock.now += seconds

    @rule(fault=st.sampled_from(FAULTS), lag=st.sampled_from([{}, {"*": 10}, {"ec2": 10, "ecs": 5}]))
    def aws_is_in_trouble(self, fault: dict[str, Any], lag: dict[str, int]) -> None:
        self.aws.tell(rules=[{**fault, "caller": OPERATOR}], lag=lag, timing={"iam": 15})
        self.troubled = True

    @precondition(lambda self: self.troubled)
    @rule()
    def aws_is_well_again(self) -> None:
        self.aws.calm()
        self.troubled = False

    @precondition(lambda self: not self.troubled)
    @rule(change=st.sampled_from(CHANGES))
    def somebody_else_changes_something(self, change: Callable[[App], None]) -> None:
        # What it is about may not be there yet, or not any more.
        with contextlib.suppress(ClientError, ValueError, StopIteration, IndexError, KeyError):
            change(self.app)

    @precondition(lambda self: not self.troubled and self.app.world)
    @rule(number=st.integers(0, 1000))
    def somebody_else_deletes_something(self, number: int) -> None:
        there = sorted(
            (found for found in owned(self.app) if not issubclass(found.kind, External)),
            key=lambda found: (found.address, found.id),
        )
        # What held data is not made anew before a person has chosen: tests/passes/test_losses.py.
        there = [found for found in there if found.kind.TYPE not in {"rds.DBInstance", "ecr.Repository"}]
        if there:
            delete_out_of_band(self.app, there[number % len(there)])

    @rule()
    def the_operator_is_restarted(self) -> None:
        self.app.restart(ago=0.0)

    @rule()
    def the_stack_is_deleted_and_asked_for_again(self) -> None:
        self.aws.calm()
        self.troubled = False
        self.app.delete()
        self.app.memory = type(self.app.memory)()
        self.app.body["status"] = {"observedGeneration": -1}

    def teardown(self) -> None:
        """Let everything settle, and compare with a world in which only the last spec was ever asked for."""
        self.aws.calm()
        self.app.clock.now += 60.0
        self.app.settle()
        found = without_history(self.app.everything())
        statuses = json.dumps([dict(report.status) for report in self.app.reports])
        secret = self.app.client("secretsmanager").get_secret_value(SecretId="crash/db_credentials")["SecretString"]
        password = json.loads(secret)["password"]
        logging.getLogger().removeHandler(self.log)
        for text in (statuses, *self.log.text):
            assert KEY not in text
            assert password not in text
        spec = self.app.body["spec"]
        assert differences(found, apart(lambda: asked_for(self.aws, spec))) == {}, json.dumps(spec)


def asked_for(aws: Aws, spec: dict[str, Any]) -> Picture:
    """Give what is in AWS where only this spec was ever asked for."""
    aws.reset()
    app = App(aws, "crash", **spec)
    app.secrets["gemini"] = {"api-key": KEY}
    make_zone(app)
    app.settle()
    return without_history(app.everything())


@pytest.mark.timeout(900)
@pytest.mark.parametrize("machine", range(MACHINES))
def test_whatever_happens_aws_ends_as_the_spec_says(aws: Aws, machine: int) -> None:
    run = settings(
        max_examples=RUNS,
        stateful_step_count=12,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    random.seed(SEED + machine)
    run_state_machine_as_test(seed(SEED + machine)(lambda: Anything(aws)), settings=run)
