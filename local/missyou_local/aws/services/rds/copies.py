"""Copies of automated backups in another region.

Sources: RDS API reference, StartDBInstanceAutomatedBackupsReplication, StopDBInstanceAutomatedBackupsReplication,
DeleteDBInstanceAutomatedBackup and DBInstanceAutomatedBackup; RDS User Guide, "Replicating automated backups to another
AWS Region" and "Backup retention period"; boto/boto3 issue 3201 (what a region that is the source's own is told);
issue 2019 of aws-cloudformation/cloudformation-coverage-roadmap (what an encrypted source without a key is told);
aws-cloudformation/aws-cloudformation-resource-providers-rds, pull request 516 (one key for all that is retained in a
region); hashicorp/terraform-provider-aws, internal/service/rds/instance_automated_backups_replication.go (the states,
a stop that takes its time, and one where nothing runs). A deletion of the source ends the copy, too. Not played: which
pairs of regions AWS offers (DescribeSourceRegions tells them).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from missyou_local.aws import limits
from missyou_local.aws.backends import backend
from missyou_local.aws.call import ADVANCERS, Call, Regional, Result, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.rds import refusals
from missyou_local.aws.services.rds.model import DATABASES, Database
from missyou_local.aws.services.rds.retained import Backups, backups_of

#: Seconds that a copy is behind its source.
_BEHIND = 900.0
_DAY = 86_400.0
_LONGEST_DAYS = 35


@dataclass(slots=True)
class Copy:
    """A copy: of the backups of the database `name` in `source`, as they are when it was ended (None while it runs).

    `ends` is when it has ended, in seconds since the epoch: some time after it was ended.
    """

    source: str
    name: str
    resource_id: str
    arn: str
    days: int
    kms_key: str
    tags: list[dict[str, str]]
    ended: Backups | None = None
    ends: float = 0.0

    def status(self, now: float) -> str:
        """Return what DescribeDBInstanceAutomatedBackups calls its state."""
        if self.ended is None:
            return "replicating"
        return "pending" if now < self.ends else "retained"


COPIES: Regional[dict[str, Copy]] = Regional(dict)
"""In the region of the copy: resource ID of the database -> its copy."""


def listed(call: Call) -> Iterator[tuple[str, Backups]]:
    """List the copies in the call's region, with their states: those that ended go when their days are over."""
    for key, copy in list(COPIES.of(call).items()):
        if copy.ended is not None and call.now - copy.ended.until > copy.days * _DAY:
            del COPIES.of(call)[key]
        else:
            yield copy.status(call.now), copy.ended or _now(call, copy)


@limits.counts("backup_copies")
def running(call: Call) -> int:
    """Count the copies in the call's region that have not ended."""
    return sum(copy.status(call.now) != "retained" for copy in COPIES.of(call).values())


def of(call: Call, database: Database) -> list[dict[str, str]]:
    """Return what DescribeDBInstances shows of the copies of a database that have not ended."""
    return [{"DBInstanceAutomatedBackupsArn": copy.arn} for copy in _of(call, database)]


def _of(call: Call, database: Database) -> list[Copy]:
    places = [place for place in COPIES.places() if place[0] == call.account]
    found = (COPIES.at(*place).get(database.resource_id) for place in places)
    return [copy for copy in found if copy is not None and copy.status(call.now) != "retained"]


def source_goes(call: Call, database: Database) -> None:
    """End the copies of a database that is being deleted."""
    for copy in _of(call, database):
        copy.ended = copy.ended or _now(call, copy)
        copy.ends = call.now


@handles("rds:StartDBInstanceAutomatedBackupsReplication")
def start(call: Call) -> Result:
    """Begin to copy the backups of another region's database to this one."""
    source, name, database = _source(call)
    model = backend("rds", call.account, source).databases[name]
    _check_state(call, name, database, model)
    _check_key(call, database, model)
    days = call.params.get("BackupRetentionPeriod", 7)
    if not 1 <= days <= _LONGEST_DAYS:
        raise refusals.value(f"Invalid backup retention period: {days}. It must be between 1 and {_LONGEST_DAYS}.")
    digest = hashlib.sha256(database.resource_id.encode()).hexdigest()[:26]
    copy = Copy(
        source,
        name,
        database.resource_id,
        call.arn("rds", f"auto-backup:ab-{digest}"),
        days,
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
    copy.ended, copy.ends = _now(call, copy), call.now + call.timing.backup_copy
    return {"DBInstanceAutomatedBackup": {**copy.ended.row, "Status": copy.status(call.now)}}


def forget(call: Call, resource_id: str) -> None:
    """Delete a copy that has ended. Error: AwsError while it has not."""
    if COPIES.of(call)[resource_id].status(call.now) != "retained":
        raise AwsError("InvalidDBInstanceAutomatedBackupState", "The automated backup is still being replicated.")
    del COPIES.of(call)[resource_id]


def _check_state(call: Call, name: str, database: Database, model: Any) -> None:
    if database.busy or not model.backup_retention_period:
        raise AwsError("InvalidDBInstanceState", f"{name} is not available, or has no automated backups.")
    for copy in _of(call, database):
        if copy.ended is not None:
            raise AwsError("InvalidDBInstanceAutomatedBackupState", f"The replication of {name} is being stopped.")
        raise AwsError("InvalidDBInstanceState", f"The automated backups of {name} are replicating already.")


def _check_key(call: Call, database: Database, model: Any) -> None:
    key = call.params.get("KmsKeyId", "")
    if not model.storage_encrypted:
        return
    if not key:
        raise refusals.combination("Encrypted instances require a valid KMS key ID")
    if key.startswith("arn:") and key.split(":")[3] != call.region:
        raise AwsError("KMSKeyNotAccessibleFault", f"The key {key} is not in {call.region}.")
    kept = COPIES.of(call).get(database.resource_id)
    if kept is not None and kept.kms_key != key:
        raise refusals.combination(f"The automated backups retained in {call.region} have the key {kept.kms_key}.")


def _source(call: Call) -> tuple[str, str, Database]:
    arn = call.params["SourceDBInstanceArn"]
    _, _, _, region, _, _, name, *_ = f"{arn}:::::::".split(":")
    if region == call.region:
        raise refusals.value(f"Feature is not available in region {call.region}.")
    # The source's region is brought up to the clock only by calls to it.
    there = replace(call, region=region)
    for advance in ADVANCERS["rds"]:
        advance(there)
    database = DATABASES.of(there).get(name)
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
