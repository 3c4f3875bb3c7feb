"""A copy of the database's automated backups in another region, apart from the database: its troubles block nothing.

AWS copies snapshots and transaction logs there as long as the replication runs; what it has copied stays, when that
ends, for its own retention period. Sources: RDS API reference, StartDBInstanceAutomatedBackupsReplication (sent to the
other region) and StopDBInstanceAutomatedBackupsReplication; RDS User Guide, "Replicating automated backups to another
AWS Region"; hashicorp/terraform-provider-aws, internal/service/rds/instance_automated_backups_replication.go (a stop
takes a while, and its refusal where there is nothing to stop).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import code_of, is_absent, message_of
from missyou_operator.aws.identity import tag_list
from missyou_operator.aws.permissions import TAGGED_BY_REQUEST, Grant, Part, change, observe
from missyou_operator.aws.rds.rows import copied_to
from missyou_operator.aws.rds.states import CHANGEABLE
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import READY, Health, Observed, Resource
from missyou_operator.engine.values import Ref

#: On the instance: the region that the operator has its backups copied to, and for how many days they are kept there.
COPY_TAG = "missyou.app/backup-copy"
#: The refusal of a stop where nothing runs.
_NOT_RUNNING = "not replicating"
#: The database is not available, or an earlier copy has not ended yet.
_BUSY = ("InvalidDBInstanceState", "InvalidDBInstanceAutomatedBackupState")
_START, _STOP = "StartDBInstanceAutomatedBackupsReplication", "StopDBInstanceAutomatedBackupsReplication"


@dataclass(frozen=True, kw_only=True)
class BackupCopy(Resource):
    """The replication of an instance's automated backups to `region`, where they are kept for `retention_days`.

    It is there as long as a tag on the instance says so: a replication that people have begun bears none, and stays
    theirs. The tag knows the days, which the source region does not show. The copy has the stack's tags.
    """

    TYPE: ClassVar[str] = "rds.BackupCopy"
    COMPARED = compare("instance", "region", "retention_days")
    READ_AFTER: ClassVar[tuple[str, ...]] = ("rds.DBInstance",)
    EFFECTS = Effects(Effect(_START, 60), Effect(_STOP, 60), update=Effect(f"{_STOP}, {_START}", 120))
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("rds:DescribeDBInstances"),
        change(f"rds:{_START}", f"rds:{_STOP}", on=("rds:db:{rds.DBInstance}",)),
        Grant(Part.CHANGE, ("rds:AddTagsToResource",), ("rds@*:auto-backup:*",), (TAGGED_BY_REQUEST,)),
        # The copy has no name beforehand, and AWS no condition on it: what is copied has to be ours.
        Grant(Part.CHANGE, (f"rds:{_START}",), ("rds@*:auto-backup:*",)),
    )

    #: The ARN of the instance.
    instance: str | Ref
    region: str
    retention_days: int
    #: The tags of the copied backups. It has none itself, being a part of the instance.
    copy_tags: Mapping[str, str]

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Derive it from the instance already read: no call."""
        return [
            cls._observed(instance)
            for instance in reader.found("rds.DBInstance")
            if COPY_TAG in instance.tags and instance.state != "deleting"
        ]

    @classmethod
    def _observed(cls, instance: Observed) -> Observed:
        region, _, days = instance.tags[COPY_TAG].partition(" ")
        runs = region in instance.attrs["copied_to"]
        attrs = {
            "instance": instance.attrs["arn"],
            "region": region if runs else "",
            "retention_days": int(days) if days.isdecimal() else 0,
            "asked": region,
        }
        id_ = f"{instance.name} to {region}"
        return Observed(cls, instance.name, id_, attrs, instance.tags, component=instance.component)

    def create(self, cloud: Cloud) -> Observed:
        """Start it, unless it runs: somebody may have removed the tag, or begun the same copy by hand."""
        running = self._running(cloud)
        self._note(cloud)
        if self.region not in running:
            self._start(cloud)
        return self.as_created(f"{self.name} to {self.region}", asked=self.region)

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """End what runs, and start what is desired: AWS changes neither region nor days of one that runs.

        AWS may refuse the start until the end is complete; then the next pass goes on from there.
        """
        if observed.attrs["asked"] in self._running(cloud):
            _stop(cloud, str(self.instance), observed.attrs["asked"])
        self._start(cloud)
        self._note(cloud)
        return self.as_desired(observed, asked=self.region)

    def _running(self, cloud: Cloud) -> tuple[str, ...]:
        """Return where the backups are copied to now. Error: NotYetError while the database accepts no change."""
        [row] = cloud.client("rds").describe_db_instances(DBInstanceIdentifier=self.name)["DBInstances"]
        if row.get("DBInstanceStatus") not in CHANGEABLE:
            raise self._waits("until the database is available")
        return copied_to(row)

    def _waits(self, why: str) -> NotYetError:
        return NotYetError("Modifying", f"the copy of {self.name}'s backups in {self.region} waits {why}", 30.0)

    def _start(self, cloud: Cloud) -> None:
        stack, rds = cloud.stack, cloud.clients_in(self.region).client("rds")
        try:
            rds.start_db_instance_automated_backups_replication(
                SourceDBInstanceArn=self.instance,
                BackupRetentionPeriod=self.retention_days,
                # Encrypted backups need a key of that region: this is the one that AWS manages for RDS there.
                KmsKeyId=f"arn:{stack.partition}:kms:{self.region}:{stack.account}:alias/aws/rds",
                Tags=tag_list(self.copy_tags),
                # boto3 signs a request for that region with it, which GovCloud asks for.
                SourceRegion=stack.region,
            )
        except ClientError as error:
            if not code_of(error).startswith(_BUSY):
                raise
            raise self._waits(f"for AWS: {message_of(error)}") from error

    def _note(self, cloud: Cloud) -> None:
        tags = {**cloud.stack.marks, COPY_TAG: f"{self.region} {self.retention_days}"}
        cloud.client("rds").add_tags_to_resource(ResourceName=self.instance, Tags=tag_list(tags))

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """End it. What was copied stays for its retention period."""
        arn = observed.attrs["instance"]
        _stop(cloud, arn, observed.attrs["asked"])
        try:
            cloud.client("rds").remove_tags_from_resource(ResourceName=arn, TagKeys=[COPY_TAG])
        except ClientError as error:
            if not is_absent(error):
                raise
        return READY


def _stop(cloud: Cloud, arn: str, region: str) -> None:
    try:
        cloud.clients_in(region).client("rds").stop_db_instance_automated_backups_replication(SourceDBInstanceArn=arn)
    except ClientError as error:
        ended = code_of(error).startswith("InvalidDBInstanceState") and _NOT_RUNNING in message_of(error)
        if not ended and not is_absent(error):
            raise
