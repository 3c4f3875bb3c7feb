"""The PostgreSQL version that a desired one means."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_operator.aws.rds.versions import (
    Gap,
    choose,
    gap,
    major_to_run,
    offers_insights,
    parse,
    version_to_create,
    version_to_upgrade_to,
)
from missyou_operator.engine.errors import RefusedError
from tests.aws.fake import FakeEc2, cloud_of

OFFERED = ["14.22", "15.9", "15.10", "15.16", "16.12"]


@pytest.mark.parametrize(
    ("desired", "chosen"),
    [("15.4", "15.9"), ("15.9", "15.9"), ("15.10", "15.10"), ("15.11", "15.16"), ("15", "15"), ("16.1", "16.12")],
)
def test_the_lowest_version_from_the_desired_one_is_chosen(desired: str, chosen: str) -> None:
    assert choose(desired, reversed(OFFERED)) == chosen


@pytest.mark.parametrize(
    ("desired", "named"), [("15.17", "15.9, 15.10, 15.16, or 15 for"), ("99", "14, 15, 16"), ("13.1", "14, 15, 16")]
)
def test_a_version_not_on_offer_is_refused_with_those_that_are(desired: str, named: str) -> None:
    with pytest.raises(RefusedError, match=named) as refusal:
        choose(desired, OFFERED)
    assert refusal.value.health.reason == "InvalidSpec"
    assert refusal.value.health.stalled


@pytest.mark.parametrize(
    ("desired", "actual", "difference"),
    [
        ("15", "15.4", Gap.NONE),
        ("15.4", "15.4", Gap.NONE),
        ("15.4", "15.19", Gap.NONE),
        ("15.10", "15.9", Gap.MINOR),
        ("15.10", "15.1", Gap.MINOR),
        ("16", "15.19", Gap.MAJOR),
        ("16.1", "15.19", Gap.MAJOR),
        ("15", "16.1", Gap.DOWNGRADE),
        ("15.99", "16.1", Gap.DOWNGRADE),
        ("15", "15", Gap.NONE),
    ],
)
def test_versions_are_compared_by_their_numbers(desired: str, actual: str, difference: Gap) -> None:
    assert gap(desired, actual) is difference
    assert parse("15.10") > parse("15.9")


def rows(**targets: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "EngineVersion": version,
            "Status": "available",
            "ValidUpgradeTarget": [{"EngineVersion": t} for t in targets.get(f"v{version.replace('.', '_')}", [])],
        }
        for version in OFFERED
    ]


def catalogue(default: str = "", **targets: list[str]) -> FakeEc2:
    """Return an RDS whose default minor of each major is `default`, and whose retired versions are listed on demand."""

    def answer(**which: Any) -> dict[str, Any]:
        listed = [row for row in rows(**targets) if which.get("EngineVersion") in {None, row["EngineVersion"]}]
        if which.get("DefaultOnly"):
            listed = [{"EngineVersion": default}] if default else []
        return {"DBEngineVersions": listed}

    return FakeEc2(describe_db_engine_versions=answer)


@pytest.mark.parametrize(
    ("desired", "default", "chosen"),
    [
        ("15.10", "", "15.16"),
        # A late 15 is newer than the default 16, which is no target then.
        ("16", "16.9", "16.12"),
        ("16", "16.13", "16.13"),
        ("16.13", "16.12", "16.13"),
    ],
)
def test_an_upgrade_goes_to_a_target_that_aws_allows(desired: str, default: str, chosen: str) -> None:
    rds = catalogue(default, v15_9=["15.16", "16.13", "16.12"])
    assert version_to_upgrade_to(cloud_of(rds), desired, "15.9") == chosen


def test_a_running_version_that_aws_no_longer_creates_has_targets_all_the_same() -> None:
    row = {"EngineVersion": "15.3", "Status": "deprecated", "ValidUpgradeTarget": [{"EngineVersion": "15.16"}]}
    rds = FakeEc2(describe_db_engine_versions={"DBEngineVersions": [row]})
    assert version_to_upgrade_to(cloud_of(rds), "15.10", "15.3") == "15.16"
    assert rds.arguments("describe_db_engine_versions")["IncludeAll"] is True


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ([], "AWS offers no upgrade of the running PostgreSQL 15.9 at present: keep it"),
        (["15.16"], "15.9 cannot be upgraded to 16.20 in one step. AWS offers majors 15"),
        (["15.16", "16.12"], "AWS offers versions 16.12"),
    ],
)
def test_an_upgrade_without_a_path_is_refused_with_those_there_are(targets: list[str], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        version_to_upgrade_to(cloud_of(catalogue(v15_9=targets)), "16.20", "15.9")
    assert major_to_run(cloud_of(catalogue(v15_9=targets)), "16.20", "15.9") == 15


def test_what_goes_with_a_database_follows_what_runs() -> None:
    cloud = cloud_of(catalogue(v15_9=["16.12"]))
    assert [major_to_run(cloud, "16", running) for running in ("", "15.9", "17.2")] == [16, 16, 17]


def test_retired_versions_are_not_offered_and_the_list_is_read_once() -> None:
    listed = [*rows(), {"EngineVersion": "15.4", "Status": "deprecated"}]
    rds = FakeEc2(describe_db_engine_versions={"DBEngineVersions": listed})
    cloud = cloud_of(rds)
    assert [version_to_create(cloud, "15.4") for _ in range(3)] == ["15.9"] * 3
    assert rds.operations == ["describe_db_engine_versions"]


@pytest.mark.parametrize(
    ("options", "offered"),
    [([], None), ([False, False], False), ([False, True], True)],
)
def test_performance_insights_is_read_by_class_and_version(options: list[bool], offered: bool | None) -> None:
    rds = FakeEc2(
        describe_db_engine_versions={"DBEngineVersions": rows()},
        describe_orderable_db_instance_options={
            "OrderableDBInstanceOptions": [{"SupportsPerformanceInsights": option} for option in options]
        },
    )
    assert offers_insights(cloud_of(rds), "15", "db.t3.micro") is offered
    assert rds.arguments("describe_orderable_db_instance_options")["EngineVersion"] == "15.16"
