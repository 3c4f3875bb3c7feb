"""Deletion of an RDS instance: lift its protection, take its final snapshot. Source: API DeleteDBInstance."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import code_of, is_absent
from missyou_operator.aws.rds.evidence import give_up
from missyou_operator.aws.rds.states import WITHOUT_SNAPSHOT, health_of, mending
from missyou_operator.engine.errors import RefusedError
from missyou_operator.engine.resource import READY, Health, Observed, pending

_TYPICAL_SECONDS = 300.0


def delete(cloud: Cloud, observed: Observed, now: datetime) -> Health:
    """Delete an instance, or continue its deletion.

    Errors: RefusedError if a final snapshot is required and cannot be taken.
    """
    deleting = pending(Reason.DELETING, f"the database {observed.id} is being deleted", _TYPICAL_SECONDS)
    if observed.state == "deleting":
        return deleting
    if cloud.final_snapshot and observed.state == "creating":
        message = f"{observed.id} is still being created: its final snapshot can only be taken afterwards"
        return pending(Reason.DELETING, message, _TYPICAL_SECONDS)
    if cloud.final_snapshot and observed.state in WITHOUT_SNAPSHOT:
        raise RefusedError(
            "FinalSnapshotImpossible",
            f"AWS cannot take a snapshot of {observed.id} in the state {observed.state}: set "
            "spec.database.finalSnapshot to false to delete it without one, or repair it first: "
            f"{_state(observed).message}",
        )
    rds = cloud.client("rds")
    try:
        if observed.attrs.get("deletion_protection"):
            rds.modify_db_instance(DBInstanceIdentifier=observed.id, DeletionProtection=False, ApplyImmediately=True)
        if group := observed.attrs.get("subnet_group"):
            give_up(cloud, group)
        _delete(cloud, observed, now)
    except ClientError as error:
        if is_absent(error):
            return READY
        if code_of(error) != "InvalidDBInstanceState":
            raise
        return _unlock(cloud, observed)
    return deleting


def _unlock(cloud: Cloud, observed: Observed) -> Health:
    """Go on where AWS refuses because of the state: it lifts the protection of a running instance only.

    Source: RDS User Guide, "Stopping an Amazon RDS DB instance temporarily" (a stopped one cannot be modified).
    Errors: RefusedError with the command that helps, where a person is needed.
    """
    if observed.state == "stopped":
        cloud.client("rds").start_db_instance(DBInstanceIdentifier=observed.id)
        message = f"{observed.id} is stopped, and AWS deletes it only once it runs: it is being started"
        return pending(Reason.DELETING, message, _TYPICAL_SECONDS)
    health = _state(observed)
    if health.status == "failed":
        raise RefusedError(
            health.reason, f"AWS refuses to delete {observed.id} in its state: {health.message}. Then it is deleted"
        )
    return pending(
        Reason.DELETING, f"{observed.id} is {observed.state}: it is deleted afterwards", health.typical_seconds
    )


def _state(observed: Observed) -> Health:
    return health_of(observed.id, observed.state, reachable=True, mend=mending(observed))


def _delete(cloud: Cloud, observed: Observed, now: datetime) -> None:
    def request(**snapshot: Any) -> None:
        cloud.client("rds").delete_db_instance(
            DBInstanceIdentifier=observed.id, DeleteAutomatedBackups=True, **snapshot
        )

    if not cloud.final_snapshot:
        request(SkipFinalSnapshot=True)
        return
    # A retry on the same day uses the same name, so that it does not leave a second snapshot.
    name = f"{observed.id}-final-{now:%Y%m%d}-{observed.attrs['resource_id'][-8:].lower()}"
    try:
        request(SkipFinalSnapshot=False, FinalDBSnapshotIdentifier=name)
    except ClientError as error:
        if code_of(error) != "DBSnapshotAlreadyExists":
            raise
        # The existing snapshot may predate the last write: this deletion needs its own.
        request(SkipFinalSnapshot=False, FinalDBSnapshotIdentifier=f"{name}-{now:%H%M%S}")
