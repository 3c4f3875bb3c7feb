"""Snapshots on request. Behaviour: RDS API reference, CreateDBSnapshot and DescribeDBSnapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from missyou_operator.api.annotations import SNAPSHOT
from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.idempotency import creating
from missyou_operator.aws.identity import tag_list, tag_map
from missyou_operator.aws.informer import Source
from missyou_operator.aws.permissions import Grant, change, make, observe
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.resource import FieldChange, Health, Observed, Resource, failed, pending
from missyou_operator.engine.values import Ref

_SNAPSHOTS = Source("rds", "describe_db_snapshots", "DBSnapshots", "DBSnapshotIdentifier", {"SnapshotType": "manual"})

_TYPICAL_SECONDS = 180.0


@dataclass(frozen=True, kw_only=True)
class DBSnapshot(Resource):
    """A manual snapshot of the stack's instance; its name is its identifier.

    It is taken once, when the instance is ready. It is never changed and never deleted, not even when the request is
    withdrawn or the stack is deleted.
    """

    TYPE: ClassVar[str] = "rds.DBSnapshot"
    IF_TAKEN: ClassVar[str] = "Request the snapshot under another value of the annotation missyou.app/snapshot"
    RETAINED: ClassVar[bool] = True
    READ_AFTER: ClassVar[tuple[str, ...]] = ("rds.DBInstance",)
    EFFECTS = Effects(
        Effect(
            "CreateDBSnapshot",
            240,
            "a database without a standby may answer slowly for some seconds",
            source="RDS User Guide, Creating a DB snapshot",
        ),
        Effect("DeleteDBSnapshot", 60),
    )
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("rds:DescribeDBSnapshots"),
        make("rds:CreateDBSnapshot", "rds:AddTagsToResource", on=("rds:snapshot:{rds.DBSnapshot}",)),
        change("rds:CreateDBSnapshot", on=("rds:db:{rds.DBInstance}",)),
    )

    instance: str | Ref

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the requested snapshot from a list of all manual ones. Without a request there is no call."""
        if not reader.desired_names(cls.TYPE):
            return ()
        return [cls._observed(reader, row) for row in reader.listed(_SNAPSHOTS, *reader.desired_names(cls.TYPE))]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        arn, taken = row["DBSnapshotArn"], row.get("SnapshotCreateTime")
        present = {instance.attrs.get("resource_id") for instance in reader.found("rds.DBInstance")}
        attrs = {
            "id": arn,
            "arn": arn,
            "taken": f"{taken:%Y-%m-%d %H:%M} UTC" if taken else "",
            "of_earlier_instance": bool(present) and row.get("DbiResourceId") not in present,
        }
        tags, state = tag_map(row.get("TagList")), row.get("Status", "creating")
        return reader.observed(cls, row["DBSnapshotIdentifier"], arn, attrs, tags, state)

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:  # noqa: ARG002
        """Return no changes: a snapshot never changes."""
        return ()

    def health(self, observed: Observed) -> Health:
        """Return the health of the state."""
        match observed.state:
            case "available":
                earlier = " of an earlier database; for one of the present database, set a new value"
                note = earlier if observed.attrs["of_earlier_instance"] else ""
                return Health("ready", message=f"taken {observed.attrs['taken']}{note}")
            case "creating":
                message = f"{self.name} is being taken; the database stays available"
                return pending(Reason.CREATING, message, _TYPICAL_SECONDS)
        return failed(
            "SnapshotFailed",
            f"the snapshot {self.name} is in the state {observed.state}: to take another, set the annotation "
            f"{SNAPSHOT} to a new value (aws rds describe-events --source-type db-snapshot shows why it failed)",
            stalled=False,
        )

    def create(self, cloud: Cloud) -> Observed:
        """Start taking it, which lasts minutes."""
        with creating(self.address):
            row = cloud.client("rds").create_db_snapshot(
                DBSnapshotIdentifier=self.name, DBInstanceIdentifier=self.instance, Tags=tag_list(self.tags)
            )["DBSnapshot"]
        arn = row["DBSnapshotArn"]
        return self.as_created(arn, row.get("Status", "creating"), arn=arn, taken="", of_earlier_instance=False)

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> NoReturn:  # noqa: ARG002
        """Raise TypeError: it has no differences."""
        raise TypeError(f"{self.address} cannot be changed")

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> NoReturn:  # noqa: ARG003
        """Raise TypeError: it is `RETAINED`."""
        raise TypeError(f"{observed.address} is never deleted")
