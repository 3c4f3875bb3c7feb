"""The PostgreSQL version to use for a desired one, which means "at least this, of the same major".

AWS retires minors, so that a version that was valid once cannot be created any more. It also upgrades old minors by
force, so that an instance may run a newer one than desired. Source: RDS API reference, DescribeDBEngineVersions.
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
    """The relation of the running version to the desired one."""

    NONE = "as desired, or newer of the same major"
    MINOR = "the same major, but too old"
    MAJOR = "an older major"
    DOWNGRADE = "a newer major, which cannot be undone"


def parse(version: str) -> tuple[int, ...]:
    """Return the numeric components: 15.10 is newer than 15.9."""
    return tuple(int(part) for part in version.split("."))


def major(version: str) -> int:
    """Return the major. It is safe for versions in Extended Support, which end in a date (11.22-rds.20240418)."""
    return int(version.partition(".")[0])


def gap(desired: str, actual: str) -> Gap:
    """Compare a desired version (a major alone, or major and minor) with the one that runs."""
    want, have = parse(desired), parse(actual)
    if want[0] != have[0]:
        return Gap.MAJOR if want[0] > have[0] else Gap.DOWNGRADE
    return Gap.NONE if have >= want else Gap.MINOR


def as_version(desired: str, observed: str) -> bool:
    """Compare for `COMPARED`: an older version is a difference. A newer major is reported under another name."""
    return gap(desired, observed) in {Gap.NONE, Gap.DOWNGRADE}


def choose(desired: str, offered: Iterable[str]) -> str:
    """Choose the version to request from AWS.

    A major alone stays as it is: AWS then takes its default minor. Otherwise it is the lowest offered version of the
    same major that is not older. Errors: RefusedError (InvalidSpec), which names the offered versions.
    """
    want = parse(desired)
    versions = sorted(set(offered), key=parse)
    minors = [version for version in versions if parse(version)[0] == want[0]]
    if not minors:
        known = ", ".join(str(major) for major in sorted({parse(version)[0] for version in versions})) or "(none)"
        raise RefusedError(
            Reason.INVALID_SPEC,
            f"spec.database.engineVersion: AWS offers no PostgreSQL {want[0]} in this region. Majors on offer: {known}",
        )
    if len(want) == 1:
        return desired
    enough = [version for version in minors if parse(version) >= want]
    if not enough:
        raise RefusedError(
            Reason.INVALID_SPEC,
            f"spec.database.engineVersion: AWS offers no PostgreSQL {desired} or newer of that major in this region. "
            f"Choose one of {', '.join(minors)}, or {want[0]} for AWS's default",
        )
    return enough[0]


def upgrade_targets(current: str, rows: Rows) -> list[str] | None:
    """Return the versions that a running one can be upgraded to directly; None if AWS no longer lists that one."""
    for row in rows:
        if row["EngineVersion"] == current:
            return [target["EngineVersion"] for target in row.get("ValidUpgradeTarget", ())]
    return None


def creatable(cloud: Cloud) -> list[Mapping[str, Any]]:
    """Return the PostgreSQL versions that can be created in this region, read once an hour."""
    rows = cloud.hourly(
        "rds.describe_db_engine_versions",
        lambda: pages(cloud.client("rds"), "describe_db_engine_versions", "DBEngineVersions", Engine="postgres"),
    )
    return [row for row in rows if row.get("Status", "available") == "available"]


def version_to_create(cloud: Cloud, desired: str) -> str:
    """Choose the version of a new instance. Errors: RefusedError."""
    return choose(desired, (row["EngineVersion"] for row in creatable(cloud)))


def version_to_upgrade_to(cloud: Cloud, desired: str, current: str) -> str:
    """Choose the version to upgrade a running instance to. Errors: RefusedError."""
    rows = creatable(cloud)
    targets = upgrade_targets(current, rows)
    return choose(desired, [row["EngineVersion"] for row in rows] if targets is None else targets)


def offers_insights(cloud: Cloud, version: str, instance_class: str) -> bool | None:
    """Return whether AWS offers Performance Insights for a class; None if it does not offer version and class."""
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
