"""Dashboards live their life on the test AWS."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.cloudwatch.dashboard import Dashboard
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.values import Ref
from tests.aws.live import apply, changed, client, live, neighbour, observe, read, tags


def text(words: str, title: str) -> dict[str, object]:
    return {"type": "text", "x": 0, "y": 0, "width": 24, "height": 2, "properties": {"markdown": words, "title": title}}


def dashboard(cloud: Cloud) -> Dashboard:
    name = cloud.name(Dashboard.TYPE)
    # As the engine resolves it: lists become tuples.
    body = {"start": "-PT3H", "widgets": (text("one", "First"), text("two", "Second"))}
    return Dashboard(name=name, component="Monitoring", tags=tags(cloud, name, "Monitoring"), body=body)


def test_what_was_created_is_found_as_desired() -> None:
    cloud = live()
    wanted = dashboard(cloud)
    made = wanted.create(cloud)
    found = observe(wanted, cloud)
    assert wanted.diff(found) == wanted.diff(made) == ()
    assert found.owned
    assert found.attrs["arn"] == made.attrs["arn"]


def test_another_order_of_keys_is_no_difference() -> None:
    cloud = live()
    wanted = dashboard(cloud)
    wanted.create(cloud)
    body = json.loads(client("cloudwatch").get_dashboard(DashboardName=wanted.name)["DashboardBody"])
    turned = json.dumps(dict(reversed(body.items())), indent=2)
    client("cloudwatch").put_dashboard(DashboardName=wanted.name, DashboardBody=turned)
    assert wanted.diff(observe(wanted, cloud)) == ()


def test_a_change_is_told_by_the_widgets_that_it_is_in() -> None:
    cloud = live()
    wanted = dashboard(cloud)
    other = {**wanted.body, "widgets": [text("one", "First"), text("three", "Second"), text("by hand", "Notes")]}
    replace(wanted, body=other).create(cloud)
    [difference] = wanted.diff(observe(wanted, cloud))
    assert (difference.field, difference.before, difference.after) == ("body", "Second, Notes", "Second")
    assert wanted.diff(apply(wanted, cloud)) == ()


def test_a_plan_with_what_is_not_known_yet_names_the_widget() -> None:
    cloud = live()
    wanted = dashboard(cloud)
    wanted.create(cloud)
    moving = {
        **wanted.body,
        "widgets": [text("one", "First"), {**text("two", "Second"), "height": Ref("ec2.Vpc/x", "id")}],
    }
    coming = replace(wanted, body=moving).resolved({})
    [difference] = coming.diff(observe(wanted, cloud))
    assert difference.after == "Second"


def test_another_time_range_is_told_too() -> None:
    cloud = live()
    wanted = dashboard(cloud)
    replace(wanted, body={**wanted.body, "start": "-PT1H"}).create(cloud)
    [difference] = wanted.diff(observe(wanted, cloud))
    assert difference.before == difference.after == "dashboard settings"


def test_a_lost_tag_comes_back() -> None:
    cloud = live()
    wanted = dashboard(cloud)
    arn = wanted.create(cloud).attrs["arn"]
    client("cloudwatch").untag_resource(ResourceARN=arn, TagKeys=["Environment"])
    assert changed(wanted, observe(wanted, cloud)) == {"tags"}
    assert wanted.diff(apply(wanted, cloud)) == ()


def test_somebody_elses_of_the_same_name_is_not_ours_and_not_looked_into() -> None:
    cloud = live()
    theirs = dashboard(neighbour(cloud))
    theirs.create(neighbour(cloud))
    [found] = read(Dashboard, cloud)
    assert not found.owned
    assert "body" not in found.attrs
    with pytest.raises(NotYetError):
        replace(dashboard(cloud), body={"widgets": ()}).create(cloud)
    assert theirs.diff(observe(theirs, neighbour(cloud))) == ()


def test_deleting_twice_is_fine() -> None:
    cloud = live()
    found = dashboard(cloud).create(cloud)
    for _ in range(2):
        assert Dashboard.delete(cloud, found).status == "ready"
    assert read(Dashboard, cloud) == []
