"""A snapshot that somebody asked for. Behaviour: RDS API reference, CreateDBSnapshot and DescribeDBSnapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from missyou_operator.api.annotations import SNAPSHOT
from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud, Reader, pages
from missyou_operator.aws.idempotency import creating
from missyou_operator.aws.identity import tag_list, tag_map
from missyou_operator.aws.permissions import Grant, change, make, observe
from missyou_operator.engine.resource import FieldChange, Health, Observed, Resource, failed, pending
from missyou_operator.engine.values import Ref

_TAKING_TYPICAL = 180.0


@dataclass(frozen=True, kw_only=True)
class DBSnapshot(Resource):
    """A manual snapshot of the stack's instance; its name is its identifier.

    It is taken once, when the instance is ready. It stays as it was taken, and it stays: also when nobody asks for it
    any more, and when the stack goes.
    """

    TYPE: ClassVar[str] = "rds.DBSnapshot"
    RETAINED: ClassVar[bool] = True
    READ_AFTER: ClassVar[tuple[str, ...]] = ("rds.DBInstance",)
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("rds:DescribeDBSnapshots"),
        make("rds:CreateDBSnapshot", "rds:AddTagsToResource", on=("rds:snapshot:{rds.DBSnapshot}",)),
        change("rds:CreateDBSnapshot", on=("rds:db:{rds.DBInstance}",)),
    )

    instance: str | Ref

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Find the one that is asked for, if any, in a list of all manual ones; without one there is no call."""
        if not reader.desired_names(cls.TYPE):
            return ()
        rows = reader.shared(
            "rds.describe_db_snapshots",
            lambda: pages(reader.client("rds"), "describe_db_snapshots", "DBSnapshots", SnapshotType="manual"),
        )
        wanted = [row for row in rows if row["DBSnapshotIdentifier"] in reader.desired_names(cls.TYPE)]
        return [cls._observed(reader, row) for row in wanted]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        arn, taken = row["DBSnapshotArn"], row.get("SnapshotCreateTime")
        present = {instance.attrs.get("resource_id") for instance in reader.found("rds.DBInstance")}
        attrs = {
            "id": arn,
            "arn": arn,
            "taken": f"{taken:%Y-%m-%d %H:%M} UTC" if taken else "",
            "of_another": bool(present) and row.get("DbiResourceId") not in present,
        }
        tags, state = tag_map(row.get("TagList")), row.get("Status", "creating")
        return reader.observed(cls, row["DBSnapshotIdentifier"], arn, attrs, tags, state)

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:  # noqa: ARG002
        """Find nothing to change."""
        return ()

    def health(self, observed: Observed) -> Health:
        """Judge by the state."""
        match observed.state:
            case "available":
                another = (
                    " of an earlier database: a new value takes one of this" if observed.attrs["of_another"] else ""
                )
                return Health("ready", message=f"taken {observed.attrs['taken']}{another}")
            case "creating":
                return pending(Reason.CREATING, f"{self.name} is being taken; the database serves", _TAKING_TYPICAL)
        return failed(
            "SnapshotFailed",
            f"the snapshot {self.name} is in the state {observed.state}: to have another taken, give the annotation "
            f"{SNAPSHOT} a new value (aws rds describe-events --source-type db-snapshot tells why)",
            stalled=False,
        )

    def create(self, cloud: Cloud) -> Observed:
        """Start to take it, which takes minutes."""
        with creating(self.address):
            row = cloud.client("rds").create_db_snapshot(
                DBSnapshotIdentifier=self.name, DBInstanceIdentifier=self.instance, Tags=tag_list(self.tags)
            )["DBSnapshot"]
        arn = row["DBSnapshotArn"]
        return self.as_created(arn, row.get("Status", "creating"), arn=arn, taken="", of_another=False)

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> NoReturn:  # noqa: ARG002
        """Never happens."""
        raise TypeError(f"{self.address} stays as it was taken")

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> NoReturn:  # noqa: ARG003
        """Never happens."""
        raise TypeError(f"{observed.address} is kept")
