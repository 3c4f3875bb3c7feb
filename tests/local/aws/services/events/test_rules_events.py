"""EventBridge and SQS: what they refuse, and which events of calls and changes come to a queue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.local.aws import building
from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import ACCOUNT, Place, Rule, each, hold, steps

CALLS = {"detail-type": ["AWS API Call via CloudTrail"]}


def _queue(s: Place) -> str:
    return str(s.aws.sqs.create_queue(QueueName=s.name)["QueueUrl"])


def _rule(s: Place, pattern: dict[str, Any] | None = None) -> None:
    s.aws.events.put_rule(Name=s.name, EventPattern=json.dumps(pattern or CALLS))


def _targets(s: Place, number: int) -> None:
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{s.name}"
    s.aws.events.put_targets(Rule=s.name, Targets=[{"Id": f"t{each}", "Arn": arn} for each in range(number)])


def _long(characters: int) -> dict[str, Any]:
    empty = json.dumps({"source": [""]})
    return {"source": ["x" * (characters - len(empty))]}


RULES = [
    Rule(
        "events:PutRule",
        "a pattern of more than 2,048 characters",
        "InvalidEventPatternException",
        "EventBridge guide, Amazon EventBridge quotas",
        lambda s: _rule(s, _long(2049)),
        lambda s: _rule(s, _long(2048)),
    ),
    Rule(
        "events:PutTargets",
        "more than five targets of a rule",
        "LimitExceededException",
        "EventBridge guide, Amazon EventBridge quotas",
        lambda s: _targets(s, 6),
        lambda s: _targets(s, 5),
        _rule,
    ),
    Rule(
        "events:DeleteRule",
        "it has targets",
        "ValidationException",
        "API DeleteRule",
        lambda s: s.aws.events.delete_rule(Name=s.name),
        lambda s: (s.aws.events.remove_targets(Rule=s.name, Ids=["t0"]), s.aws.events.delete_rule(Name=s.name)),
        steps(_rule, lambda s: _targets(s, 1)),
    ),
    Rule(
        "sqs:CreateQueue",
        "a queue of the name was deleted less than a minute ago",
        "QueueDeletedRecently",
        "API CreateQueue",
        _queue,
        lambda s: (s.aws.clock.advance(60.0), _queue(s)),
        lambda s: s.aws.sqs.delete_queue(QueueUrl=_queue(s)),
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)


class Ear:
    """A rule for everything of an account's region, and its queue."""

    def __init__(self, aws: Aws, name: str) -> None:
        self.aws, self.place = aws, Place(aws, name)
        self.url = _queue(self.place)
        aws.events.put_rule(Name=name, EventPattern=json.dumps({"account": [ACCOUNT]}))
        _targets(self.place, 1)
        self.let_in(f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{name}")

    def let_in(self, rule: str) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": "*",
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.aws.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})

    def heard(self, after: float = 2.0) -> list[dict[str, Any]]:
        """Return the events that have come when some seconds are over."""
        found: list[dict[str, Any]] = []
        for wait in (after, 1.0):
            self.aws.clock.advance(wait)
            while rows := self.aws.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
                for row in rows:
                    self.aws.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=row["ReceiptHandle"])
                    found.append(json.loads(row["Body"]))
        return found

    def calls(self, **options: Any) -> list[dict[str, Any]]:
        return [event["detail"] for event in self.heard(**options) if "eventName" in event["detail"]]


@pytest.fixture
def ear(aws: Aws, name: str) -> Iterator[Ear]:
    made = Ear(aws, name)
    aws.timing.update({"cloudtrail": 1.0, "service_event": 0.2})
    made.heard()
    yield made
    for trail in aws.cloudtrail.describe_trails()["trailList"]:
        aws.cloudtrail.delete_trail(Name=trail["Name"])
    aws.events.remove_targets(Rule=name, Ids=["t0"])
    aws.events.delete_rule(Name=name)


def logged(ear: Ear) -> None:
    name = ear.place.name
    ear.aws.s3.create_bucket(Bucket=name)
    ear.aws.cloudtrail.create_trail(Name=name, S3BucketName=name, IsMultiRegionTrail=True)
    ear.aws.cloudtrail.start_logging(Name=name)
    ear.heard()


def test_a_call_is_told_of_if_a_trail_logs_it_and_after_a_while(ear: Ear) -> None:
    ear.aws.logs.create_log_group(logGroupName=ear.place.name)
    assert ear.calls() == []
    logged(ear)
    ear.aws.timing.update({"cloudtrail": 45.0})
    ear.aws.logs.put_retention_policy(logGroupName=ear.place.name, retentionInDays=7)
    assert ear.calls(after=40.0) == []
    [call] = ear.calls(after=5.0)
    assert (call["eventSource"], call["eventName"]) == ("logs.amazonaws.com", "PutRetentionPolicy")
    assert call["requestParameters"] == {"logGroupName": ear.place.name, "retentionInDays": 7}
    assert call["userIdentity"]["arn"] == ear.aws.sts.get_caller_identity()["Arn"]
    ear.aws.logs.describe_log_groups()
    assert ear.calls(after=50.0) == []


def test_a_refused_call_has_its_error_and_no_password_is_shown(ear: Ear) -> None:
    logged(ear)
    with pytest.raises(ear.aws.logs.exceptions.ResourceNotFoundException):
        ear.aws.logs.put_retention_policy(logGroupName=f"{ear.place.name}-none", retentionInDays=7)
    ear.aws.secretsmanager.create_secret(Name=ear.place.name, SecretString="hunter2")
    refused, made = ear.calls()
    assert refused["errorCode"] == "ResourceNotFoundException"
    assert refused["responseElements"] is None
    assert "errorCode" not in made
    assert "hunter2" not in json.dumps(made)


def test_the_session_of_a_role_is_who_makes_its_calls(ear: Ear) -> None:
    logged(ear)
    keys = ear.aws.sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/team/admin", RoleSessionName="jane")
    found = keys["Credentials"]
    options = {"region_name": "us-east-1", "endpoint_url": ear.aws.url, "aws_session_token": found["SessionToken"]}
    options |= {"aws_access_key_id": found["AccessKeyId"], "aws_secret_access_key": found["SecretAccessKey"]}
    boto3.client("logs", **options).create_log_group(logGroupName=ear.place.name)
    [call] = [each for each in ear.calls() if each["eventName"] == "CreateLogGroup"]
    who = call["userIdentity"]
    assert (who["type"], who["arn"]) == ("AssumedRole", f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/jane")
    assert who["sessionContext"]["sessionIssuer"]["arn"] == f"arn:aws:iam::{ACCOUNT}:role/team/admin"
    assert boto3.client("sts", **options).get_caller_identity()["Arn"] == who["arn"]


def test_a_queue_whose_policy_lets_another_rule_in_gets_nothing(ear: Ear) -> None:
    logged(ear)
    ear.let_in(f"arn:aws:events:us-east-1:{ACCOUNT}:rule/another")
    ear.aws.logs.create_log_group(logGroupName=ear.place.name)
    assert ear.heard() == []


def test_a_push_a_database_and_an_alarm_are_told_of_without_a_trail(ear: Ear) -> None:
    aws, name = ear.aws, ear.place.name
    aws.ecr.create_repository(repositoryName=name)
    aws.ecr.put_image(repositoryName=name, imageTag="v1", imageManifest=building.MANIFEST)
    [push] = ear.heard()
    assert push["detail-type"] == "ECR Image Action"
    assert (push["detail"]["repository-name"], push["detail"]["image-tag"]) == (name, "v1")
    ear.place.database()
    kinds = {event["detail-type"] for event in ear.heard() if event["detail"].get("SourceIdentifier") == name}
    assert kinds == {"RDS DB Instance Event"}
    threshold = {"Period": 60, "EvaluationPeriods": 1, "Threshold": 1, "Statistic": "Sum"}
    aws.cloudwatch.put_metric_alarm(
        AlarmName=name, MetricName="m", Namespace="n", ComparisonOperator="GreaterThanThreshold", **threshold
    )
    ear.heard()
    aws.cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="x")
    [fired] = ear.heard()
    assert (fired["detail-type"], fired["detail"]["state"]) == ("CloudWatch Alarm State Change", {"value": "ALARM"})
