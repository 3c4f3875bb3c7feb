"""The life cycle of alarms on the test AWS."""

from __future__ import annotations

from dataclasses import replace

import pytest

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.cloudwatch.alarm import Alarm
from missyou_operator.engine.values import Ref
from tests.aws.live import apply, changed, client, live, neighbour, observe, read, tags


def alarm(cloud: Cloud) -> Alarm:
    name = f"{cloud.stack.name}-ecs-cpu"
    return Alarm(
        name=name,
        component="Monitoring",
        tags=tags(cloud, name, "Monitoring"),
        namespace="AWS/ECS",
        metric="CPUUtilization",
        dimensions={"ServiceName": f"{cloud.stack.name}-service", "ClusterName": f"{cloud.stack.name}-cluster"},
        threshold=80.0,
        comparison="GreaterThanThreshold",
        description="more than 80% CPU for ten minutes",
    )


def test_what_was_created_is_found_as_desired() -> None:
    cloud = live()
    desired = alarm(cloud)
    created = desired.create(cloud)
    found = observe(desired, cloud)
    assert desired.diff(found) == desired.diff(created) == ()
    assert found.owned
    assert found.attrs["arn"] == created.attrs["arn"]


def test_another_threshold_is_set_and_the_tags_stay() -> None:
    cloud = live()
    alarm(cloud).create(cloud)
    desired = replace(alarm(cloud), threshold=90.0)
    assert changed(desired, observe(desired, cloud)) == {"threshold"}
    found = apply(desired, cloud)
    assert found.attrs["threshold"] == 90.0
    assert desired.diff(found) == ()


def test_a_lost_tag_comes_back_without_touching_the_settings() -> None:
    cloud = live()
    desired = alarm(cloud)
    arn = desired.create(cloud).attrs["arn"]
    client("cloudwatch").untag_resource(ResourceARN=arn, TagKeys=["Environment"])
    assert changed(desired, observe(desired, cloud)) == {"tags"}
    assert desired.diff(apply(desired, cloud)) == ()


def test_a_firing_alarm_is_ready_and_its_message_says_so() -> None:
    cloud = live()
    desired = alarm(cloud)
    desired.create(cloud)
    client("cloudwatch").set_alarm_state(AlarmName=desired.name, StateValue="ALARM", StateReason="test")
    found = observe(desired, cloud)
    health = desired.health(found)
    assert (found.state, health.status) == ("ALARM", "ready")
    assert "in ALARM: more than 80% CPU" in health.message


def rate(cloud: Cloud) -> Alarm:
    return replace(
        alarm(cloud),
        namespace="AWS/ApplicationELB",
        metric="",
        expression="IF(requests >= 20, 100 * failed / requests, 0)",
        operands={"failed": "HTTPCode_Target_5XX_Count", "requests": "RequestCount"},
        dimensions={"LoadBalancer": "app/one/0123"},
        statistic="Sum",
        period=60,
        evaluation_periods=5,
        datapoints=3,
    )


def test_an_alarm_on_an_expression_is_found_as_desired() -> None:
    cloud = live()
    desired = rate(cloud)
    created = desired.create(cloud)
    assert desired.diff(observe(desired, cloud)) == desired.diff(created) == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expression", "100 * failed / requests"),
        ("operands", {"failed": "HTTPCode_ELB_5XX_Count", "requests": "RequestCount"}),
        ("dimensions", {"LoadBalancer": "app/other/0123"}),
        ("statistic", "Average"),
        ("period", 300),
        ("datapoints", 4),
    ],
)
def test_a_changed_expression_is_observed_and_corrected(field: str, value: object) -> None:
    cloud = live()
    replace(rate(cloud), **{field: value}).create(cloud)
    desired = rate(cloud)
    assert changed(desired, observe(desired, cloud)) == {field}
    assert desired.diff(apply(desired, cloud)) == ()


def test_metrics_with_different_dimensions_are_no_expression_of_ours() -> None:
    cloud = live()
    desired = rate(cloud)
    desired.create(cloud)
    [row] = client("cloudwatch").describe_alarms(AlarmNames=[desired.name])["MetricAlarms"]
    row["Metrics"][1]["MetricStat"]["Metric"]["Dimensions"][0]["Value"] = "app/other/0123"
    client("cloudwatch").put_metric_alarm(
        AlarmName=desired.name,
        Metrics=row["Metrics"],
        EvaluationPeriods=5,
        DatapointsToAlarm=3,
        Threshold=80.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    assert "dimensions" in changed(desired, observe(desired, cloud))
    assert desired.diff(apply(desired, cloud)) == ()


def test_an_alarm_moves_from_a_metric_to_an_expression_and_back() -> None:
    cloud = live()
    alarm(cloud).create(cloud)
    assert rate(cloud).diff(apply(rate(cloud), cloud)) == ()
    assert alarm(cloud).diff(apply(alarm(cloud), cloud)) == ()


def test_foreign_alarms_are_not_ours() -> None:
    cloud = live()
    alarm(neighbour(cloud)).create(neighbour(cloud))
    replace(alarm(cloud), name=f"{cloud.stack.name}-unknown").create(cloud)
    [found] = read(Alarm, cloud)
    assert not found.owned


def test_deleting_twice_is_fine() -> None:
    cloud = live()
    found = alarm(cloud).create(cloud)
    for _ in range(2):
        assert Alarm.delete(cloud, found).status == "ready"
    assert read(Alarm, cloud) == []


def test_a_dimension_may_refer_to_another_resource() -> None:
    ref = Ref("ecs.Service/x", "id")
    desired = replace(alarm(live()), dimensions={"ServiceName": ref})
    assert desired.refs() == (ref,)
