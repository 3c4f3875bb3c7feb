"""What CloudWatch and its logs refuse, and the nearest that they accept."""

from __future__ import annotations

import json
from typing import Any

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import ACCOUNT, Act, Place, Rule, each, hold, steps


def _log_group(s: Place) -> None:
    s.aws.logs.create_log_group(logGroupName=s.name)


def _alarm(**changes: Any) -> Act:
    params = {
        "MetricName": "CPUUtilization",
        "Namespace": "AWS/ECS",
        "Period": 60,
        "EvaluationPeriods": 2,
        "Threshold": 80.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "Statistic": "Average",
        **changes,
    }
    return lambda s: s.aws.cloudwatch.put_metric_alarm(AlarmName=s.name, **params)


def _watching(metrics: list[dict[str, Any]]) -> Act:
    fields = {"EvaluationPeriods": 2, "Threshold": 80.0, "ComparisonOperator": "GreaterThanThreshold"}
    return lambda s: s.aws.cloudwatch.put_metric_alarm(AlarmName=s.name, Metrics=metrics, **fields)


def _expression(text: str) -> dict[str, Any]:
    return {"Id": "result", "Expression": text, "ReturnData": True}


def _operand(name: str) -> dict[str, Any]:
    metric = {"Namespace": "AWS/ApplicationELB", "MetricName": "RequestCount"}
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False}


def _topics(count: int) -> dict[str, list[str]]:
    return {"AlarmActions": [f"arn:aws:sns:us-east-1:{ACCOUNT}:t{number}" for number in range(count)]}


def _dashboard(name: str = "", body: str = '{"widgets": []}') -> Act:
    return lambda s: s.aws.cloudwatch.put_dashboard(DashboardName=name or s.name, DashboardBody=body)


def _widgets(*widgets: dict[str, Any]) -> str:
    return json.dumps({"widgets": widgets})


TEXT = {"type": "text", "properties": {"markdown": "here"}}
METRIC = {"type": "metric", "properties": {"region": "us-east-1", "metrics": [["AWS/ECS", "CPUUtilization"]]}}


def _tag(s: Place, arn: str) -> None:
    s.aws.cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "b"}])


LOGS = [
    Rule(
        "logs:CreateLogGroup",
        "the name is taken",
        "ResourceAlreadyExistsException",
        "API CreateLogGroup",
        _log_group,
        lambda s: s.aws.logs.create_log_group(logGroupName=s.name + "-2"),
        _log_group,
    ),
    Rule(
        "logs:CreateLogGroup",
        "a character in the name",
        "InvalidParameterException",
        "API CreateLogGroup",
        lambda s: s.aws.logs.create_log_group(logGroupName=s.name + ":x"),
        lambda s: s.aws.logs.create_log_group(logGroupName="/" + s.name + "/#x"),
    ),
    Rule(
        "logs:CreateLogGroup",
        "the name begins with aws/",
        "InvalidParameterException",
        "API CreateLogGroup",
        lambda s: s.aws.logs.create_log_group(logGroupName="aws/" + s.name),
        lambda s: s.aws.logs.create_log_group(logGroupName="/aws/" + s.name),
    ),
    Rule(
        "logs:PutRetentionPolicy",
        "a number of days that is not offered",
        "InvalidParameterException",
        "API PutRetentionPolicy",
        lambda s: s.aws.logs.put_retention_policy(logGroupName=s.name, retentionInDays=8),
        lambda s: s.aws.logs.put_retention_policy(logGroupName=s.name, retentionInDays=7),
        _log_group,
    ),
    Rule(
        "logs:PutRetentionPolicy",
        "the group does not exist",
        "ResourceNotFoundException",
        "API PutRetentionPolicy",
        lambda s: s.aws.logs.put_retention_policy(logGroupName=s.name, retentionInDays=7),
        steps(_log_group, lambda s: s.aws.logs.put_retention_policy(logGroupName=s.name, retentionInDays=7)),
    ),
    Rule(
        "logs:DeleteLogGroup",
        "the group does not exist",
        "ResourceNotFoundException",
        "API DeleteLogGroup",
        lambda s: s.aws.logs.delete_log_group(logGroupName=s.name),
        steps(_log_group, lambda s: s.aws.logs.delete_log_group(logGroupName=s.name)),
    ),
]


ALARMS = [
    Rule(
        "cloudwatch:PutMetricAlarm",
        "a period that is no multiple of 60",
        "ValidationError",
        "API PutMetricAlarm",
        _alarm(Period=90),
        _alarm(Period=30),
    ),
    Rule(
        "cloudwatch:PutMetricAlarm",
        "more than a day is looked at",
        "ValidationError",
        "API PutMetricAlarm",
        _alarm(Period=900, EvaluationPeriods=97),
        _alarm(Period=900, EvaluationPeriods=96),
    ),
    Rule(
        "cloudwatch:PutMetricAlarm",
        "more than a week is looked at",
        "ValidationError",
        "API PutMetricAlarm",
        _alarm(Period=3600, EvaluationPeriods=169),
        _alarm(Period=3600, EvaluationPeriods=168),
    ),
    Rule(
        "cloudwatch:PutMetricAlarm",
        "more data points than periods",
        "ValidationError",
        "API PutMetricAlarm",
        _alarm(DatapointsToAlarm=3),
        _alarm(DatapointsToAlarm=2),
    ),
    Rule(
        "cloudwatch:PutMetricAlarm",
        "missing data treated in an unknown way",
        "ValidationError",
        "API PutMetricAlarm",
        _alarm(TreatMissingData="notbreaching"),
        _alarm(TreatMissingData="notBreaching"),
    ),
    Rule(
        "cloudwatch:PutMetricAlarm",
        "neither a metric nor metric math",
        "ValidationError",
        "API PutMetricAlarm, Metrics",
        _watching([]),
        _watching([_expression("a + 1"), _operand("a")]),
    ),
    Rule(
        "cloudwatch:PutMetricAlarm",
        "metric math beside a metric",
        "ValidationError",
        "API PutMetricAlarm, Metrics",
        _alarm(Metrics=[_expression("a + 1"), _operand("a")]),
        _watching([_expression("a + 1"), _operand("a")]),
    ),
    Rule(
        "cloudwatch:PutMetricAlarm",
        "metric math with two results",
        "ValidationError",
        "API MetricDataQuery, ReturnData",
        _watching([_expression("a + 1"), {**_operand("a"), "ReturnData": True}]),
        _watching([_expression("a + 1"), _operand("a")]),
    ),
    Rule(
        "cloudwatch:PutMetricAlarm",
        "an expression of what is not there",
        "ValidationError",
        "API MetricDataQuery, Expression",
        _watching([_expression("a / b"), _operand("a")]),
        _watching([_expression("IF(a > 3, 100 * a / b, 0)"), _operand("a"), _operand("b")]),
    ),
    Rule(
        "cloudwatch:PutMetricAlarm",
        "an id in upper case",
        "ValidationError",
        "API MetricDataQuery, Id",
        _watching([_expression("A + 1"), _operand("A")]),
        _watching([_expression("a_A + 1"), _operand("a_A")]),
    ),
    Rule(
        "cloudwatch:PutMetricAlarm",
        "more than five actions",
        "ValidationError",
        "API PutMetricAlarm",
        _alarm(**_topics(6)),
        _alarm(**_topics(5)),
    ),
    Rule(
        "cloudwatch:PutMetricAlarm",
        "the topic is in another region",
        "ValidationError",
        "github.com/cds-snc/notification-terraform, pull request 128",
        _alarm(AlarmActions=[f"arn:aws:sns:us-west-2:{ACCOUNT}:t"]),
        _alarm(AlarmActions=[f"arn:aws:sns:us-east-1:{ACCOUNT}:t"]),
        words="Invalid region us-west-2 specified",
    ),
    Rule(
        "cloudwatch:PutDashboard",
        "a character in the name",
        "InvalidParameterInput",
        "API PutDashboard",
        _dashboard("a.b"),
        _dashboard("a_b"),
    ),
    Rule(
        "cloudwatch:PutDashboard",
        "a body that is no JSON",
        "InvalidParameterInput",
        "API PutDashboard",
        _dashboard(body="{"),
        _dashboard(),
    ),
    Rule(
        "cloudwatch:PutDashboard",
        "a body without widgets",
        "InvalidParameterInput",
        "CloudWatch API reference, Dashboard Body Structure and Syntax",
        _dashboard(body="{}"),
        _dashboard(),
    ),
    Rule(
        "cloudwatch:PutDashboard",
        "more than 500 widgets",
        "InvalidParameterInput",
        "CloudWatch API reference, Dashboard Body Structure and Syntax",
        _dashboard(body=_widgets(*[TEXT] * 501)),
        _dashboard(body=_widgets(*[TEXT] * 500)),
    ),
    Rule(
        "cloudwatch:PutDashboard",
        "a widget of an unknown type",
        "InvalidParameterInput",
        "CloudWatch API reference, Dashboard Body Structure and Syntax",
        _dashboard(body=_widgets({**TEXT, "type": "note"})),
        _dashboard(body=_widgets(TEXT)),
    ),
    Rule(
        "cloudwatch:PutDashboard",
        "a metric widget without a region",
        "InvalidParameterInput",
        "CloudWatch API reference, Dashboard Body Structure and Syntax",
        _dashboard(body=_widgets({"type": "metric", "properties": {"metrics": [["AWS/ECS", "CPUUtilization"]]}})),
        _dashboard(body=_widgets(METRIC)),
    ),
    Rule(
        "cloudwatch:PutDashboard",
        "a widget beyond the 24 columns",
        "InvalidParameterInput",
        "CloudWatch API reference, Dashboard Body Structure and Syntax",
        _dashboard(body=_widgets({**TEXT, "x": 19, "width": 6})),
        _dashboard(body=_widgets({**TEXT, "x": 18, "width": 6})),
    ),
    Rule(
        "cloudwatch:DeleteDashboards",
        "one of them does not exist",
        "ResourceNotFound",
        "API DeleteDashboards",
        lambda s: s.aws.cloudwatch.delete_dashboards(DashboardNames=[s.name, s.name + "-2"]),
        lambda s: s.aws.cloudwatch.delete_dashboards(DashboardNames=[s.name]),
        _dashboard(),
        status=404,
    ),
    Rule(
        "cloudwatch:GetDashboard",
        "it does not exist",
        "ResourceNotFound",
        "API GetDashboard",
        lambda s: s.aws.cloudwatch.get_dashboard(DashboardName=s.name + "-2"),
        lambda s: s.aws.cloudwatch.get_dashboard(DashboardName=s.name),
        _dashboard(),
        status=404,
    ),
    Rule(
        "cloudwatch:TagResource",
        "an ARN with a region for a dashboard",
        "ResourceNotFoundException",
        "API TagResource",
        lambda s: _tag(s, f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:dashboard/{s.name}"),
        lambda s: _tag(s, f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{s.name}"),
        _dashboard(),
        status=404,
    ),
]


RULES = LOGS + ALARMS


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)


def test_dashboards_are_those_of_all_regions_and_keep_the_tags_that_they_were_made_with(aws: Aws, name: str) -> None:
    here, there = aws.cloudwatch, aws.client("cloudwatch", "eu-west-1")
    here.put_dashboard(DashboardName=name, DashboardBody=_widgets(TEXT), Tags=[{"Key": "a", "Value": "1"}])
    there.put_dashboard(DashboardName=name, DashboardBody=_widgets(METRIC), Tags=[{"Key": "a", "Value": "2"}])
    [row] = here.list_dashboards(DashboardNamePrefix=name)["DashboardEntries"]
    assert json.loads(here.get_dashboard(DashboardName=name)["DashboardBody"]) == {"widgets": [METRIC]}
    tags = here.list_tags_for_resource(ResourceARN=row["DashboardArn"])["Tags"]
    assert tags == [{"Key": "a", "Value": "1"}]
    here.untag_resource(ResourceARN=row["DashboardArn"], TagKeys=["a"])
    assert there.list_tags_for_resource(ResourceARN=row["DashboardArn"])["Tags"] == []


def test_a_log_group_made_anew_has_no_tags_of_the_deleted_one(aws: Aws, name: str) -> None:
    for tags in ({"team": "grief"}, {}):
        aws.logs.create_log_group(logGroupName=name, tags=tags)
        [group] = aws.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        arn = group["logGroupArn"]
        assert aws.logs.list_tags_for_resource(resourceArn=arn)["tags"] == tags
        aws.logs.delete_log_group(logGroupName=name)
