"""What has to be in an account and region for events to come: a queue and the rules that feed it. Pure data.

Sources: EventBridge User Guide, "Amazon EventBridge event patterns", "Amazon EventBridge quotas" (a pattern of 2,048
characters, 5 targets a rule) and "Using resource-based policies for Amazon EventBridge" (SQS); SQS Developer Guide,
"Amazon SQS short and long polling" and "Server-side encryption with SQS-owned encryption keys".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from missyou_operator.aws.identity import CLUSTER_TAG
from missyou_operator.aws.policy_documents import json_text
from missyou_operator.events.notice import CALL, CALL_SOURCES, NOISE, SERVICE_SOURCES

#: Seconds that a message is kept. What was missed for longer is found by the next look, whoever is told of it.
RETENTION = 900
#: Seconds in which a message that was handed over and not deleted is not handed over again.
_VISIBILITY = 30
#: The most characters of a pattern.
PATTERN_LIMIT = 2048
#: The kinds of events that the services themselves send.
_KINDS = (
    "ACM Certificate Available",
    "ACM Certificate Expired",
    "ACM Certificate Renewal Action Required",
    "CloudWatch Alarm State Change",
    "ECR Image Action",
    "ECS Deployment State Change",
    "ECS Service Action",
    "ECS Task State Change",
    "RDS DB Instance Event",
    "RDS DB Parameter Group Event",
    "RDS DB Snapshot Event",
)
_TARGET = "queue"


def queue_name(cluster: str) -> str:
    """Return the name of the queue of a cluster, by its UID: the same in each account and region."""
    return f"missyou-events-{cluster[:8]}"


@dataclass(frozen=True, slots=True)
class Declaration:
    """The queue and its rules, for one cluster in one account and region. `readers`: ARNs of those who may poll it."""

    cluster: str
    account: str
    region: str
    partition: str = "aws"
    readers: Sequence[str] = ()

    @property
    def queue(self) -> str:
        """The name of the queue."""
        return queue_name(self.cluster)

    @property
    def queue_arn(self) -> str:
        """The ARN of the queue."""
        return f"arn:{self.partition}:sqs:{self.region}:{self.account}:{self.queue}"

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags of queue and rules, by which they are known to be this cluster's."""
        return {CLUSTER_TAG: self.cluster, "Name": self.queue}

    @property
    def rules(self) -> Mapping[str, Mapping[str, Any]]:
        """The patterns of the rules, by name. By default, a rule gets no calls that only read."""
        calls = {
            "detail-type": [CALL],
            "detail": {
                "eventSource": sorted(CALL_SOURCES),
                "eventName": [{"anything-but": sorted(NOISE)}],
                "errorCode": [{"exists": False}],
            },
        }
        services = {"source": sorted(SERVICE_SOURCES), "detail-type": list(_KINDS)}
        return {f"{self.queue}-calls": calls, f"{self.queue}-services": services}

    @property
    def targets(self) -> Sequence[Mapping[str, str]]:
        """The targets of each rule."""
        return [{"Id": _TARGET, "Arn": self.queue_arn}]

    @property
    def attributes(self) -> Mapping[str, str]:
        """The attributes of the queue."""
        return {
            "MessageRetentionPeriod": str(RETENTION),
            "VisibilityTimeout": str(_VISIBILITY),
            "ReceiveMessageWaitTimeSeconds": "20",
            "SqsManagedSseEnabled": "true",
            "Policy": json_text(self.policy),
        }

    @property
    def policy(self) -> Mapping[str, Any]:
        """The queue's policy: the rules may send, and the readers of other accounts may poll."""
        arns = [f"arn:{self.partition}:events:{self.region}:{self.account}:rule/{name}" for name in self.rules]
        statements: list[dict[str, Any]] = [
            {
                "Sid": "RulesSend",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": self.queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": arns}},
            }
        ]
        if self.readers:
            statements.append(
                {
                    "Sid": "OperatorPolls",
                    "Effect": "Allow",
                    "Principal": {"AWS": sorted(self.readers)},
                    "Action": list(POLLING),
                    "Resource": self.queue_arn,
                }
            )
        return {"Version": "2012-10-17", "Statement": statements}


#: What the operator does with the queue.
POLLING = ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage")

#: What it finds out by whether calls are heard of. AWS narrows none of them for trails of other accounts.
TRAILS = ("cloudtrail:DescribeTrails", "cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus")


def reading_policy(partition: str, region: str, account: str, cluster: str) -> Mapping[str, Any]:
    """Return the policy document that the operator needs to poll its queue. `*` stands for any."""
    name = "missyou-events-*" if cluster == "*" else queue_name(cluster)
    arn = f"arn:{partition}:sqs:{region}:{account}:{name}"
    polling = {"Effect": "Allow", "Action": list(POLLING), "Resource": [arn]}
    trails = {"Effect": "Allow", "Action": list(TRAILS), "Resource": ["*"]}
    return {"Version": "2012-10-17", "Statement": [polling, trails]}


def cloudformation(declared: Declaration) -> Mapping[str, Any]:
    """Return the declaration as a CloudFormation template."""
    tags = [{"Key": key, "Value": value} for key, value in declared.tags.items()]
    attributes = {key: value for key, value in declared.attributes.items() if key != "Policy"}
    resources: dict[str, Any] = {
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": declared.queue,
                **{
                    key: value == "true" if value in {"true", "false"} else int(value)
                    for key, value in attributes.items()
                },
                "Tags": tags,
            },
        },
        "QueuePolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": declared.policy},
        },
    }
    for name, pattern in declared.rules.items():
        resources[f"{name.rpartition('-')[2].capitalize()}Rule"] = {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Name": name,
                "Description": _ABOUT,
                "EventPattern": pattern,
                "Targets": list(declared.targets),
                "Tags": tags,
            },
        }
    return {"AWSTemplateFormatVersion": "2010-09-09", "Description": _ABOUT, "Resources": resources}


_ABOUT = "What changes in AWS, for the Miss You operator: docs/events.md"


def terraform(declared: Declaration) -> Mapping[str, Any]:
    """Return the declaration in Terraform's JSON syntax, for a file that ends in .tf.json."""
    attributes = declared.attributes
    rules, targets = {}, {}
    for name, pattern in declared.rules.items():
        label = f"missyou_{name.rpartition('-')[2]}"
        rules[label] = {
            "name": name,
            "description": _ABOUT,
            "event_pattern": json.dumps(pattern),
            "tags": dict(declared.tags),
        }
        targets[label] = {
            "rule": f"${{aws_cloudwatch_event_rule.{label}.name}}",
            "target_id": _TARGET,
            "arn": "${aws_sqs_queue.missyou_events.arn}",
        }
    queue = {
        "name": declared.queue,
        "message_retention_seconds": int(attributes["MessageRetentionPeriod"]),
        "visibility_timeout_seconds": int(attributes["VisibilityTimeout"]),
        "receive_wait_time_seconds": int(attributes["ReceiveMessageWaitTimeSeconds"]),
        "sqs_managed_sse_enabled": True,
        "tags": dict(declared.tags),
    }
    policy = {"queue_url": "${aws_sqs_queue.missyou_events.id}", "policy": attributes["Policy"]}
    return {
        "resource": {
            "aws_sqs_queue": {"missyou_events": queue},
            "aws_sqs_queue_policy": {"missyou_events": policy},
            "aws_cloudwatch_event_rule": rules,
            "aws_cloudwatch_event_target": targets,
        }
    }
