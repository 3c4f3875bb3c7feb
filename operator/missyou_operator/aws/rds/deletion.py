"""How an RDS instance is deleted: its protection lifted, its final snapshot taken. Source: API DeleteDBInstance."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import code_of, is_absent
from missyou_operator.aws.rds.states import WITHOUT_SNAPSHOT
from missyou_operator.engine.errors import RefusedError
from missyou_operator.engine.resource import READY, Health, Observed, pending

_TYPICAL = 300.0


def delete(cloud: Cloud, observed: Observed, now: datetime) -> Health:
    """Delete an instance, or go on deleting it.

    Errors: RefusedError where the final snapshot that is wanted cannot be taken.
    """
    deleting = pending(Reason.DELETING, f"the database {observed.id} is being deleted", _TYPICAL)
    if observed.state == "deleting":
        return deleting
    if cloud.final_snapshot and observed.state == "creating":
        message = f"{observed.id} is still being created: its final snapshot can be taken after that"
        return pending(Reason.DELETING, message, _TYPICAL)
    if cloud.final_snapshot and observed.state in WITHOUT_SNAPSHOT:
        raise RefusedError(
            "FinalSnapshotImpossible",
            f"AWS cannot take a snapshot of {observed.id} in the state {observed.state}: set "
            "spec.database.finalSnapshot to false to have it deleted without one",
        )
    rds = cloud.client("rds")
    try:
        if observed.attrs.get("deletion_protection"):
            rds.modify_db_instance(DBInstanceIdentifier=observed.id, DeletionProtection=False, ApplyImmediately=True)
        _delete(cloud, observed, now)
    except ClientError as error:
        if is_absent(error):
            return READY
        raise
    return deleting


def _delete(cloud: Cloud, observed: Observed, now: datetime) -> None:
    def ask(**snapshot: Any) -> None:
        cloud.client("rds").delete_db_instance(
            DBInstanceIdentifier=observed.id, DeleteAutomatedBackups=True, **snapshot
        )

    if not cloud.final_snapshot:
        ask(SkipFinalSnapshot=True)
        return
    # A second try of the same day gives the same name, so that it does not leave a second snapshot.
    name = f"{observed.id}-final-{now:%Y%m%d}-{observed.attrs['resource_id'][-8:].lower()}"
    try:
        ask(SkipFinalSnapshot=False, FinalDBSnapshotIdentifier=name)
    except ClientError as error:
        if code_of(error) != "DBSnapshotAlreadyExists":
            raise
        # That one may be older than the last thing written: what is deleted now needs its own.
        ask(SkipFinalSnapshot=False, FinalDBSnapshotIdentifier=f"{name}-{now:%H%M%S}")
