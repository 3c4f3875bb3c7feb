"""Flow logs: who talked to whom in a VPC, as lines in a log group.

Sources: EC2 API reference, CreateFlowLogs and DeleteFlowLogs; VPC user guide, "Publish flow logs to CloudWatch Logs"
and "Troubleshoot VPC Flow Logs". Nothing about a flow log can be changed but its tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.clock import utc_now
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.ec2.rows import FLOW_LOGS, TagsOnly, name_of, specification
from missyou_operator.aws.errors import gone, is_absent, message_of
from missyou_operator.aws.idempotency import creating
from missyou_operator.aws.identity import tag_map
from missyou_operator.aws.permissions import ROLES, Condition, Grant, Part, change, make, observe, tag_new
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import READY, Health, Observed, failed
from missyou_operator.engine.values import Ref

#: The service that writes flow logs, which assumes their role.
WRITER = "vpc-flow-logs.amazonaws.com"
_LOGS = ("ec2:vpc-flow-log/*",)
#: Seconds for which two requests share a token: longer than a request is retried, short enough that a deleted flow log
#: is soon created again. Two with one destination exclude each other anyway.
_SAME_REQUEST = 60


@dataclass(frozen=True, kw_only=True)
class FlowLog(TagsOnly):
    """The flow log of a VPC, which `role_arn` writes to `log_group`. It has the role's name: the role tells of it.

    `interval` is the most seconds that one line sums up.
    """

    TYPE: ClassVar[str] = "ec2.FlowLog"
    COMPARED = compare("vpc_id", "log_group", "role_arn", "traffic", "destination", "interval")
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset(COMPARED)
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ec2.Vpc", "iam.Role")
    EFFECTS = Effects(Effect("CreateFlowLogs", 5), Effect("DeleteFlowLogs", 5))
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ec2:DescribeFlowLogs"),
        make("ec2:CreateFlowLogs", on=_LOGS),
        tag_new("ec2:CreateTags", "CreateFlowLogs", on=_LOGS),
        change("ec2:CreateFlowLogs", on=("ec2:vpc/*",)),
        change("ec2:DeleteFlowLogs", "ec2:CreateTags", "ec2:DeleteTags", on=_LOGS),
        Grant(
            Part.CHANGE,
            ("iam:PassRole",),
            ROLES,
            (Condition("StringEquals", "iam:PassedToService", (WRITER,)),),
            implied='a flow log names its role: VPC user guide, "IAM role for publishing flow logs to CloudWatch Logs"',
        ),
    )

    vpc_id: str | Ref
    log_group: str | Ref
    role_arn: str | Ref
    interval: int = 600

    @property
    def traffic(self) -> str:
        """What is logged: connections that were let in, and those that were refused."""
        return "ALL"

    @property
    def destination(self) -> str:
        """The kind of its destination."""
        return "cloud-watch-logs"

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the stack's flow log. Without a sign of one, no call is made: most stacks have none.

        Signs are that it is desired, that the last observation saw it, and its role, which is deleted after it.
        """
        role = any(each.name in reader.names(cls.TYPE) for each in reader.found("iam.Role"))
        if not (role or reader.desired_names(cls.TYPE) or reader.known(cls.TYPE)):
            return []
        return [cls._observed(reader, row) for row in FLOW_LOGS.in_vpc(reader, cls.TYPE)]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        id_ = row["FlowLogId"]
        attrs = {
            "id": id_,
            "vpc_id": row["ResourceId"],
            "log_group": row.get("LogGroupName"),
            "role_arn": row.get("DeliverLogsPermissionArn"),
            "traffic": row.get("TrafficType"),
            "destination": row.get("LogDestinationType"),
            "interval": row.get("MaxAggregationInterval"),
            # AWS's word for what keeps it from writing, None while it writes.
            "problem": row.get("DeliverLogsErrorMessage") if row.get("DeliverLogsStatus") == "FAILED" else None,
        }
        return reader.observed(cls, name_of(reader, cls.TYPE, id_, row), id_, attrs, tag_map(row.get("Tags")))

    def health(self, observed: Observed) -> Health:
        """Return failed while AWS cannot write to the log group."""
        if not (problem := observed.attrs.get("problem")):
            return READY
        message = f"flow log {observed.id} cannot write to {self.log_group}: {problem}"
        return failed("NotDelivered", message, stalled=False)

    def create(self, cloud: Cloud) -> Observed:
        """Create it. AWS tries the role."""
        period = int(utc_now().timestamp() // _SAME_REQUEST)
        try:
            with creating(self.address):
                answer = cloud.client("ec2").create_flow_logs(
                    ResourceType="VPC",
                    ResourceIds=[self.vpc_id],
                    TrafficType=self.traffic,
                    LogDestinationType=self.destination,
                    LogGroupName=self.log_group,
                    DeliverLogsPermissionArn=self.role_arn,
                    MaxAggregationInterval=self.interval,
                    ClientToken=cloud.stack.token(self.address, str(self.vpc_id), str(period)),
                    TagSpecifications=specification("vpc-flow-log", self.tags),
                )
                _raise_first(answer.get("Unsuccessful"), "CreateFlowLogs")
        except ClientError as error:
            # Source: the AWS provider of Terraform, aws_flow_log, which retries these.
            if "Unable to assume given IAM role" in message_of(error):
                message = f"AWS does not know the role of {self.address} yet"
                raise NotYetError(Reason.PROPAGATING, message, 5.0) from error
            if is_absent(error):
                message = "AWS still matches the request to the flow log that was deleted"
                raise NotYetError(Reason.CREATING, message, 15.0) from error
            raise
        return self.as_created(answer["FlowLogIds"][0])

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it. What it has written stays."""

        def delete() -> None:
            answer = cloud.client("ec2").delete_flow_logs(FlowLogIds=[observed.id])
            _raise_first(answer.get("Unsuccessful"), "DeleteFlowLogs")

        return gone(delete)


def _raise_first(unsuccessful: Iterable[Mapping[str, Any]] | None, operation: str) -> None:
    """Raise the first refusal that a successful answer holds."""
    for item in unsuccessful or ():
        raise ClientError({"Error": dict(item["Error"])}, operation)
