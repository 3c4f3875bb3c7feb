"""RDS's catalogue: PostgreSQL versions that can be created, their upgrade paths, and instance classes.

A plausible late-2026 table: 15.4 is long gone, the default minor is not the newest, and each major has a handful left.
"""

from __future__ import annotations

from typing import Any

from missyou_local.aws.call import Call, Result, handles
from missyou_local.aws.errors import AwsError

CREATABLE = {
    13: range(21, 24),
    14: range(18, 23),
    15: range(13, 18),
    16: range(9, 14),
    17: range(5, 10),
}
"""Major -> the minors that can be created."""
_DEFAULT_MINOR = {13: 22, 14: 21, 15: 16, 16: 12, 17: 8}
_OLDEST_LISTED = {13: 7, 14: 2, 15: 2, 16: 1, 17: 1}

_SIZES_T = ("micro", "small", "medium", "large", "xlarge", "2xlarge")
_SIZES = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
_FAMILIES = {
    "t3": _SIZES_T,
    "t4g": _SIZES_T,
    **dict.fromkeys(("m5", "m6g", "m6i", "m7g", "m8g", "r5", "r6g", "r7g"), _SIZES),
}
#: The first major that a family supports, where it is not all.
_FIRST = {"m8g": 16}
CLASSES = tuple(f"db.{family}.{size}" for family, sizes in _FAMILIES.items() for size in sizes)

Version = tuple[int, int]
_VERSIONS: tuple[Version, ...] = tuple((major, minor) for major, minors in CREATABLE.items() for minor in minors)


def parse(text: str) -> Version:
    """Read `15.16`; a missing minor reads as 0. Raises ValueError for anything else."""
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def resolve(text: str | None) -> str:
    """Return the version that a create call with this one makes: a bare major means the default minor.

    Raises AwsError `InvalidParameterCombination` for a version that cannot be created.
    """
    wanted = text or "17"
    if wanted.isdecimal() and int(wanted) in CREATABLE:
        return f"{wanted}.{_DEFAULT_MINOR[int(wanted)]}"
    if wanted in {_text(version) for version in _VERSIONS}:
        return wanted
    raise AwsError("InvalidParameterCombination", f"Cannot find version {wanted} for postgres")


def upgrades(version: Version) -> list[Version]:
    """Return what a version can be upgraded to: later minors, and later majors of no older age."""
    later = [v for v in _VERSIONS if v[0] == version[0] and v[1] > version[1]]
    ages = {v: index for minors in CREATABLE.items() for index, v in enumerate((minors[0], m) for m in minors[1])}
    age = ages.get(version, 0)
    return later + [v for v in _VERSIONS if v[0] > version[0] and ages[v] >= age]


def supports(class_: str, version: Version) -> bool:
    """Return whether a class can run a version."""
    return version[0] >= _FIRST.get(class_.split(".")[1], 0)


def _text(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


@handles("rds:DescribeDBEngineVersions")
def describe_db_engine_versions(call: Call) -> Result:
    """List PostgreSQL's versions; deprecated ones only with IncludeAll. Other engines are moto's affair: none."""
    params = call.params
    filters = {condition["Name"]: condition["Values"] for condition in params.get("Filters", [])}
    if params.get("Engine", "postgres") != "postgres" or "postgres" not in filters.get("engine", ["postgres"]):
        return {"DBEngineVersions": []}
    listed = list(_VERSIONS)
    if params.get("IncludeAll"):
        listed = sorted((m, n) for m, oldest in _OLDEST_LISTED.items() for n in range(oldest, CREATABLE[m].stop))
    if params.get("DefaultOnly"):
        listed = [v for v in listed if v == (v[0], _DEFAULT_MINOR[v[0]])]
    wanted = [params["EngineVersion"]] if params.get("EngineVersion") else filters.get("engine-version")
    if wanted:
        listed = [v for v in listed if _text(v) in wanted or str(v[0]) in wanted]
    elif params.get("DefaultOnly"):
        listed = [v for v in listed if v[0] == 17]
    families = [params["DBParameterGroupFamily"]] if params.get("DBParameterGroupFamily") else None
    families = families or filters.get("parameter-group-family")
    entries = [_entry(v) for v in listed if not families or f"postgres{v[0]}" in families]
    return {"DBEngineVersions": [e for e in entries if e["Status"] in filters.get("status", [e["Status"]])]}


def _entry(version: Version) -> dict[str, Any]:
    major = version[0]
    return {
        "Engine": "postgres",
        "MajorEngineVersion": str(major),
        "EngineVersion": _text(version),
        "DBParameterGroupFamily": f"postgres{major}",
        "DBEngineDescription": "PostgreSQL",
        "DBEngineVersionDescription": f"PostgreSQL {_text(version)}-R1",
        "ValidUpgradeTarget": [
            {
                "Engine": "postgres",
                "EngineVersion": _text(target),
                "Description": f"PostgreSQL {_text(target)}-R1",
                "AutoUpgrade": target == (major, _DEFAULT_MINOR[major]),
                "IsMajorVersionUpgrade": target[0] != major,
            }
            for target in upgrades(version)
        ],
        "ExportableLogTypes": ["postgresql", "upgrade", "iam-db-auth-error"],
        "SupportsLogExportsToCloudwatchLogs": True,
        "Status": "available" if version in _VERSIONS else "deprecated",
    }


@handles("rds:DescribeOrderableDBInstanceOptions")
def describe_orderable_db_instance_options(call: Call) -> Result:
    """List what can be ordered: each class, for each version, with gp2 and gp3."""
    params = call.params
    if params.get("Engine") != "postgres":
        return {"OrderableDBInstanceOptions": []}
    version = params.get("EngineVersion")
    versions = [v for v in _VERSIONS if not version or version in (_text(v), str(v[0]))]
    classes = [c for c in CLASSES if c == params.get("DBInstanceClass", c)]
    return {
        "OrderableDBInstanceOptions": [
            _orderable(call.region, v, name, storage)
            for v in versions
            for name in classes
            if supports(name, v)
            for storage in ("gp2", "gp3")
        ]
    }


def _orderable(region: str, version: Version, name: str, storage: str) -> dict[str, Any]:
    return {
        "Engine": "postgres",
        "EngineVersion": _text(version),
        "DBInstanceClass": name,
        "LicenseModel": "postgresql-license",
        "AvailabilityZones": [{"Name": f"{region}{letter}"} for letter in "abc"],
        "MultiAZCapable": True,
        "StorageType": storage,
        "SupportsPerformanceInsights": True,
        "SupportsStorageAutoscaling": True,
    }
