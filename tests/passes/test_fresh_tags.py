"""Tags of alarms and dashboards are remembered for minutes: before a write, they are read again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.app import App

OTHERS = [{"Key": "missyou.app/stack", "Value": "default/other"}, {"Key": "missyou.app/cluster", "Value": "another"}]


@pytest.fixture(scope="module")
def settled(aws) -> App:
    aws.reset()
    app = App(aws, "fresh", environment="Production", database={"deletionProtection": False})
    app.edit(loadBalancer={"deletionProtection": False})
    app.settle()
    return app


def remake(app: App, tags: list[dict[str, str]]) -> dict[str, Any]:
    """Delete an alarm and make another of its name, as somebody else would."""
    cloudwatch, name = app.client("cloudwatch"), "fresh-rds-cpu"
    cloudwatch.delete_alarms(AlarmNames=[name])
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Theirs",
        MetricName="Theirs",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        Tags=tags,
    )
    return theirs(app)


def theirs(app: App) -> dict[str, Any]:
    [row] = app.client("cloudwatch").describe_alarms(AlarmNames=["fresh-rds-cpu"])["MetricAlarms"]
    return dict(row)


@pytest.mark.parametrize("tags", [OTHERS, []], ids=["of another", "without tags"])
def test_an_alarm_of_somebody_else_is_not_overwritten(aws, settled, tags):
    app = settled
    made = remake(app, tags)
    app.clock.now += 60.0
    app.passes(4)
    app.edit(monitoring={"alarms": {"databaseCPUPercent": 70}})
    app.passes(4)
    app.observe_now()
    assert theirs(app) == made
    assert app.reason("MonitoringReady") == "OwnedElsewhere"


def test_it_is_not_deleted_either(aws, settled):
    app = settled
    made = remake(app, OTHERS)
    app.delete()
    assert theirs(app) == made
