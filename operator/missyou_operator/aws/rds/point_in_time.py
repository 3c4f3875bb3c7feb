"""Databases restored to a point in time, from the automated backups of a database of the same name.

Backups of a database that was deleted are there as long as it was deleted with them retained, and those of another
region as long as somebody has them replicated here. Sources: RDS API reference, DescribeDBInstanceAutomatedBackups and
RestoreDBInstanceToPointInTime; RDS User Guide, "Restoring a DB instance to a specified time" and "Restoring to a
specified time from a replicated backup".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud, pages
from missyou_operator.aws.rds import storage
from missyou_operator.aws.rds.desired import LATEST, DesiredInstance
from missyou_operator.aws.rds.password import NOBODYS, PASSWORD_TAG
from missyou_operator.aws.rds.restore import (
    RESTORED_TAG,
    UNSUITABLE,
    check_owner,
    common_arguments,
    origin,
    unsuitable,
)
from missyou_operator.engine.errors import NotYetError, RefusedError

_FIELD = "spec.database.restoreToTime"
#: Those of another region are `replicating` while their source is there. AWS does not always write them alike: see
#: hashicorp/terraform-provider-aws, internal/service/rds/instance_automated_backups_replication.go.
_USABLE = frozenset({"active", "replicating", "retained"})


def backups_of(cloud: Cloud, name: str) -> list[Mapping[str, Any]]:
    """Return the automated backups of databases of a name that can be restored, the newest last.

    By a filter: the parameter DBInstanceIdentifier is for databases that exist (RDS API reference,
    DescribeDBInstanceAutomatedBackups).
    """
    filters = [{"Name": "db-instance-id", "Values": [name]}]
    rows = pages(
        cloud.client("rds"), "describe_db_instance_automated_backups", "DBInstanceAutomatedBackups", Filters=filters
    )
    usable = [
        row for row in rows if str(row.get("Status")).lower() in _USABLE and len(row.get("RestoreWindow") or {}) > 1
    ]
    return sorted(usable, key=lambda row: row["RestoreWindow"]["LatestTime"])


def window(row: Mapping[str, Any]) -> str:
    """Return the times that backups can be restored to, for a person."""
    first, last = row["RestoreWindow"]["EarliestTime"], row["RestoreWindow"]["LatestTime"]
    return f"{first:%Y-%m-%dT%H:%M:%SZ} to {last:%Y-%m-%dT%H:%M:%SZ}"


def check(cloud: Cloud, desired: DesiredInstance) -> Mapping[str, Any]:
    """Return the backups to restore from. Errors: NotYetError where there are none, RefusedError where none fits."""
    rows = backups_of(cloud, desired.name)
    if not rows:
        raise NotYetError(
            Reason.SNAPSHOT_NOT_FOUND,
            f"{_FIELD}: there are no automated backups of a database {desired.name} in {cloud.stack.region}. The stack "
            "continues once there are; or name a snapshot in spec.database.restoreFromSnapshot instead (aws rds "
            "describe-db-snapshots --query DBSnapshots[].DBSnapshotIdentifier)",
            60.0,
        )
    row = _covering(_ours(cloud, rows), desired.restore_to)
    named = {**row, "Status": "available", "DBSnapshotIdentifier": row["DBInstanceIdentifier"]}
    if problems := unsuitable(named, desired):
        raise RefusedError(UNSUITABLE, f"{_FIELD}: the backup of {desired.name} {'; '.join(problems)}")
    return row


def _ours(cloud: Cloud, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the backups that are the asker's: a name that was other people's before may have some of theirs, too.

    Error: RefusedError where none is, which says whose the newest are, and nothing of what is in them, nor of when.
    """
    ours, refusal = [], None
    for row in rows:
        try:
            check_owner(cloud, str(row["DBInstanceAutomatedBackupsArn"]), row, _FIELD)
        except RefusedError as error:
            refusal = error
        else:
            ours.append(row)
    if refusal is not None and not ours:
        raise refusal
    return ours


def _covering(rows: Sequence[Mapping[str, Any]], wanted: str) -> Mapping[str, Any]:
    if wanted == LATEST:
        return rows[-1]
    at = datetime.fromisoformat(wanted)
    reaching = [row for row in rows if row["RestoreWindow"]["EarliestTime"] <= at <= row["RestoreWindow"]["LatestTime"]]
    if reaching:
        return reaching[-1]
    windows = " or ".join(window(row) for row in rows)
    raise RefusedError(
        UNSUITABLE,
        f"{_FIELD}: {wanted} is outside of what the automated backups of {rows[-1]['DBInstanceIdentifier']} reach: "
        f"choose a time from {windows}, or {LATEST}",
    )


def restore(cloud: Cloud, desired: DesiredInstance, tags: Mapping[str, str]) -> Mapping[str, Any]:
    """Start a restore with all settings that the call accepts. Errors: as `check`."""
    row = check(cloud, desired)
    chosen = {"PreferredBackupWindow": desired.backup_window} if desired.backup_window else {}
    when: dict[str, Any] = {"UseLatestRestorableTime": True}
    if desired.restore_to != LATEST:
        when = {"RestoreTime": datetime.fromisoformat(desired.restore_to)}
    # Those of another region are known here by their ARN only.
    replicated = row.get("Region", cloud.stack.region) != cloud.stack.region
    source = (
        {"SourceDBInstanceAutomatedBackupsArn": row["DBInstanceAutomatedBackupsArn"]}
        if replicated
        else {"SourceDbiResourceId": row["DbiResourceId"]}
    )
    answer: Mapping[str, Any] = cloud.client("rds").restore_db_instance_to_point_in_time(
        TargetDBInstanceIdentifier=desired.name,
        DBInstanceClass=desired.instance_class,
        **source,
        **when,
        **storage.restored(desired.storage_gib, row),
        **chosen,
        **common_arguments(desired, {**tags, RESTORED_TAG: origin(desired.origin), PASSWORD_TAG: NOBODYS}),
    )["DBInstance"]
    return answer
