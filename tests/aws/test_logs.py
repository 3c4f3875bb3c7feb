"""The lifecycle of log groups on the test AWS."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.logs import LogGroup
from missyou_operator.aws.rds.instance import DBInstance
from missyou_operator.engine.resource import Observed
from tests.aws.live import apply, changed, client, live, neighbour, observe, read, tags


def group(cloud: Cloud, name: str = "") -> LogGroup:
    name = name or f"/ecs/{cloud.stack.name}"
    return LogGroup(name=name, component="Monitoring", tags=tags(cloud, name, "Monitoring"), retention_days=7)


def test_a_created_group_is_found_as_desired() -> None:
    cloud = live()
    desired = group(cloud)
    created = desired.create(cloud)
    found = observe(desired, cloud)
    assert desired.diff(found) == desired.diff(created) == ()
    assert found.owned
    assert found.component == "Monitoring"
    assert {key: created.attrs[key] for key in ("id", "arn")} == {key: found.attrs[key] for key in ("id", "arn")}


def database(cloud: Cloud, age: timedelta) -> dict[str, list[Observed]]:
    name = f"{cloud.stack.name}-db"
    return {"rds.DBInstance": [Observed(DBInstance, name, name, {"id": name, "created": datetime.now(UTC) - age})]}


def test_a_group_that_rds_created_for_our_database_is_adopted() -> None:
    cloud = live()
    desired = group(cloud, f"/aws/rds/instance/{cloud.stack.name}-db/postgresql")
    found_before = database(cloud, timedelta(minutes=5))
    client("logs").create_log_group(logGroupName=desired.name)
    found = observe(desired, cloud, found_before)
    assert found.owned
    assert changed(desired, found) == {"retention_days", "tags"}
    desired.update(cloud, found, frozenset(changed(desired, found)))
    # With our tags it is ours, with or without the database.
    after = observe(desired, cloud)
    assert after.owned
    assert desired.diff(after) == ()


def test_an_untagged_group_is_not_adopted_without_a_database_nor_if_it_is_older() -> None:
    cloud = live()
    desired = group(cloud, f"/aws/rds/instance/{cloud.stack.name}-db/postgresql")
    client("logs").create_log_group(logGroupName=desired.name)
    assert not observe(desired, cloud).owned
    assert not observe(desired, cloud, database(cloud, timedelta(minutes=-5))).owned


def test_another_owners_group_is_found_but_not_ours() -> None:
    cloud = live()
    group(neighbour(cloud)).create(neighbour(cloud))
    [found] = read(LogGroup, cloud)
    assert not found.owned
    assert "other-cluster" in found.owner


def test_groups_that_share_only_a_prefix_are_ignored() -> None:
    cloud = live()
    client("logs").create_log_group(logGroupName=f"/ecs/{cloud.stack.name}-other")
    assert read(LogGroup, cloud) == []


def test_another_retention_is_set_in_place_and_deleting_twice_succeeds() -> None:
    cloud = live()
    group(cloud).create(cloud)
    desired = replace(group(cloud), retention_days=30)
    found = apply(desired, cloud)
    assert found.attrs["retention_days"] == 30
    for _ in range(2):
        assert LogGroup.delete(cloud, found).status == "ready"
    assert read(LogGroup, cloud) == []
