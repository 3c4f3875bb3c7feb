"""The automated backups of databases that are deleted. Source: RDS User Guide, "Retaining automated backups"."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from missyou_local.aws.call import Call, Regional
from missyou_local.aws.services.rds.model import Database


@dataclass(frozen=True, slots=True)
class Backups:
    """The automated backups of a database. `row`: what is shown of it; times in seconds since the epoch."""

    row: Mapping[str, Any]
    database_name: str
    instance_class: str
    began: float
    until: float
    password: str = field(repr=False)


RETAINED: Regional[dict[str, Backups]] = Regional(dict)
"""Resource ID -> the backups of a database that is deleted."""


def retain(call: Call, name: str, database: Database) -> None:
    """Keep the backups of a database that is being deleted, unless they are deleted with it: the default."""
    if call.params.get("DeleteAutomatedBackups", True) is False and call.plane is None:
        RETAINED.of(call)[database.resource_id] = backups_of(call, name, database, call.now)


def backups_of(call: Call, name: str, database: Database, until: float) -> Backups:
    """Return the backups of a database of moto's, which reach `until` then."""
    model = call.moto("rds").databases[name]
    resource_id = database.resource_id
    digest = hashlib.sha256(resource_id.encode()).hexdigest()[:26]
    row = {
        "DBInstanceIdentifier": name,
        "DBInstanceArn": call.arn("rds", f"db:{name}"),
        "DbiResourceId": resource_id,
        "DBInstanceAutomatedBackupsArn": call.arn("rds", f"auto-backup:ab-{digest}"),
        "Region": call.region,
        "AllocatedStorage": model.allocated_storage,
        "StorageType": model.storage_type,
        "MasterUsername": model.master_username,
        "Engine": model.engine,
        "EngineVersion": model.engine_version,
        "Encrypted": model.storage_encrypted,
        "BackupRetentionPeriod": model.backup_retention_period,
        "TagList": list(model.tags),
    }
    return Backups(row, model.db_name, model.db_instance_class, database.created, until, database.password)
