"""The dashboard: there in production, switched on and off in a running stack, never in another's place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sim.app import REGION, App, changes

ALARMS = (
    "alb-healthy",
    "alb-5xx",
    "alb-unhealthy",
    "ecs-cpu",
    "rds-cpu",
    "rds-storage",
    "rds-connections",
    "rds-memory",
)


@pytest.fixture(scope="module")
def plain(aws) -> App:
    """A stack that has never had a dashboard."""
    app = App(aws, "unseen", environment="Development")
    app.settle()
    return app


@pytest.fixture(scope="module")
def app(aws) -> App:
    """A stack with a dashboard."""
    app = App(aws, "seen", environment="Development", monitoring={"dashboard": True})
    app.settle()
    return app


def names(app: App) -> list[str]:
    rows = app.client("cloudwatch").list_dashboards(DashboardNamePrefix=f"{app.stack}-")["DashboardEntries"]
    return [row["DashboardName"] for row in rows]


def body(app: App) -> dict[str, Any]:
    answer = app.client("cloudwatch").get_dashboard(DashboardName=f"{app.stack}-{REGION}")
    return dict(json.loads(answer["DashboardBody"]))


def graph(app: App, title: str) -> dict[str, Any]:
    [found] = [widget for widget in body(app)["widgets"] if widget["properties"].get("title") == title]
    return dict(found["properties"])


def test_development_has_none_until_it_is_asked_for(plain):
    app = plain
    assert names(app) == []
    app.edit(monitoring={"dashboard": True})
    assert changes(app.calls(app.grow)) == {"cloudwatch:PutDashboard": 1}
    assert names(app) == [f"{app.stack}-{REGION}"]
    app.stays_in_sync("MonitoringReady")


def test_it_shows_every_alarm_and_the_lines_where_they_ring(app):
    [alarms] = [widget for widget in body(app)["widgets"] if widget["type"] == "alarm"]
    there = app.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{app.stack}-")["MetricAlarms"]
    by_name = {row["AlarmName"]: row["AlarmArn"] for row in there}
    assert alarms["properties"]["alarms"] == [by_name[f"{app.stack}-{suffix}"] for suffix in ALARMS]
    [line] = graph(app, "CPU of the database, %")["annotations"]["horizontal"]
    assert line["value"] == 80.0


def test_its_metrics_are_those_of_the_stack(app):
    [balancer] = app.client("elbv2").describe_load_balancers(Names=[f"{app.stack}-alb"])["LoadBalancers"]
    metrics = [
        metric
        for widget in body(app)["widgets"]
        for metric in widget["properties"].get("metrics", ())
        if isinstance(metric[0], str)
    ]
    dimensions = {(metric[n], metric[n + 1]) for metric in metrics for n in range(2, len(metric) - 1, 2)}
    [group] = [value for name, value in dimensions if name == "TargetGroup"]
    assert dimensions == {
        ("LoadBalancer", balancer["LoadBalancerArn"].partition(":loadbalancer/")[2]),
        ("TargetGroup", group),
        ("ClusterName", f"{app.stack}-cluster"),
        ("ServiceName", f"{app.stack}-service"),
        ("DBInstanceIdentifier", f"{app.stack}-db"),
    }
    regions = {widget["properties"]["region"] for widget in body(app)["widgets"] if widget["type"] == "metric"}
    assert regions == {REGION}


def test_widgets_fill_the_screen_and_do_not_overlap(app):
    cells = [
        (x, y)
        for widget in body(app)["widgets"]
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(cells) == len(set(cells))
    assert set(cells) == {(x, y) for x in range(24) for y in range(max(y for _, y in cells) + 1)}


def test_another_threshold_moves_its_line(app):
    app.edit(monitoring={"dashboard": True, "alarms": {"databaseCPUPercent": 60}})
    assert changes(app.calls(app.grow)) == {"cloudwatch:PutDashboard": 1, "cloudwatch:PutMetricAlarm": 1}
    [line] = graph(app, "CPU of the database, %")["annotations"]["horizontal"]
    assert line["value"] == 60.0
    app.stays_in_sync("MonitoringReady")


def test_what_somebody_changed_in_it_is_put_right(app):
    before = body(app)
    changed = {**before, "widgets": before["widgets"][:-1]}
    app.client("cloudwatch").put_dashboard(DashboardName=f"{app.stack}-{REGION}", DashboardBody=json.dumps(changed))
    assert changes(app.calls(app.observe_now)) == {"cloudwatch:PutDashboard": 1}
    assert body(app) == before
    drift = app.body["status"]["drift"][0]
    assert drift["resource"] == f"cloudwatch.Dashboard/{app.stack}-{REGION}"
    assert "Free storage" in json.dumps(drift)
    app.stays_in_sync("MonitoringReady")


def test_one_that_was_deleted_comes_back(app):
    app.client("cloudwatch").delete_dashboards(DashboardNames=[f"{app.stack}-{REGION}"])
    app.restart()
    app.observe_now()
    assert names(app) == [f"{app.stack}-{REGION}"]
    app.stays_in_sync("MonitoringReady")


def test_it_is_switched_off(app):
    app.edit(monitoring={"dashboard": False})
    assert changes(app.calls(app.grow)) == {"cloudwatch:DeleteDashboards": 1}
    assert names(app) == []
    app.stays_in_sync("MonitoringReady")


def test_somebody_elses_of_that_name_is_left_alone_and_told(plain):
    app = plain
    cloudwatch, name = app.client("cloudwatch"), f"{app.stack}-{REGION}"
    cloudwatch.put_dashboard(DashboardName=name, DashboardBody='{"widgets": []}')
    app.edit(monitoring={"dashboard": True})
    app.until(lambda _: app.reason("MonitoringReady") == "OwnedElsewhere", "told")
    assert name in app.condition("MonitoringReady")["message"]
    assert body(app) == {"widgets": []}
    cloudwatch.delete_dashboards(DashboardNames=[name])
    app.observe_now()
    app.grow()
    assert len(body(app)["widgets"]) > 10
    app.stays_in_sync("MonitoringReady")


def test_it_goes_with_the_stack(app):
    app.delete()
    assert names(app) == []


def test_production_has_one(aws):
    app = App(aws, "watched")
    app.grow()
    assert names(app) == [f"watched-{REGION}"]
    app.delete()
    assert names(app) == []
