"""Flow logs: the role that must be ready for them, their client token, and whether they can write.

moto creates and lists them. What it lacks is here. No lines are written. Sources: EC2 API reference, CreateFlowLogs;
VPC user guide, "IAM role for publishing flow logs to CloudWatch Logs" and "Troubleshoot VPC Flow Logs".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, Regional, Result, checks, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.ec2.requests import Tokens, made_by_token
from missyou_local.aws.services.iam import propagation, rights

_WRITER = "vpc-flow-logs.amazonaws.com"


@dataclass(slots=True)
class _FlowLogs:
    by_token: Tokens = field(default_factory=dict)


_flow_logs: Regional[_FlowLogs] = Regional(_FlowLogs)


@checks("ec2:CreateFlowLogs")
def the_role_can_be_assumed(call: Call) -> None:
    """Refuse a role that is not there, is not known yet, or does not trust the service. Source: see the operator."""
    arn = call.params.get("DeliverLogsPermissionArn")
    if arn and not (_trusts(call, arn) and propagation.is_known(call, arn)):
        raise AwsError("InvalidParameter", "Unable to assume given IAM role")


@handles("ec2:CreateFlowLogs")
def create_flow_logs(call: Call) -> Result:
    """Create a flow log, or return the one that the client token made."""
    known, token = _flow_logs.of(call).by_token, call.params.get("ClientToken")
    if made := made_by_token(call, known):
        return {"FlowLogIds": [made], "Unsuccessful": [], "ClientToken": token}
    result = call.forward()
    if token and result["FlowLogIds"]:
        known[token] = result["FlowLogIds"][0], dict(call.params)
    return {**result, "ClientToken": token} if token else result


@handles("ec2:DescribeFlowLogs")
def describe_flow_logs(call: Call) -> Result:
    """List flow logs, each with whether it can write now; moto knows only whether it could at its creation."""
    result = call.forward()
    return {**result, "FlowLogs": [_as_it_is(call, row) for row in result["FlowLogs"]]}


def _as_it_is(call: Call, row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in row.items() if not key.startswith("DeliverLogs")}
    role, group = row.get("DeliverLogsPermissionArn"), row.get("LogGroupName")
    if role is None or group is None:
        return dict(row)
    stream = call.arn("logs", f"log-group:{group}:log-stream:eni-any")
    allowed = _trusts(call, role) and all(
        rights.may(call, role, f"logs:{action}", stream) for action in ("CreateLogStream", "PutLogEvents")
    )
    if allowed and group in call.moto("logs").groups:
        status = {"DeliverLogsStatus": "SUCCESS"}
    else:
        status = {"DeliverLogsStatus": "FAILED", "DeliverLogsErrorMessage": "Access error"}
    return {**kept, "DeliverLogsPermissionArn": role, **status}


def _trusts(call: Call, arn: str) -> bool:
    """Return whether a role is there and lets the service assume it for a flow log of this account and region."""
    role = next((each for each in backends.backend("iam", call.account, "global").get_roles() if each.arn == arn), None)
    document = json.loads(role.assume_role_policy_document) if role is not None else {"Statement": []}
    return any(_lets(call, statement) for statement in document["Statement"])


def _lets(call: Call, statement: Mapping[str, Any]) -> bool:
    service, condition = statement["Principal"].get("Service"), statement.get("Condition") or {}
    account = condition.get("StringEquals", {}).get("aws:SourceAccount", call.account)
    source = condition.get("ArnLike", {}).get("aws:SourceArn", "*")
    one = call.arn("ec2", "vpc-flow-log/fl-0")
    return bool(
        statement["Effect"] == "Allow" and service == _WRITER and account == call.account and fnmatchcase(one, source)
    )
