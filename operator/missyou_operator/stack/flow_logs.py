"""The flow log of the VPC, its log group, and the role that writes it."""

from __future__ import annotations

from missyou_operator.api.components import Component
from missyou_operator.aws.ec2.flow_logs import WRITER, FlowLog
from missyou_operator.aws.iam.role import Role
from missyou_operator.aws.logs import LogGroup
from missyou_operator.aws.permissions import ROLE_TAG
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context
from missyou_operator.stack.network import Network


def flow_logs(ctx: Context, net: Network) -> None:
    """Declare all three, if the spec enables flow logs."""
    spec, add, named = ctx.app.network.flow_logs, ctx.graph.add, ctx.named(Component.NETWORK)
    if not spec.enabled:
        return
    group = add(LogGroup(**named(naming.FLOW_LOG_GROUP), retention_days=spec.retention_days))
    role = add(
        Role(
            **ctx.named_role(Component.NETWORK)(naming.FLOW_LOG, tags={ROLE_TAG: ctx.stack.name}),
            account=ctx.stack.account,
            service=WRITER,
            # The ID is not known before AWS has tried the role.
            source=ctx.stack.arn("ec2", "vpc-flow-log/*"),
            permissions_boundary=ctx.lookups.boundary,
            policy={"Version": "2012-10-17", "Statement": _statements(ctx, group)},
            description=f"Writes the flow logs of {ctx.stack.app}",
        )
    )
    add(
        FlowLog(
            **named(naming.FLOW_LOG),
            vpc_id=net.vpc.ref(),
            log_group=group.ref(),
            role_arn=role.ref("arn", ready=True),
        )
    )


def _statements(ctx: Context, group: LogGroup) -> tuple[dict[str, object], ...]:
    """Return what AWS asks for: to write to this group alone, and to list groups, but not to create any.

    Lines arrive for minutes after a flow log is deleted: they would create its group again, untagged and never
    expiring. Source: VPC user guide, "IAM role for publishing flow logs to CloudWatch Logs".
    """
    write = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
    return (
        {"Effect": "Allow", "Action": write, "Resource": (ctx.stack.arn("logs", f"log-group:{group.name}:*"),)},
        {"Effect": "Allow", "Action": ("logs:DescribeLogGroups",), "Resource": ("*",)},
    )
