"""What EC2 refuses of flow logs, and the nearest that it accepts; whether they can write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import ACCOUNT, Place, Rule, each, hold, steps

WRITE = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}


def trust(service: str = "vpc-flow-logs.amazonaws.com", account: str = ACCOUNT) -> str:
    source = f"arn:aws:ec2:us-east-1:{account}:vpc-flow-log/*"
    condition = {"StringEquals": {"aws:SourceAccount": account}, "ArnLike": {"aws:SourceArn": source}}
    one = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", "Condition": condition}
    return json.dumps({"Version": "2012-10-17", "Statement": [one]})


def role(s: Place, *, document: str = "") -> str:
    made = s.aws.iam.create_role(RoleName=f"{s.name}-flow", AssumeRolePolicyDocument=document or trust())["Role"]
    rights = json.dumps({"Version": "2012-10-17", "Statement": [WRITE]})
    s.aws.iam.put_role_policy(RoleName=f"{s.name}-flow", PolicyName="write", PolicyDocument=rights)
    return str(s.keep("role", made["Arn"]))


def trusted(s: Place) -> None:
    s.aws.iam.update_assume_role_policy(RoleName=f"{s.name}-flow", PolicyDocument=trust())


def flow_log(s: Place, **changes: Any) -> str:
    given = {
        "ResourceType": "VPC",
        "ResourceIds": [s.net.vpc],
        "TrafficType": "ALL",
        "LogGroupName": s.name,
        "DeliverLogsPermissionArn": s.kept["role"],
        **changes,
    }
    return str(s.keep("flow log", s.aws.ec2.create_flow_logs(**given)["FlowLogIds"][0]))


RULES = [
    Rule(
        "ec2:CreateFlowLogs",
        "the role trusts another service",
        "InvalidParameter",
        "VPC user guide, IAM role for publishing flow logs to CloudWatch Logs",
        flow_log,
        steps(trusted, flow_log),
        lambda s: role(s, document=trust("ecs-tasks.amazonaws.com")),
        words="Unable to assume given IAM role",
    ),
    Rule(
        "ec2:CreateFlowLogs",
        "the role trusts the service for another account only",
        "InvalidParameter",
        "VPC user guide, IAM role for publishing flow logs to CloudWatch Logs",
        flow_log,
        steps(trusted, flow_log),
        lambda s: role(s, document=trust(account="999999999999")),
        words="Unable to assume given IAM role",
    ),
    Rule(
        "ec2:CreateFlowLogs",
        "there is one with the same destination",
        "FlowLogAlreadyExists",
        "EC2 API error codes: FlowLogAlreadyExists",
        flow_log,
        lambda s: flow_log(s, LogGroupName=f"{s.name}-2"),
        steps(role, flow_log),
    ),
    Rule(
        "ec2:CreateFlowLogs",
        "tags for a VPC",
        "InvalidParameterValue",
        "API TagSpecification",
        lambda s: flow_log(s, TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}]),
        lambda s: flow_log(
            s, TagSpecifications=[{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "a", "Value": "b"}]}]
        ),
        role,
    ),
    Rule(
        "ec2:DeleteFlowLogs",
        "it is gone",
        "InvalidFlowLogId.NotFound",
        "EC2 API error codes: InvalidFlowLogId.NotFound",
        lambda s: s.aws.ec2.delete_flow_logs(FlowLogIds=["fl-0123456789abcdef0"]),
        lambda s: s.aws.ec2.delete_flow_logs(FlowLogIds=[s.kept["flow log"]]),
        steps(role, flow_log),
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)


def test_a_new_role_is_not_known_at_once(aws: Aws, name: str) -> None:
    s, usual = Place(aws, name), aws.timing.iam
    aws.timing.iam = 12.0
    try:
        steps(lambda s: s.net, role)(s)
        with pytest.raises(ClientError, match="Unable to assume given IAM role"):
            flow_log(s)
        aws.clock.advance(12.0)
        flow_log(s)
    finally:
        aws.timing.iam = usual


def test_a_token_makes_one_flow_log(aws: Aws, name: str) -> None:
    s = Place(aws, name)
    role(s)
    first = flow_log(s, ClientToken="once")
    assert flow_log(s, ClientToken="once") == first
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        flow_log(s, ClientToken="once", TrafficType="REJECT")


def test_it_says_whether_it_can_write(aws: Aws, name: str) -> None:
    s = Place(aws, name)
    steps(role, flow_log)(s)

    def status() -> tuple[str, str]:
        [row] = aws.ec2.describe_flow_logs(FlowLogIds=[s.kept["flow log"]])["FlowLogs"]
        return row["DeliverLogsStatus"], row.get("DeliverLogsErrorMessage", "")

    assert status() == ("FAILED", "Access error")
    aws.logs.create_log_group(logGroupName=name)
    assert status() == ("SUCCESS", "")
    aws.iam.delete_role_policy(RoleName=f"{name}-flow", PolicyName="write")
    assert status() == ("FAILED", "Access error")
