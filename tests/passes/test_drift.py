"""Drift: only what somebody else did, each with its end; what is only reported stays until its own field changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from missyou_operator.api.status import merge_patch
from tests.sim.app import App, changes
from tests.sim.aws import OPERATOR

LOGS = "logs.LogGroup//ecs/drifting"


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(aws, "drifting", environment="Development", database={"storageGiB": 40})
    app.PATIENCE = 1200.0
    app.settle()
    return app


@pytest.fixture
def reporting(app) -> Iterator[App]:
    """The same app with the other policy, and again with the first: a fixture is not part of the fork."""
    app.edit(driftPolicy="Report")
    later(app)
    yield app
    app.edit(driftPolicy="Correct")
    later(app)


def keep_logs(app: App, days: int = 30) -> None:
    app.client("logs").put_retention_policy(logGroupName="/ecs/drifting", retentionInDays=days)


def kept(app: App) -> int:
    [group] = app.client("logs").describe_log_groups(logGroupNamePrefix="/ecs/drifting")["logGroups"]
    return group["retentionInDays"]


def later(app: App) -> None:
    app.clock.now += 46.0
    app.one_pass()


def apply(app: App, **spec) -> None:
    """Change the spec, and wait until all that is to be done is done and read back."""
    app.edit(**spec)
    app.grow()
    later(app)
    app.grow()
    later(app)


def told(app: App) -> dict[str, str]:
    return {entry["resource"]: entry["action"] for entry in app.body["status"].get("drift", ())}


def threshold(app: App, name: str) -> float:
    [alarm] = app.client("cloudwatch").describe_alarms(AlarmNames=[f"drifting-{name}"])["MetricAlarms"]
    return alarm["Threshold"]


def raise_threshold(app: App, value: float) -> None:
    client = app.client("cloudwatch")
    [alarm] = client.describe_alarms(AlarmNames=["drifting-rds-cpu"])["MetricAlarms"]
    names = ("AlarmName", "AlarmDescription", "MetricName", "Namespace", "Statistic", "Dimensions", "Period")
    names += ("EvaluationPeriods", "ComparisonOperator", "TreatMissingData", "DatapointsToAlarm")
    given = {name: alarm[name] for name in names if name in alarm}
    client.put_metric_alarm(**given, Threshold=value)


def restart(app: App) -> None:
    app.restart()


def lose_status(app: App) -> None:
    app.body["status"] = {"observedGeneration": -1}


def lose_both(app: App) -> None:
    app.restart()
    lose_status(app)


def nothing(_: App) -> None:
    """The operator goes on."""


@pytest.mark.parametrize("happens", [nothing, restart, lose_status, lose_both])
def test_what_is_reported_stays_whatever_the_operator_forgets(reporting: App, happens: Callable[[App], None]) -> None:
    keep_logs(reporting)
    later(reporting)
    happens(reporting)
    later(reporting)
    later(reporting)
    assert kept(reporting) == 30
    assert told(reporting) == {LOGS: "Reported"}
    assert reporting.reason("InSync") == "Drifted"
    assert reporting.condition("Ready")["status"] == "True"
    # A change that begins only now is drift as well.
    raise_threshold(reporting, 99.0)
    later(reporting)
    assert threshold(reporting, "rds-cpu") == 99.0
    assert told(reporting) == {LOGS: "Reported", "cloudwatch.Alarm/drifting-rds-cpu": "Reported"}


@pytest.mark.parametrize("happens", [nothing, restart, lose_status])
def test_another_change_of_the_spec_is_made_and_leaves_what_is_reported(
    reporting: App, happens: Callable[[App], None]
) -> None:
    keep_logs(reporting)
    later(reporting)
    happens(reporting)
    apply(reporting, service={"debug": True}, monitoring={"alarms": {"databaseCPUPercent": 70}})
    assert threshold(reporting, "rds-cpu") == 70.0
    assert kept(reporting) == 30
    assert told(reporting) == {LOGS: "Reported"}
    assert reporting.reason("InSync") == "Drifted"


def test_a_field_of_the_same_resource_changes_and_the_drifted_one_stays(reporting: App) -> None:
    """A put writes all fields of an alarm: the drifted one with the value that it has."""
    client = reporting.client("cloudwatch")
    [alarm] = client.describe_alarms(AlarmNames=["drifting-rds-cpu"])["MetricAlarms"]
    names = ("AlarmName", "AlarmDescription", "MetricName", "Namespace", "Statistic", "Dimensions", "Period")
    names += ("ComparisonOperator", "TreatMissingData", "Threshold")
    client.put_metric_alarm(**{name: alarm[name] for name in names if name in alarm}, EvaluationPeriods=5)
    later(reporting)
    assert told(reporting) == {"cloudwatch.Alarm/drifting-rds-cpu": "Reported"}
    apply(reporting, monitoring={"alarms": {"databaseCPUPercent": 70}})
    [alarm] = client.describe_alarms(AlarmNames=["drifting-rds-cpu"])["MetricAlarms"]
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (70.0, 5)
    assert told(reporting) == {"cloudwatch.Alarm/drifting-rds-cpu": "Reported"}


def test_a_change_of_that_field_is_made_and_ends_the_entry(reporting: App) -> None:
    keep_logs(reporting)
    later(reporting)
    apply(reporting, monitoring={"logRetentionDays": 14})
    assert kept(reporting) == 14
    assert told(reporting)[LOGS] in {"Resolved", "Corrected"}
    assert reporting.reason("InSync") == "Synced"


def test_the_policy_ends_it(reporting: App) -> None:
    keep_logs(reporting)
    later(reporting)
    apply(reporting, driftPolicy="Correct")
    assert kept(reporting) == 7
    assert told(reporting) == {LOGS: "Corrected"}


def test_somebody_puts_it_back(reporting: App) -> None:
    keep_logs(reporting)
    later(reporting)
    keep_logs(reporting, 7)
    later(reporting)
    assert told(reporting) == {LOGS: "Resolved"}
    assert reporting.reason("InSync") == "Synced"


def test_what_stays_is_written_once(reporting: App) -> None:
    keep_logs(reporting)
    raise_threshold(reporting, 99.0)
    later(reporting)
    # A list that was read moments ago is not read again by the first look.
    later(reporting)
    before = dict(reporting.body["status"])
    assert len(before["drift"]) == 2
    for _ in range(20):
        assert changes(reporting.calls(lambda: later(reporting))) == {}
        assert reporting.body["status"] == before


def test_what_follows_from_a_correction_is_no_drift(app: App) -> None:
    """A secret that comes back has another ARN: role, revision and service follow it."""
    app.client("secretsmanager").delete_secret(SecretId="drifting/db_credentials", ForceDeleteWithoutRecovery=True)
    later(app)
    app.settle()
    assert {address.partition("/")[2] for address in told(app)} == {"drifting/db_credentials"}
    assert set(told(app).values()) == {"Corrected"}


def test_an_approved_replacement_is_no_drift(app: App) -> None:
    app.edit(database={"storageGiB": 20})
    app.until(lambda _: app.reason("Stalled") == "ApprovalRequired", "asking for approval")
    app.annotate("approve", app.body["status"]["plan"]["id"])
    app.settle()
    assert told(app) == {}


def test_a_rollout_is_no_drift(app: App) -> None:
    app.push("v2")
    app.edit(image={"tag": "v2"}, service={"port": 9000})
    app.settle()
    app.observe_now()
    assert told(app) == {}


def test_a_correction_that_takes_many_passes_ends(app: App) -> None:
    ec2 = app.client("ec2")
    for gateway in ec2.describe_nat_gateways()["NatGateways"]:
        ec2.delete_nat_gateway(NatGatewayId=gateway["NatGatewayId"])
    app.clock.now += 300.0
    app.one_pass()
    found = {entry["resource"].partition("/")[0] for entry in app.body["status"]["drift"]}
    assert found == {"ec2.NatGateway"}
    app.settle()
    assert set(told(app).values()) == {"Corrected"}, told(app)


def test_each_time_that_it_is_changed_is_told(app: App) -> None:
    """The correction is read back, so that the next change by the same hand is drift, too."""
    for _ in range(4):
        keep_logs(app)
        later(app)
        assert kept(app) == 7
        app.clock.now += 22.0
        app.one_pass()
    assert [entry["action"] for entry in app.body["status"]["drift"]] == ["Corrected"] * 4
    assert app.reason("InSync") == "Synced"


def ignore(app: App, call: str) -> None:
    """Field report F2: AWS answers 200 and goes on showing the old value."""
    app.aws.faults({"match": call, "caller": OPERATOR, "ignored": True})


def test_a_change_that_aws_ignores_is_noticed_told_and_slowed_down(app: App) -> None:
    keep_logs(app)
    ignore(app, "logs:PutRetentionPolicy")
    for _ in range(8):
        later(app)
    assert app.condition("InSync")["status"] == "False"
    assert app.reason("InSync") == "ChangeIgnored"
    assert "retention_days: 30 -> 7" in app.condition("InSync")["message"]
    assert app.condition("Ready")["status"] == "True"
    [entry] = app.body["status"]["drift"]
    assert entry["resource"] == LOGS
    [planned] = app.body["status"]["plan"]["changes"]
    assert planned["heldBecause"]["reason"] == "ChangeIgnored"
    written: list = []
    calls = app.calls(lambda: hour(app, written))
    assert calls["logs:PutRetentionPolicy"] <= 4
    # The status does not flicker where the change is tried again.
    assert len(written) <= 1, [patch.keys() for patch in written]
    app.aws.faults()
    app.observe_now()
    later(app)
    assert kept(app) == 7
    assert app.reason("InSync") == "Synced"
    assert {entry["action"] for entry in app.body["status"]["drift"]} == {"Corrected"}


def hour(app: App, written: list) -> None:
    """Live for an hour, and collect the patches of the status."""
    end = app.clock.now + 3600.0
    while app.clock.now < end:
        before = app.body["status"]
        report = app.one_pass()
        if patch := merge_patch(before, report.status):
            written.append(patch)
        app.wait()


def test_a_change_of_the_spec_that_aws_ignores_is_told_as_well(app: App) -> None:
    ignore(app, "logs:PutRetentionPolicy")
    app.edit(monitoring={"logRetentionDays": 14})
    for _ in range(8):
        later(app)
    assert app.reason("InSync") == "ChangeIgnored"
    assert told(app) == {}
    # Another spec is tried at once.
    app.aws.faults()
    app.edit(monitoring={"logRetentionDays": 30})
    app.one_pass()
    assert kept(app) == 30


def test_a_lagging_aws_is_not_one_that_ignores(app: App) -> None:
    app.aws.tell(lag={"*": 10})
    keep_logs(app)
    for _ in range(12):
        app.observe_now()
        app.clock.now += 3.0
        assert app.reason("InSync") != "ChangeIgnored"
    app.aws.calm()
