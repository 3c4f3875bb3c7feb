"""Which PostgreSQL version a wanted one means: "at least this, of the same major".

AWS retires minors, so that a version that was right when it was written cannot be created any more, and upgrades old
ones by force, so that a newer minor than wanted is found. Source: RDS API reference, DescribeDBEngineVersions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud, pages
from missyou_operator.engine.errors import RefusedError

Rows = Iterable[Mapping[str, Any]]


class Gap(Enum):
    """How a wanted version relates to the one that runs."""

    NONE = "as wanted, or newer of the same major"
    MINOR = "the same major, and too old"
    MAJOR = "an older major"
    DOWNGRADE = "a newer major, and there is no way back"


def parse(version: str) -> tuple[int, ...]:
    """Return the numeric components: 15.10 is newer than 15.9."""
    return tuple(int(part) for part in version.split("."))


def major(version: str) -> int:
    """Return the major. Versions in Extended Support end in a date (11.22-rds.20240418): here they do not matter."""
    return int(version.partition(".")[0])


def gap(wanted: str, actual: str) -> Gap:
    """Compare a wanted version (a major alone, or major and minor) with the one that runs."""
    want, have = parse(wanted), parse(actual)
    if want[0] != have[0]:
        return Gap.MAJOR if want[0] > have[0] else Gap.DOWNGRADE
    return Gap.NONE if have >= want else Gap.MINOR


def as_version(desired: str, observed: str) -> bool:
    """Compare as `COMPARED` does: an older version is a difference, a newer major one of another name."""
    return gap(desired, observed) in {Gap.NONE, Gap.DOWNGRADE}


def choose(wanted: str, offered: Iterable[str]) -> str:
    """Choose what to ask AWS for.

    A major alone stays as it is, for AWS then takes its default minor; otherwise it is the lowest offered version from
    the wanted one on, of the same major. Errors: RefusedError (InvalidSpec) that names what is offered.
    """
    want = parse(wanted)
    versions = sorted(set(offered), key=parse)
    minors = [version for version in versions if parse(version)[0] == want[0]]
    if not minors:
        known = ", ".join(str(major) for major in sorted({parse(version)[0] for version in versions})) or "(none)"
        raise RefusedError(
            Reason.INVALID_SPEC,
            f"spec.database.engineVersion: AWS offers no PostgreSQL {want[0]} here. Majors that it offers: {known}",
        )
    if len(want) == 1:
        return wanted
    enough = [version for version in minors if parse(version) >= want]
    if not enough:
        raise RefusedError(
            Reason.INVALID_SPEC,
            f"spec.database.engineVersion: AWS offers no PostgreSQL {wanted} or newer of that major here. "
            f"Choose one of {', '.join(minors)}, or {want[0]} for AWS's default",
        )
    return enough[0]


def upgrade_targets(current: str, rows: Rows) -> list[str] | None:
    """Return what a running version can be upgraded to directly; None if AWS does not list that version any more."""
    for row in rows:
        if row["EngineVersion"] == current:
            return [target["EngineVersion"] for target in row.get("ValidUpgradeTarget", ())]
    return None


def creatable(cloud: Cloud) -> list[Mapping[str, Any]]:
    """Read the PostgreSQL versions that can be created in this region, once an hour."""
    rows = cloud.hourly(
        "rds.describe_db_engine_versions",
        lambda: pages(cloud.client("rds"), "describe_db_engine_versions", "DBEngineVersions", Engine="postgres"),
    )
    return [row for row in rows if row.get("Status", "available") == "available"]


def version_to_create(cloud: Cloud, wanted: str) -> str:
    """Choose the version of a new instance. Errors: RefusedError."""
    return choose(wanted, (row["EngineVersion"] for row in creatable(cloud)))


def version_to_upgrade_to(cloud: Cloud, wanted: str, current: str) -> str:
    """Choose the version that a running instance is upgraded to. Errors: RefusedError."""
    rows = creatable(cloud)
    targets = upgrade_targets(current, rows)
    return choose(wanted, [row["EngineVersion"] for row in rows] if targets is None else targets)


def offers_insights(cloud: Cloud, version: str, instance_class: str) -> bool | None:
    """Return whether Performance Insights exists for a class; None if AWS does not offer that pair (any more)."""
    if "." not in version:
        minors = [row["EngineVersion"] for row in creatable(cloud) if parse(row["EngineVersion"])[0] == int(version)]
        version = max(minors, key=parse)
    rows = cloud.hourly(
        f"rds.orderable.{version}.{instance_class}",
        lambda: pages(
            cloud.client("rds"),
            "describe_orderable_db_instance_options",
            "OrderableDBInstanceOptions",
            Engine="postgres",
            EngineVersion=version,
            DBInstanceClass=instance_class,
        ),
    )
    return any(row.get("SupportsPerformanceInsights") for row in rows) if rows else None
