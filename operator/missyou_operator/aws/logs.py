"""CloudWatch log groups. Behaviour: CloudWatch Logs API reference, CreateLogGroup and PutRetentionPolicy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from missyou_operator.aws import tagged
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import gone
from missyou_operator.aws.idempotency import creating
from missyou_operator.aws.informer import TAGS, Source
from missyou_operator.aws.permissions import Grant, change, make, observe
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.tags import retag
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.resource import Health, Observed, Resource

#: Some actions take an ARN that ends in `:*`. Source: CloudWatch Logs User Guide, "Log group ARN formats".
_NAMES = ("logs:log-group:{logs.LogGroup}", "logs:log-group:{logs.LogGroup}:*")

#: Key of `NAMES`: the group that flow logs are written to.
FLOW_LOGS = "ec2.FlowLogGroup"


@dataclass(frozen=True, kw_only=True)
class LogGroup(Resource):
    """A log group. RDS creates a missing one by itself, untagged and never expiring; that one is adopted.

    Any other untagged one is somebody else's, whatever its name. So is one that is older than our database: RDS has
    made it for another. Source: RDS User Guide, "Publishing PostgreSQL logs to Amazon CloudWatch Logs".
    """

    TYPE: ClassVar[str] = "logs.LogGroup"
    COMPARED = compare("retention_days")
    # Whatever still writes to it would create it again.
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ecs.Service", "rds.DBInstance", "ec2.FlowLog")
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ec2.Vpc", "rds.DBInstance")
    EFFECTS = Effects(
        Effect("CreateLogGroup, PutRetentionPolicy"),
        Effect("DeleteLogGroup"),
        fields={"retention_days": Effect("PutRetentionPolicy")},
    )
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("logs:DescribeLogGroups"),
        tagged.PERMISSION,
        observe("logs:ListTagsForResource", on=_NAMES),
        make("logs:CreateLogGroup", "logs:TagResource", on=_NAMES),
        change("logs:PutRetentionPolicy", "logs:DeleteLogGroup", "logs:UntagResource", on=_NAMES),
    )

    retention_days: int

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the stack's groups by name; the tags of each take a call.

        Stacks share the list of each prefix, the text before the stack's name.
        """
        if reader.cannot_exist_yet():
            return []
        prefixes = dict.fromkeys(pattern.partition("{")[0] for pattern in reader.patterns[cls.TYPE])
        # A group that is older than the stack may have any name.
        prefixes |= dict.fromkeys(name for name in reader.names(cls.TYPE) if not name.startswith(tuple(prefixes)))
        rows = [row for prefix in prefixes for row in reader.named(_groups(prefix), cls.TYPE)]
        return [cls._observed(reader, row) for row in rows]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        name, arn = row["logGroupName"], row["arn"].removesuffix(":*")
        tags = reader.tags(
            arn, lambda: reader.detail(TAGS, "logs", "list_tags_for_resource", resourceArn=arn).get("tags", {})
        )
        attrs = {
            "id": name,
            "arn": arn,
            "retention_days": row.get("retentionInDays"),
            "created": row.get("creationTime"),
            "traffic": name in reader.names(FLOW_LOGS) and bool(row.get("storedBytes")),
        }
        return reader.observed(cls, name, name, attrs, tags, adopt=_made_by_rds(reader, row))

    def create(self, cloud: Cloud) -> Observed:
        """Create it and set its retention."""
        logs = cloud.client("logs")
        with creating(self.address):
            logs.create_log_group(logGroupName=self.name, tags=dict(self.tags))
        logs.put_retention_policy(logGroupName=self.name, retentionInDays=self.retention_days)
        return self.as_created(self.name, arn=cloud.stack.arn("logs", f"log-group:{self.name}"))

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Set tags and retention."""
        logs = cloud.client("logs")
        # Tags first: the operator's policy allows changes only to what bears them.
        if "tags" in changed:
            arn = observed.attrs["arn"]
            retag(
                self,
                observed,
                lambda keys: logs.untag_resource(resourceArn=arn, tagKeys=keys),
                lambda: logs.tag_resource(resourceArn=arn, tags=dict(self.tags)),
            )
        if "retention_days" in changed:
            logs.put_retention_policy(logGroupName=self.name, retentionInDays=self.retention_days)
        return self.as_desired(observed)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it with everything logged to it."""
        return gone(lambda: cloud.client("logs").delete_log_group(logGroupName=observed.id))

    @classmethod
    def incarnation(cls, observed: Observed) -> str:
        """Return when it was created."""
        return str(observed.attrs.get("created", ""))

    @classmethod
    def holds_data(cls, observed: Observed) -> str:
        """Return that flow logs would be lost, which tell what happened: others go only with the whole stack."""
        return f"the flow logs in the log group {observed.id}" if observed.attrs.get("traffic") else ""


def _made_by_rds(reader: Reader, row: Mapping[str, Any]) -> bool:
    """Return whether RDS has made a log group for our database, and not for an earlier one of its name."""
    return any(
        row["logGroupName"].startswith(f"/aws/rds/instance/{database.id}/")
        and database.attrs["created"] is not None
        and row.get("creationTime", 0) >= database.attrs["created"].timestamp() * 1000
        for database in reader.found("rds.DBInstance")
    )


def _groups(prefix: str) -> Source:
    return Source("logs", "describe_log_groups", "logGroups", "logGroupName", {"logGroupNamePrefix": prefix})


KINDS: tuple[type[Resource], ...] = (LogGroup,)
