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
    """Choose the version of a new instance.

    A major alone stays as it is: AWS then takes its default minor. Otherwise it is the lowest offered version of the
    same major that is not older. Errors: RefusedError (InvalidSpec), which names the offered versions.
    """
    want, versions = parse(desired), sorted(set(offered), key=parse)
    enough = _enough(desired, versions)
    if enough:
        return desired if len(want) == 1 else enough[0]
    if minors := [version for version in versions if parse(version)[0] == want[0]]:
        raise _refused(
            f"AWS offers no PostgreSQL {desired} or newer of that major in this region. "
            f"Choose one of {', '.join(minors)}, or {want[0]} for AWS's default"
        )
    raise _refused(f"AWS offers no PostgreSQL {want[0]} in this region. Majors on offer: {_majors(versions)}")


def _enough(desired: str, versions: Iterable[str]) -> list[str]:
    """Return the versions of the desired major that are not older than the desired one, in order."""
    want = parse(desired)
    return sorted((v for v in versions if parse(v)[0] == want[0] and parse(v) >= want), key=parse)


def _majors(versions: Iterable[str]) -> str:
    return ", ".join(str(number) for number in sorted({major(version) for version in versions})) or "none"


def _refused(text: str) -> RefusedError:
    return RefusedError(Reason.INVALID_SPEC, f"spec.database.engineVersion: {text}")


def creatable(cloud: Cloud) -> list[Mapping[str, Any]]:
    """Return the PostgreSQL versions that can be created in this region, read once an hour."""
    return [row for row in _described(cloud) if row.get("Status", "available") == "available"]


def version_to_create(cloud: Cloud, desired: str) -> str:
    """Choose the version of a new instance. Errors: RefusedError."""
    return choose(desired, (row["EngineVersion"] for row in creatable(cloud)))


def version_to_upgrade_to(cloud: Cloud, desired: str, current: str) -> str:
    """Choose the version to upgrade a running instance to: one that AWS upgrades the running one to directly.

    A major alone means its default minor, if that is among them: from a late minor, the default of the next major may
    be too old. Source: terraform-aws-modules/terraform-aws-rds issue 627. Errors: RefusedError.
    """
    targets = _targets(cloud, current)
    enough = _enough(desired, targets)
    if not enough:
        if not targets:
            raise _refused(f"AWS offers no upgrade of the running PostgreSQL {current} at present: keep it")
        within = [target for target in targets if major(target) == major(desired)]
        instead = f"versions {', '.join(within)}" if within else f"majors {_majors(targets)}"
        raise _refused(
            f"the running PostgreSQL {current} cannot be upgraded to {desired} in one step. AWS offers {instead}"
        )
    default = _default(cloud, desired) if "." not in desired else ""
    return default if default in enough else enough[0]


def _targets(cloud: Cloud, current: str) -> list[str]:
    """Return the versions that a running one, which AWS may no longer create, can be upgraded to directly."""
    for row in _described(cloud, EngineVersion=current, IncludeAll=True):
        if row["EngineVersion"] == current:
            return [target["EngineVersion"] for target in row.get("ValidUpgradeTarget", ())]
    return [row["EngineVersion"] for row in creatable(cloud)]


def _default(cloud: Cloud, desired: str) -> str:
    """Return AWS's default minor of a major."""
    rows = _described(cloud, EngineVersion=desired, DefaultOnly=True)
    return next((str(row["EngineVersion"]) for row in rows if major(row["EngineVersion"]) == major(desired)), "")


def _described(cloud: Cloud, **which: Any) -> list[Mapping[str, Any]]:
    """Read rows of PostgreSQL's versions, once an hour."""
    return cloud.hourly(
        f"rds.describe_db_engine_versions.{which}",
        lambda: pages(
            cloud.client("rds"), "describe_db_engine_versions", "DBEngineVersions", Engine="postgres", **which
        ),
    )


def major_to_run(cloud: Cloud, desired: str, running: str) -> int:
    """Return the major that goes with a database: the desired one if it can be upgraded to that, else the running one.

    `running` is "" where there is no database. AWS may have upgraded it by force beyond the desired one.
    """
    if not running or gap(desired, running) is not Gap.MAJOR:
        return major(running or desired)
    try:
        return major(version_to_upgrade_to(cloud, desired, running))
    except RefusedError:
        return major(running)


def offers_insights(cloud: Cloud, version: str, instance_class: str) -> bool | None:
    """Return whether AWS offers Performance Insights for a class; None if it does not offer version and class."""
    rows = orderable(cloud, version, instance_class)
    return any(row.get("SupportsPerformanceInsights") for row in rows) if rows else None


def orderable(cloud: Cloud, version: str, instance_class: str) -> list[Mapping[str, Any]]:
    """Return how AWS offers a class for a version (or the newest minor of a major; "" for any), read once an hour."""
    if version and "." not in version:
        minors = [row["EngineVersion"] for row in creatable(cloud) if parse(row["EngineVersion"])[0] == int(version)]
        version = max(minors, key=parse)
    return cloud.hourly(
        f"rds.orderable.{version}.{instance_class}",
        lambda: pages(
            cloud.client("rds"),
            "describe_orderable_db_instance_options",
            "OrderableDBInstanceOptions",
            Engine="postgres",
            DBInstanceClass=instance_class,
            **({"EngineVersion": version} if version else {}),
        ),
    )
