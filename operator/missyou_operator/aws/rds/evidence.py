"""The evidence that a stack had a database with data in it, which outlives the database.

An instance that somebody deletes takes its tags along. So its subnet group, which every observation reads anyway, bears
the instance's resource ID once there is an instance that can hold data, and `GONE` from the moment in which we begin to
delete it ourselves. A missing instance is therefore a loss exactly if the tag names one, whatever happened to the
operator or to the status in between. Source: API reference, DBInstance, `DbiResourceId`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Cloud, pages
from missyou_operator.aws.errors import is_absent
from missyou_operator.aws.identity import tag_list
from missyou_operator.aws.rds.desired import LATEST, origin_of
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.resource import Observed, Remains

#: On the subnet group: the database whose data the stack holds, as `evidence` writes it.
DATA_TAG = "missyou.app/database-with-data"
#: Its value once the operator has begun to delete that database: AWS allows no empty value.
GONE = "none"
#: States in which an instance holds no data yet, or never will.
_WITHOUT_DATA = frozenset(
    {"creating", "deleting", "failed", "incompatible-create", "incompatible-restore", "restore-error"}
)
#: The fields that say what a new database is restored from: one at a time.
_CHOICES = ("restoreFromSnapshot", "restoreToTime")
#: Snapshots that a message lists.
_MOST = 5


def evidence(observed: Observed, restore_from: str) -> str:
    """Return what stands for an instance with data in it: its resource ID, and what snapshot the spec names; else "".

    A snapshot that the spec names only after the loss is somebody's choice; one that it already named is not.
    """
    if observed.state in _WITHOUT_DATA or not observed.attrs.get("endpoint"):
        return ""
    return _joined(str(observed.attrs["resource_id"]), restore_from)


def lost(world: ObservedState, recorded: str, restore_from: str) -> str:
    """Return the resource ID of a database that is missing and held data, "" where nothing is lost.

    `recorded` is what the status says, which counts where the tag is missing. A snapshot that is named now and was not
    then answers the question what is to become of the stack: nothing is waited for any more.
    """
    groups = (observed for rows in world.values() for observed in rows if observed.kind.TYPE == "rds.DBSubnetGroup")
    tagged = next((group.tags[DATA_TAG] for group in groups if group.owned and DATA_TAG in group.tags), recorded)
    resource_id = tagged.partition("+")[0]
    if resource_id in {"", GONE} or (restore_from and tagged != _joined(resource_id, restore_from)):
        return ""
    return resource_id


def _joined(resource_id: str, restore_from: str) -> str:
    return f"{resource_id}+{hashlib.sha256(restore_from.encode()).hexdigest()[:8]}" if restore_from else resource_id


def give_up(cloud: Cloud, subnet_group: str) -> None:
    """Record that the database is going to be deleted by us. Before the deletion, lest a crash make it a loss."""
    tags = {**cloud.stack.marks, DATA_TAG: GONE}
    try:
        cloud.client("rds").add_tags_to_resource(
            ResourceName=cloud.stack.arn("rds", f"subgrp:{subnet_group}"), Tags=tag_list(tags)
        )
    except ClientError as error:
        if not is_absent(error):
            raise


def remains(cloud: Cloud, name: str, resource_id: str, restore_from: str) -> Remains:
    """Return the name that the instance has now, or the snapshots that can be restored, the newest first."""
    by_id = [{"Name": "dbi-resource-id", "Values": [resource_id]}]
    for row in cloud.client("rds").describe_db_instances(Filters=by_id)["DBInstances"]:
        back = (
            f"aws rds modify-db-instance --region {cloud.stack.region} --db-instance-identifier "
            f"{row['DBInstanceIdentifier']} --new-db-instance-identifier {name} --apply-immediately"
        )
        return Remains(f"It is there, as {row['DBInstanceIdentifier']}: somebody renamed it. To have it back: {back}")
    rows = pages(cloud.client("rds"), "describe_db_snapshots", "DBSnapshots", DBInstanceIdentifier=name)
    usable = [row for row in rows if row.get("Status") == "available"]
    usable.sort(key=lambda row: str(row.get("SnapshotCreateTime", "")), reverse=True)
    snapshots = [str(row["DBSnapshotIdentifier"]) for row in usable[:_MOST]]
    found = f"Its snapshots, the newest first: {', '.join(snapshots)}" if snapshots else "There is no snapshot of it"
    backups = _backups(cloud, name, resource_id)
    if backups:
        first, last = (backups["RestoreWindow"][each] for each in ("EarliestTime", "LatestTime"))
        found += (
            f". Its automated backups are retained: any time from {first:%Y-%m-%dT%H:%M:%SZ} to "
            f"{last:%Y-%m-%dT%H:%M:%SZ} can be restored (spec.database.restoreToTime)"
        )
    # What the spec names already is restored by an approval.
    choice = {"restoreFromSnapshot": snapshots[0]} if snapshots else {}
    if backups and not (usable and usable[0]["SnapshotCreateTime"] > backups["RestoreWindow"]["LatestTime"]):
        choice = {"restoreToTime": LATEST}
    named = origin_of(choice.get("restoreFromSnapshot", ""), choice.get("restoreToTime", ""))
    patch = {"spec": {"database": {**dict.fromkeys(_CHOICES), **choice} if restore_from else choice}}
    offered = json.dumps(patch) if named not in {"", restore_from} else ""
    return Remains(found, offered, f"restore {restore_from} again" if restore_from else "begin empty")


def _backups(cloud: Cloud, name: str, resource_id: str) -> Mapping[str, Any] | None:
    """Return the automated backups of a database that is gone, None where there are none that can be restored."""
    rows = pages(
        cloud.client("rds"),
        "describe_db_instance_automated_backups",
        "DBInstanceAutomatedBackups",
        # The parameter DBInstanceIdentifier is for databases that exist.
        Filters=[{"Name": "db-instance-id", "Values": [name]}],
    )
    found = (row for row in rows if row.get("DbiResourceId") == resource_id and row.get("Status") == "retained")
    return next((row for row in found if len(row.get("RestoreWindow") or {}) > 1), None)
