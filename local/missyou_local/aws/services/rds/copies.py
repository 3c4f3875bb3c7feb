"""Copies of automated backups in another region.

Sources: RDS API reference, StartDBInstanceAutomatedBackupsReplication, StopDBInstanceAutomatedBackupsReplication and
DBInstanceAutomatedBackup; RDS User Guide, "Replicating automated backups to another AWS Region"; issue 2019 of
aws-cloudformation/cloudformation-coverage-roadmap (what an encrypted source without a key is told);
hashicorp/terraform-provider-aws, internal/service/rds/instance_automated_backups_replication.go (the states, and a stop
where nothing runs). A stop takes effect at once here, and a deletion of the source ends the copy, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from missyou_local.aws.backends import backend
from missyou_local.aws.call import Call, Regional, Result, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.rds import refusals
from missyou_local.aws.services.rds.model import DATABASES, Database
from missyou_local.aws.services.rds.retained import Backups, backups_of

#: Seconds that a copy is behind its source.
_BEHIND = 900.0
_DAY = 86_400.0


@dataclass(slots=True)
class Copy:
    """A copy: of the backups of the database `name` in `source`, as they are when it ended (None while it runs)."""

    source: str
    name: str
    resource_id: str
    arn: str
    days: int
    kms_key: str
    tags: list[dict[str, str]]
    ended: Backups | None = None


COPIES: Regional[dict[str, Copy]] = Regional(dict)
"""In the region of the copy: resource ID of the database -> its copy."""


def listed(call: Call) -> Iterator[tuple[str, Backups]]:
    """List the copies in the call's region, with their states: those that ended go when their days are over."""
    for key, copy in list(COPIES.of(call).items()):
        if copy.ended is not None and call.now - copy.ended.until > copy.days * _DAY:
            del COPIES.of(call)[key]
        elif copy.ended is not None:
            yield "retained", copy.ended
        else:
            yield "replicating", _now(call, copy)


def of(call: Call, database: Database) -> list[dict[str, str]]:
    """Return what DescribeDBInstances shows of the copies of a database that run."""
    places = [place for place in COPIES.places() if place[0] == call.account]
    found = (COPIES.at(*place).get(database.resource_id) for place in places)
    return [{"DBInstanceAutomatedBackupsArn": copy.arn} for copy in found if copy is not None and copy.ended is None]


def source_goes(call: Call, database: Database) -> None:
    """End the copies of a database that is being deleted."""
    for account, region in list(COPIES.places()):
        copy = COPIES.at(account, region).get(database.resource_id)
        if account == call.account and copy is not None and copy.ended is None:
            copy.ended = _now(call, copy)


@handles("rds:StartDBInstanceAutomatedBackupsReplication")
def start(call: Call) -> Result:
    """Begin to copy the backups of another region's database to this one."""
    source, name, database = _source(call)
    model = backend("rds", call.account, source).databases[name]
    if database.busy or not model.backup_retention_period:
        raise AwsError("InvalidDBInstanceState", f"{name} is not available, or has no automated backups.")
    if model.storage_encrypted and not call.params.get("KmsKeyId"):
        raise refusals.combination("Encrypted instances require a valid KMS key ID")
    if of(call, database):
        raise AwsError("InvalidDBInstanceState", f"The automated backups of {name} are replicating already.")
    digest = hashlib.sha256(database.resource_id.encode()).hexdigest()[:26]
    copy = Copy(
        source,
        name,
        database.resource_id,
        call.arn("rds", f"auto-backup:ab-{digest}"),
        call.params.get("BackupRetentionPeriod", 7),
        call.params.get("KmsKeyId", ""),
        list(call.params.get("Tags", ())),
    )
    COPIES.of(call)[database.resource_id] = copy
    return {"DBInstanceAutomatedBackup": {**_now(call, copy).row, "RestoreWindow": {}, "Status": "pending"}}


@handles("rds:StopDBInstanceAutomatedBackupsReplication")
def stop(call: Call) -> Result:
    """End it. What was copied stays."""
    _, name, database = _source(call)
    copy = COPIES.of(call).get(database.resource_id)
    if copy is None or copy.ended is not None:
        raise AwsError("InvalidDBInstanceState", f"{name} is not replicating to the current region.")
    copy.ended = _now(call, copy)
    return {"DBInstanceAutomatedBackup": {**copy.ended.row, "Status": "retained"}}


def _source(call: Call) -> tuple[str, str, Database]:
    arn = call.params["SourceDBInstanceArn"]
    _, _, _, region, _, _, name, *_ = f"{arn}:::::::".split(":")
    if region == call.region:
        raise refusals.value("The source DB instance must be in another region.")
    database = DATABASES.at(call.account, region).get(name)
    if database is None or database.busy == "deleting":
        raise AwsError("DBInstanceNotFound", f"DBInstance {arn} not found.", 404)
    return region, name, database


def _now(call: Call, copy: Copy) -> Backups:
    there = replace(call, region=copy.source)
    found = backups_of(there, copy.name, DATABASES.of(there)[copy.name], call.now - _BEHIND)
    own: dict[str, Any] = {
        "DBInstanceAutomatedBackupsArn": copy.arn,
        "BackupRetentionPeriod": copy.days,
        "TagList": copy.tags,
        "KmsKeyId": copy.kms_key,
    }
    return replace(found, row={**found.row, **own})
