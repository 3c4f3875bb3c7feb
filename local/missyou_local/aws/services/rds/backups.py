"""Snapshots of databases, and databases restored from snapshots.

Sources: RDS API reference, CreateDBSnapshot and RestoreDBInstanceFromDBSnapshot; RDS User Guide, "Restoring to a DB
instance". A restored database has its snapshot's data, user and password. Settings that the call does not name are
AWS's defaults.
"""

from __future__ import annotations

from typing import Any

from missyou_local.aws.call import Call, Result, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.rds import instances as rds
from missyou_local.aws.services.rds import refusals, together
from missyou_local.aws.services.rds import servers as rds_servers
from missyou_local.aws.services.rds import snapshots as rds_snapshots

#: Parameter -> the attribute of moto's model, and its default.
_SETTINGS: dict[str, tuple[str, Any]] = {
    "MultiAZ": ("multi_az", False),
    "DeletionProtection": ("deletion_protection", False),
    "CopyTagsToSnapshot": ("copy_tags_to_snapshot", False),
    "AutoMinorVersionUpgrade": ("auto_minor_version_upgrade", True),
    "EnableCloudwatchLogsExports": ("enabled_cloudwatch_logs_exports", []),
    "PubliclyAccessible": ("publicly_accessible", True),
}


@handles("rds:CreateDBSnapshot")
def create_db_snapshot(call: Call) -> Result:
    """Start a snapshot; its database is `backing-up` until it is complete."""
    name, database = rds.available(call, "backed up")
    model = call.moto("rds").databases[name]
    takes = call.timing.rds_snapshot
    made = rds_snapshots.begin(
        call, model, call.params["DBSnapshotIdentifier"], database, takes, call.params.get("Tags", ())
    )
    database.busy, database.until = "backing-up", call.now + takes
    answer = call.ask("DescribeDBSnapshots", {"DBSnapshotIdentifier": made.db_snapshot_identifier})
    return {"DBSnapshot": rds_snapshots.shown(call, answer["DBSnapshots"][0])}


@handles("rds:RestoreDBInstanceFromDBSnapshot")
def restore(call: Call) -> Result:
    """Start the creation of a database from a snapshot."""
    params, moto = call.params, call.moto("rds")
    name = params["DBInstanceIdentifier"].lower()
    if name in moto.databases:
        raise AwsError("DBInstanceAlreadyExists", "DB instance already exists")
    snapshot = rds_snapshots.find(call, params["DBSnapshotIdentifier"])
    origin = snapshot.db_snapshot_identifier
    if not rds_snapshots.complete(call, origin):
        raise AwsError("InvalidDBSnapshotState", f"The snapshot {origin} is not in the available state.")
    refusals.check_restore(call, snapshot.allocated_storage)
    together.check_restore(call, snapshot)
    rds.check_family(call, snapshot.engine_version)
    rds_servers.needs_data(call, origin)
    call.forward({**params, "DBInstanceIdentifier": name, "DBSnapshotIdentifier": origin})
    model = moto.databases[name]
    as_restored(call, model)
    model.storage_encrypted = rds_snapshots.encrypted(call, snapshot)
    known = rds_snapshots.SNAPSHOTS.of(call).get(origin)
    key = call.arn("kms", f"key/{known.kms_key}") if known else ""
    rds.begin(call, name, model, key, known.password if known else "")
    rds_servers.restore(call, name, origin)
    result = call.ask("DescribeDBInstances", {"DBInstanceIdentifier": name})
    return {"DBInstance": rds.shown(call, result["DBInstances"][0])}


def as_restored(call: Call, model: Any) -> None:
    """Give a restored database the settings of the call: those that it does not name are AWS's, not the origin's."""
    for parameter, (attribute, default) in _SETTINGS.items():
        setattr(model, attribute, call.params.get(parameter, default))
