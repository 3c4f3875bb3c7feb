"""Whole lives, every status watched: whatever happens, no status says what is not so."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.sim.app import App
from tests.sim.aws import OPERATOR, Aws
from tests.sim.seed import SEED

#: A Ready that goes and comes back within this time, while nobody did anything, is a flap.
FLAP = 60.0
_COUNT = re.compile(r"\b(\d+) of (\d+) tasks")
_BROKEN = {"code": "ServiceUnavailable", "status": 503, "message": "try later"}


class Watched(App):
    """An app whose every status is held against what must always be so."""

    #: When somebody last did something that may make Ready go: any event of the life.
    cause = float("-inf")
    lost = float("-inf")

    def one_pass(self) -> Any:
        before = self.body["status"]
        report = super().one_pass()
        self.check(before, report.status)
        return report

    def deletion_pass(self) -> Any:
        before = self.body["status"]
        report = super().deletion_pass()
        if not report.done:
            self.check(before, report.status)
        return report

    def check(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        found = {c["type"]: c for c in after["conditions"]}
        was = {c["type"]: c for c in before.get("conditions", ())}
        state = {name: condition["status"] for name, condition in found.items()}
        assert len(found) == len(after["conditions"])
        assert not {"Stalled", "Reconciling"} <= state.keys(), found
        if state["Ready"] == "True":
            for name, value in state.items():
                assert value == "True" or name == "InSync", found[name]
        else:
            assert {"Stalled", "Reconciling"} & state.keys(), found
        if state.get("InSync") == "True":
            assert "plan" not in after, (found["InSync"], after["plan"])
            assert not any(row["state"] in {"Replacing", "Deleting"} for row in after["resources"]), after["resources"]
            assert not [e for e in after.get("drift", ()) if e["action"] in {"Correcting", "Reported", "Held"}], after
        assert after["observedGeneration"] == self.body["metadata"]["generation"]
        assert after["observedGeneration"] >= before.get("observedGeneration", -1)
        for condition in found.values():
            assert condition["message"] == "" or "None" not in condition["message"]
            for running, desired in _COUNT.findall(condition["message"]):
                assert int(running) <= int(desired), condition
        if "tasks" in after:
            running, _, desired = after["tasks"].partition("/")
            assert int(running) <= int(desired)
        for planned in after.get("plan", {}).get("changes", ()):
            if "heldBecause" in planned:
                assert planned["heldBecause"]["reason"]
        self._no_flap(was.get("Ready", {}).get("status"), state["Ready"])

    def _no_flap(self, before: str | None, after: str) -> None:
        now = self.clock.now
        if before == "True" and after != "True":
            assert now - self.cause < 1200.0, f"Ready went without a cause: {self.condition('Ready')}"
            self.lost = now
        if before != "True" and after == "True":
            assert now - self.lost > FLAP or now - self.cause < 1200.0


def new_version(app: Watched, draw: random.Random) -> None:
    tag = f"v{draw.randrange(10**6)}"
    app.push(tag)
    app.edit(image={"tag": tag})


def another_port(app: Watched, draw: random.Random) -> None:
    app.edit(service={"port": draw.choice([8000, 9000])})


def other_alarms(app: Watched, draw: random.Random) -> None:
    app.edit(monitoring={"alarms": {"databaseCPUPercent": draw.randint(50, 90)}})


def logs_kept_longer(app: Watched, draw: random.Random) -> None:
    days = draw.choice([1, 3, 30, 60])
    app.client("logs").put_retention_policy(logGroupName=f"/ecs/{app.name}", retentionInDays=days)


def alarm_deleted(app: Watched, draw: random.Random) -> None:
    app.client("cloudwatch").delete_alarms(AlarmNames=[f"{app.name}-{draw.choice(['ecs-cpu', 'rds-cpu'])}"])


def gateway_deleted(app: Watched, _: random.Random) -> None:
    ec2 = app.client("ec2")
    gateways = ec2.describe_nat_gateways(Filters=[{"Name": "state", "Values": ["available"]}])["NatGateways"]
    if gateways:
        ec2.delete_nat_gateway(NatGatewayId=gateways[0]["NatGatewayId"])


def approved_replacement(app: Watched, draw: random.Random) -> None:
    app.edit(database={"storageGiB": draw.choice([20, 40, 60])})
    live(app, 30.0)
    if app.reason("Stalled") == "ApprovalRequired":
        app.annotate("approve", app.body["status"]["plan"]["id"])


def invalid(app: Watched, _: random.Random) -> None:
    app.edit(service={"cpu": 300})
    live(app, 60.0)
    app.body["spec"]["service"].pop("cpu")
    app.edit()


def restarted(app: Watched, _: random.Random) -> None:
    app.restart()


def status_lost(app: Watched, _: random.Random) -> None:
    app.body["status"] = {"observedGeneration": -1}


def policy(app: Watched, draw: random.Random) -> None:
    app.edit(driftPolicy=draw.choice(["Correct", "Report"]))


def throttled(app: Watched, draw: random.Random) -> None:
    app.aws.faults({"match": "*", "caller": OPERATOR, "throttle": draw.choice([0.3, 0.5])})


def reads_fail(app: Watched, draw: random.Random) -> None:
    service = draw.choice(["ec2", "rds", "ecs", "elbv2", "logs", "*"])
    app.aws.faults({"match": f"{service}:Describe*", "caller": OPERATOR, "fail": _BROKEN})


def writes_denied(app: Watched, draw: random.Random) -> None:
    call = draw.choice(["cloudwatch:Put*", "ecs:Update*", "ec2:Create*", "rds:Modify*", "logs:Put*"])
    app.aws.faults({"match": call, "caller": OPERATOR, "deny": True})


def writes_ignored(app: Watched, draw: random.Random) -> None:
    call = draw.choice(["cloudwatch:PutMetricAlarm", "logs:PutRetentionPolicy"])
    app.aws.faults({"match": call, "caller": OPERATOR, "ignored": True})


def calm(app: Watched, _: random.Random) -> None:
    app.aws.faults()


EVENTS: tuple[Callable[[Watched, random.Random], None], ...] = (
    new_version,
    another_port,
    other_alarms,
    logs_kept_longer,
    alarm_deleted,
    gateway_deleted,
    approved_replacement,
    invalid,
    restarted,
    status_lost,
    policy,
    throttled,
    reads_fail,
    writes_denied,
    writes_ignored,
    calm,
    calm,
)


def live(app: Watched, seconds: float) -> None:
    end = app.clock.now + seconds
    while app.clock.now < end:
        app.one_pass()
        app.wait()


@pytest.fixture(scope="module")
def app(aws: Aws) -> Watched:
    app = Watched(aws, "lived", environment="Development", database={"storageGiB": 40, "deletionProtection": False})
    app.cause = app.clock.now
    app.settle()
    return app


@pytest.mark.parametrize("number", range(4))
def test_no_status_of_a_life_says_what_is_not_so(app: Watched, number: int) -> None:
    draw = random.Random(f"{SEED}-{number}")
    app.PATIENCE = 3600.0
    lived: list[str] = []
    try:
        for _ in range(7):
            event = draw.choice(EVENTS)
            lived.append(event.__name__)
            app.cause = app.clock.now
            event(app, draw)
            live(app, draw.choice([20.0, 120.0, 400.0]))
        lived.append("the end")
        app.cause = app.clock.now
        app.aws.faults()
        app.edit(driftPolicy="Correct")
        app.settle()
        assert {entry["action"] for entry in app.body["status"].get("drift", ())} <= {"Corrected", "Resolved"}
        app.delete()
    except AssertionError as error:
        raise AssertionError(f"seed {SEED}, life {number}: {lived}: {error}") from error
