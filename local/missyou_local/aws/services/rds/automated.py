"""Automated backups, and databases restored from them to a point in time.

Sources: RDS API reference, DescribeDBInstanceAutomatedBackups, DeleteDBInstance (`DeleteAutomatedBackups`),
DeleteDBInstanceAutomatedBackup and RestoreDBInstanceToPointInTime; RDS User Guide, "Retaining automated backups" (for
the retention period of the database) and "Restoring a DB instance to a specified time" (the latest time is about five
minutes ago). A data plane keeps none.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from missyou_local.aws.call import Call, Result, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.rds import copies, refusals, together
from missyou_local.aws.services.rds import instances as rds
from missyou_local.aws.services.rds.backups import as_restored
from missyou_local.aws.services.rds.model import DATABASES
from missyou_local.aws.services.rds.retained import RETAINED, Backups, backups_of

_DAY, _BEHIND = 86_400.0, 300.0


def _all(call: Call) -> list[tuple[str, Backups]]:
    """List the backups that there are, with their status: those that are retained go when their days are over."""
    kept = RETAINED.of(call)
    for resource_id, backups in list(kept.items()):
        if call.now - backups.until > backups.row["BackupRetentionPeriod"] * _DAY:
            del kept[resource_id]
    living = [
        ("active", backups_of(call, name, database, call.now - _BEHIND))
        for name, database in DATABASES.of(call).items()
        if database.busy not in {"creating", "deleting"} and call.moto("rds").databases[name].backup_retention_period
    ]
    return [("retained", backups) for backups in kept.values()] + living + list(copies.listed(call))


def _reach(call: Call, backups: Backups) -> tuple[float, float]:
    days = backups.row["BackupRetentionPeriod"]
    return max(backups.began, call.now - days * _DAY), max(backups.began, backups.until)


_FILTERS = {"db-instance-id": "DBInstanceIdentifier", "dbi-resource-id": "DbiResourceId"}


@handles("rds:DescribeDBInstanceAutomatedBackups")
def describe(call: Call) -> Result:
    """List automated backups, of one database or of all."""
    found = []
    for status, backups in _all(call):
        keys = ("DBInstanceIdentifier", "DbiResourceId", "DBInstanceAutomatedBackupsArn")
        if any(call.params.get(key, backups.row[key]) != backups.row[key] for key in keys):
            continue
        if any(backups.row[_FILTERS[each["Name"]]] not in each["Values"] for each in call.params.get("Filters", ())):
            continue
        first, last = (datetime.fromtimestamp(each, UTC) for each in _reach(call, backups))
        found.append({**backups.row, "Status": status, "RestoreWindow": {"EarliestTime": first, "LatestTime": last}})
    return {"DBInstanceAutomatedBackups": found}


@handles("rds:DeleteDBInstanceAutomatedBackup")
def delete(call: Call) -> Result:
    """Delete retained backups, or a copy that has ended."""
    keys = ("DbiResourceId", "DBInstanceAutomatedBackupsArn")
    [(key, value)] = [(key, call.params[key]) for key in keys if key in call.params]
    for status, backups in _all(call):
        if backups.row[key] != value:
            continue
        resource_id = backups.row["DbiResourceId"]
        if status == "active":
            raise AwsError("InvalidDBInstanceAutomatedBackupState", f"The database of {value} is still there.")
        if RETAINED.of(call).pop(resource_id, None) is None:
            copies.forget(call, resource_id)
        return {"DBInstanceAutomatedBackup": {**backups.row, "Status": "deleting"}}
    raise AwsError("DBInstanceAutomatedBackupNotFound", f"There is no automated backup of {value}", 404)


@handles("rds:RestoreDBInstanceToPointInTime")
def restore(call: Call) -> Result:
    """Start the creation of a database with the data, user and password of another one's automated backups."""
    params, moto = call.params, call.moto("rds")
    name = params["TargetDBInstanceIdentifier"].lower()
    if name in moto.databases:
        raise AwsError("DBInstanceAlreadyExists", "DB instance already exists")
    if call.plane is not None:
        raise AwsError("InvalidRestoreFault", "the data plane keeps no automated backups")
    backups = _source(call)
    _check_time(call, backups)
    row = backups.row
    size = params.get("AllocatedStorage", row["AllocatedStorage"])
    refusals.check_restore(call, row["AllocatedStorage"])
    origin = SimpleNamespace(
        allocated_storage=row["AllocatedStorage"], database=SimpleNamespace(storage_type=row["StorageType"])
    )
    together.check_restore(call, origin)
    rds.check_family(call, row["EngineVersion"])
    call.ask(
        "CreateDBInstance",
        {
            "DBInstanceClass": backups.instance_class,
            **{key: params[key] for key in _TAKEN if key in params},
            "DBInstanceIdentifier": name,
            "DBName": backups.database_name,
            "Engine": row["Engine"],
            "EngineVersion": row["EngineVersion"],
            "MasterUsername": row["MasterUsername"],
            "MasterUserPassword": backups.password,
            "AllocatedStorage": size,
            "StorageType": params.get("StorageType", row["StorageType"]),
            "StorageEncrypted": row["Encrypted"],
        },
    )
    model = moto.databases[name]
    as_restored(call, model)
    model.backup_retention_period = params.get("BackupRetentionPeriod", 1)
    rds.begin(call, name, model, call.arn("kms", "key/of-the-backup"), backups.password)
    result = call.ask("DescribeDBInstances", {"DBInstanceIdentifier": name})
    return {"DBInstance": rds.shown(call, result["DBInstances"][0])}


#: Parameters that the new database takes over from the call.
_TAKEN = (
    *("DBInstanceClass", "DBSubnetGroupName", "DBParameterGroupName", "VpcSecurityGroupIds", "Tags"),
    *("PreferredBackupWindow", "Port"),
)


def _source(call: Call) -> Backups:
    keys = {
        "SourceDbiResourceId": "DbiResourceId",
        "SourceDBInstanceIdentifier": "DBInstanceIdentifier",
        "SourceDBInstanceAutomatedBackupsArn": "DBInstanceAutomatedBackupsArn",
    }
    [(given, value)] = [(key, call.params[key]) for key in keys if key in call.params]
    for _, backups in _all(call):
        if backups.row[keys[given]] == value:
            return backups
    raise AwsError("DBInstanceAutomatedBackupNotFound", f"There is no automated backup of {value}", 404)


def _check_time(call: Call, backups: Backups) -> None:
    wanted, latest = call.params.get("RestoreTime"), call.params.get("UseLatestRestorableTime", False)
    if (wanted is None) != bool(latest):
        raise refusals.combination("Specify either RestoreTime or UseLatestRestorableTime.")
    first, last = _reach(call, backups)
    if wanted is not None and not first <= _seconds(wanted) <= last:
        raise refusals.value(f"The specified restore time {wanted} is not within the restorable time of the instance.")


def _seconds(given: Any) -> float:
    at = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
