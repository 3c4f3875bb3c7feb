"""What the commands print, line by line."""

from __future__ import annotations

from missyou_operator.api.status import ResourceStatus, Status
from missyou_operator.cli.progress import Row
from missyou_operator.cli.render import Style, changed_lines, live_lines, resource_lines, server_table_lines, table

NETWORK = Row("NetworkReady", "ready", "True", "Available", "6 subnets")
DATABASE = Row("DatabaseReady", "working", "False", "Creating", "shop-db takes 10 minutes")
SERVICE = Row("ServiceReady", "failed", "False", "ImageNotFound", "push it")
READY = Row("Ready", "absent")


def test_columns_are_aligned_without_trailing_spaces():
    assert table([("A", "B"), ("long", ""), ("x", "y")]) == ["A      B", "long", "x      y"]


def test_a_frame_has_a_title_and_a_line_per_condition():
    times = {"NetworkReady": 4.06, "DatabaseReady": 12.0, "ServiceReady": 3.0}
    assert live_lines("shop", [NETWORK, DATABASE, SERVICE, READY], times, Style()) == [
        "shop",
        "  ✔ NetworkReady          4.1s  Available             6 subnets",
        "  … DatabaseReady        12.0s  Creating              shop-db takes 10 minutes",
        "  ✖ ServiceReady          3.0s  ImageNotFound         push it",
        "  · Ready",
    ]


def test_lines_are_cut_to_the_terminal_before_they_are_coloured():
    line = live_lines("shop", [DATABASE], {}, Style(colour=True, width=20))[1]
    assert line == "\x1b[33m  … DatabaseReady  …\x1b[0m"


def test_only_news_are_printed_without_a_terminal():
    assert changed_lines([], [NETWORK, READY], 4.06) == [
        "   4.1s  NetworkReady        True     Available             6 subnets"
    ]
    assert changed_lines([NETWORK, READY], [NETWORK, READY], 5) == []
    done = Row("Ready", "ready", "True", "Available", "")
    assert changed_lines([NETWORK, READY], [NETWORK, done], 125.5) == [
        " 125.5s  Ready               True     Available"
    ]


def test_a_condition_that_goes_away_is_news():
    assert changed_lines([NETWORK], [Row("NetworkReady", "absent")], 1) == ["   1.0s  NetworkReady        absent"]


def resource(component, type_, name, id_="", *, state="available", message=""):
    return ResourceStatus(component=component, type=type_, name=name, id=id_, state=state, message=message)


def test_resources_are_grouped_by_component_in_the_order_of_the_stack():
    status = Status(
        resources=(
            resource("Service", "Cluster", "shop-cluster", "arn:cluster"),
            resource("Database", "DBInstance", "shop-db", state="creating", message="takes\n10 minutes"),
            resource("Service", "Service", "shop-service", "arn:service"),
            resource("Extra", "Thing", "x"),
        )
    )
    assert resource_lines(status, Style()) == [
        "  TYPE         NAME           STATE       ID",
        "Database",
        "  DBInstance   shop-db        creating",
        "    takes 10 minutes",
        "Service",
        "  Cluster      shop-cluster   available   arn:cluster",
        "  Service      shop-service   available   arn:service",
        "Extra",
        "  Thing        x              available",
    ]


def test_a_stack_without_resources_says_so():
    assert resource_lines(Status(), Style()) == ["No resources yet."]


ANSWER = {
    "columnDefinitions": [
        {"name": "Name"},
        {"name": "Ready"},
        {"name": "Age", "priority": 0},
        {"name": "Message", "priority": 1},
    ],
    "rows": [
        {"cells": ["shop", None, "5s", "two\nlines"], "object": {"metadata": {"namespace": "default"}}},
        {"cells": ["store", "True", "3d", None], "object": {"metadata": {"namespace": "team-a"}}},
    ],
}


def test_a_table_of_the_server_looks_like_kubectl():
    assert server_table_lines(ANSWER, wide=False, namespaces=False) == [
        "NAME    READY   AGE",
        "shop            5s",
        "store   True    3d",
    ]


def test_wide_and_all_namespaces_add_columns():
    assert server_table_lines(ANSWER, wide=True, namespaces=True) == [
        "NAMESPACE   NAME    READY   AGE   MESSAGE",
        "default     shop            5s    two lines",
        "team-a      store   True    3d",
    ]
