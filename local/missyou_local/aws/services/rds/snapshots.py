"""Snapshots: they take time, and outlive their database.

Sources: RDS API reference, CreateDBSnapshot, DescribeDBSnapshots and DeleteDBSnapshot; RDS User Guide,
"Creating a DB snapshot". moto keeps the record, `Snapshot` what moto does not store. AWS's own snapshots (`rds:…`) are
complete at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from missyou_local.aws.call import Call, Regional, Result, checks, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.rds import refusals
from missyou_local.aws.services.rds import servers as rds_servers
from missyou_local.aws.services.rds.model import Database


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What moto does not store about a snapshot. Times in seconds since the epoch."""

    began: float
    until: float
    resource_id: str
    kms_key: str
    password: str = field(repr=False)

    def percent(self, now: float) -> int:
        """Return the progress in percent."""
        return 100 if now >= self.until else int(100 * (now - self.began) / (self.until - self.began))


SNAPSHOTS: Regional[dict[str, Snapshot]] = Regional(dict)
"""Name -> snapshot."""


def begin(  # noqa: PLR0913, PLR0917 - what a snapshot is of, and what it becomes
    call: Call, model: Any, given: str, database: Database, takes: float, tags: Sequence[dict[str, str]] = ()
) -> Any:
    """Start a snapshot of a database of moto's; return moto's record. Raises AwsError where the name is taken."""
    rds, name = call.moto("rds"), given.lower()
    if name in rds.database_snapshots:
        raise AwsError("DBSnapshotAlreadyExists", f"Cannot create the snapshot because {name} already exists.")
    made = rds.create_db_snapshot(model.db_instance_identifier, name, "manual", list(tags))
    key = "of-the-instance" if model.storage_encrypted else ""
    SNAPSHOTS.of(call)[name] = Snapshot(call.now, call.now + takes, database.resource_id, key, database.password)
    rds_servers.keep(call, model.db_instance_identifier, name)
    return made


def find(call: Call, given: str) -> Any:
    """Return moto's record of a snapshot, by name or ARN. Raises AwsError where there is none within reach."""
    name = plain(call, given)
    if name not in call.moto("rds").database_snapshots:
        raise AwsError("DBSnapshotNotFound", f"DBSnapshot {given} not found.", 404)
    return call.moto("rds").database_snapshots[name]


def plain(call: Call, given: str) -> str:
    """Return the name in a name or ARN; an ARN of another account or region stays as it is."""
    return given.lower().removeprefix(call.arn("rds", "snapshot:"))


def complete(call: Call, name: str) -> bool:
    """Return whether a snapshot can be used."""
    known = SNAPSHOTS.of(call).get(name)
    return known is None or (call.now >= known.until and not rds_servers.keeping(call, name))


def encrypted(call: Call, model: Any) -> bool:
    """Return whether a snapshot of moto's is encrypted."""
    known = SNAPSHOTS.of(call).get(model.db_snapshot_identifier)
    return bool(known.kms_key if known else model.database.storage_encrypted)


@handles("rds:DescribeDBSnapshots")
def describe_db_snapshots(call: Call) -> Result:
    """Describe the snapshots as they are by the clock."""
    params = dict(call.params)
    if given := params.get("DBSnapshotIdentifier"):
        params["DBSnapshotIdentifier"] = find(call, given).db_snapshot_identifier
    result = call.forward(params)
    return {**result, "DBSnapshots": [shown(call, row) for row in result.get("DBSnapshots", [])]}


def shown(call: Call, row: dict[str, Any]) -> dict[str, Any]:
    """Correct moto's description of a snapshot."""
    name = row["DBSnapshotIdentifier"]
    done = complete(call, name)
    row["Status"], row["PercentProgress"] = ("available", 100) if done else ("creating", 0)
    row["Encrypted"] = encrypted(call, call.moto("rds").database_snapshots[name])
    row.pop("KmsKeyId", None)
    if known := SNAPSHOTS.of(call).get(name):
        row["DbiResourceId"] = known.resource_id
        row["PercentProgress"] = min(known.percent(call.now), 100 if done else 99)
        if known.kms_key:
            row["KmsKeyId"] = call.arn("kms", f"key/{known.kms_key}")
    return row


@checks("rds:DeleteDBSnapshot")
def only_complete_manual_ones_are_deleted(call: Call) -> None:
    """Refuse to delete an incomplete snapshot, and one of AWS's own."""
    model = find(call, call.params["DBSnapshotIdentifier"])
    name = model.db_snapshot_identifier
    if model.snapshot_type != "manual":
        raise refusals.value(f"{name} is an automated snapshot: only manual snapshots can be deleted")
    if not complete(call, name):
        raise AwsError("InvalidDBSnapshotState", f"Snapshot {name} is not in the available state.")


@handles("rds:DeleteDBSnapshot")
def delete_db_snapshot(call: Call) -> Result:
    """Delete a snapshot at once."""
    name = find(call, call.params["DBSnapshotIdentifier"]).db_snapshot_identifier
    result = call.forward({**call.params, "DBSnapshotIdentifier": name})
    SNAPSHOTS.of(call).pop(name, None)
    rds_servers.forget(call, name)
    return result
