"""Names that AWS refuses and moto accepts: a table of operations with parameter, pattern and error code.

The patterns are those of the API references; where one is published for the console or a guide only, the stricter one.
Names with further rules are elsewhere: security groups, secrets, load balancers, databases.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from missyou_local.aws.call import Call, checks
from missyou_local.aws.errors import AwsError


@dataclass(frozen=True, slots=True)
class Name:
    """What a name has to match in full, its parameter, and the code of the refusal."""

    parameter: str
    pattern: re.Pattern[str]
    code: str


_ECS = re.compile(r"[A-Za-z0-9_-]{1,255}")
_GROUP = re.compile(r"(?!default$)[A-Za-z](?:[A-Za-z0-9]|-(?!-))*(?<!-)", re.IGNORECASE)

NAMES: dict[str, Name] = {
    "application-autoscaling:PutScalingPolicy": Name("PolicyName", re.compile(r"[ -~]{1,256}"), "ValidationException"),
    "cloudwatch:PutDashboard": Name("DashboardName", re.compile(r"[A-Za-z0-9_-]{1,255}"), "InvalidParameterInput"),
    "cloudwatch:PutMetricAlarm": Name("AlarmName", re.compile(r"[ -~]{1,255}"), "ValidationError"),
    "ecs:CreateCluster": Name("clusterName", _ECS, "InvalidParameterException"),
    "ecs:CreateService": Name("serviceName", _ECS, "InvalidParameterException"),
    "ecs:RegisterTaskDefinition": Name("family", _ECS, "ClientException"),
    "elbv2:CreateTargetGroup": Name(
        "Name", re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?"), "ValidationError"
    ),
    "iam:CreateRole": Name("RoleName", re.compile(r"[\w+=,.@-]{1,64}", re.ASCII), "ValidationError"),
    "iam:PutRolePolicy": Name("PolicyName", re.compile(r"[\w+=,.@-]{1,128}", re.ASCII), "ValidationError"),
    "logs:CreateLogGroup": Name(
        "logGroupName", re.compile(r"(?!aws/)[.\-_/#A-Za-z0-9]{1,512}"), "InvalidParameterException"
    ),
    "rds:CreateDBParameterGroup": Name("DBParameterGroupName", _GROUP, "InvalidParameterValue"),
    "rds:CreateDBSubnetGroup": Name(
        "DBSubnetGroupName", re.compile(r"(?!default$)[a-z][a-z0-9._ -]{0,254}", re.IGNORECASE), "InvalidParameterValue"
    ),
    "sns:CreateTopic": Name("Name", re.compile(r"[A-Za-z0-9_-]{1,256}"), "InvalidParameter"),
    "wafv2:CreateWebACL": Name("Name", re.compile(r"[\w-]{1,128}", re.ASCII), "ValidationException"),
}


@checks(*NAMES)
def name_is_well_formed(call: Call) -> None:
    """Refuse a name that does not match its pattern."""
    rule = NAMES[f"{call.service}:{call.operation}"]
    name = call.params.get(rule.parameter)
    if name is not None and not rule.pattern.fullmatch(name):
        message = f"The parameter {rule.parameter} is not valid: {name!r} does not match {rule.pattern.pattern}"
        raise AwsError(rule.code, message)
