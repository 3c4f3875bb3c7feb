"""The dashboard's body for other specs than the default, and its picture in the docs."""

from __future__ import annotations

from pathlib import Path

from missyou_operator.aws.cloudwatch.dashboard import Dashboard
from tools.draw_dashboard import default_body, draw

from .specs import graph

PICTURE = Path(__file__).parents[2] / "docs/dashboard.svg"


def widgets(**spec):
    [board] = [each for each in graph(**spec) if isinstance(each, Dashboard)]
    return {widget["properties"].get("title"): widget["properties"] for widget in board.body["widgets"]}


def test_the_picture_is_that_of_the_body_that_is_written_now():
    assert PICTURE.read_text() == draw(default_body()), "python tools/draw_dashboard.py > docs/dashboard.svg"


def test_lines_are_where_tasks_are_added_and_where_alarms_ring():
    found = widgets(service={"autoscaling": {"cpuTarget": 55}}, monitoring={"alarms": {"serviceCPUPercent": 91}})
    lines = found["CPU of the tasks, %"]["annotations"]["horizontal"]
    assert {line["label"]: line["value"] for line in lines} == {"alarm": 91.0, "more tasks from here": 55}
    bounds = widgets(service={"replicas": {"min": 3, "max": 4}})["Tasks"]["annotations"]["horizontal"]
    assert {line["label"]: line["value"] for line in bounds} == {"at least": 3, "at most": 4}


def test_a_class_of_unknown_memory_has_its_graphs_without_lines():
    found = widgets(database={"instanceClass": "db.x2g.large"})
    assert "annotations" not in found["Free memory, bytes"]
    assert "annotations" in found["Free storage, bytes"]
    assert not any("rds-memory" in arn for arn in found["Alarms"]["alarms"])
