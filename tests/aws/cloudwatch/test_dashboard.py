"""The life cycle of dashboards on the test AWS."""

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
    desired = dashboard(cloud)
    created = desired.create(cloud)
    found = observe(desired, cloud)
    assert desired.diff(found) == desired.diff(created) == ()
    assert found.owned
    assert found.attrs["arn"] == created.attrs["arn"]


def test_another_order_of_keys_is_no_difference() -> None:
    cloud = live()
    desired = dashboard(cloud)
    desired.create(cloud)
    body = json.loads(client("cloudwatch").get_dashboard(DashboardName=desired.name)["DashboardBody"])
    turned = json.dumps(dict(reversed(body.items())), indent=2)
    client("cloudwatch").put_dashboard(DashboardName=desired.name, DashboardBody=turned)
    assert desired.diff(observe(desired, cloud)) == ()


def test_a_change_names_the_widgets_that_differ() -> None:
    cloud = live()
    desired = dashboard(cloud)
    other = {**desired.body, "widgets": [text("one", "First"), text("three", "Second"), text("by hand", "Notes")]}
    replace(desired, body=other).create(cloud)
    [difference] = desired.diff(observe(desired, cloud))
    assert (difference.field, difference.before, difference.after) == ("body", "Second, Notes", "Second")
    assert desired.diff(apply(desired, cloud)) == ()


def test_a_plan_with_an_unknown_value_names_the_widget() -> None:
    cloud = live()
    desired = dashboard(cloud)
    desired.create(cloud)
    moving = {
        **desired.body,
        "widgets": [text("one", "First"), {**text("two", "Second"), "height": Ref("ec2.Vpc/x", "id")}],
    }
    coming = replace(desired, body=moving).resolved({})
    [difference] = coming.diff(observe(desired, cloud))
    assert difference.after == "Second"


def test_another_time_range_is_shown_too() -> None:
    cloud = live()
    desired = dashboard(cloud)
    replace(desired, body={**desired.body, "start": "-PT1H"}).create(cloud)
    [difference] = desired.diff(observe(desired, cloud))
    assert difference.before == difference.after == "dashboard settings"


def test_a_lost_tag_comes_back() -> None:
    cloud = live()
    desired = dashboard(cloud)
    arn = desired.create(cloud).attrs["arn"]
    client("cloudwatch").untag_resource(ResourceARN=arn, TagKeys=["Environment"])
    assert changed(desired, observe(desired, cloud)) == {"tags"}
    assert desired.diff(apply(desired, cloud)) == ()


def test_a_foreign_namesake_is_not_ours_and_its_body_is_not_read() -> None:
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
