"""The rules and the queue, within EventBridge's limits, the same in all their forms."""

from __future__ import annotations

import json

from missyou_operator.aws.registry import KINDS
from missyou_operator.events.declaration import PATTERN_LIMIT, Declaration, reading_policy, terraform
from missyou_operator.events.notice import CALL_SOURCES, SERVICE_SOURCES

CLUSTER = "1c9a5b0e-7f0a-4a51-9d5c-2f6f8f0f3c11"
DECLARED = Declaration(CLUSTER, "123456789012", "eu-central-1", readers=("arn:aws:iam::210987654321:role/operator",))


def test_the_rules_are_within_the_limits_of_eventbridge() -> None:
    for name, pattern in DECLARED.rules.items():
        assert len(json.dumps(pattern)) <= PATTERN_LIMIT
        assert len(name) <= 64
    assert len(DECLARED.targets) <= 5


def test_every_type_of_resource_has_a_service_that_is_listened_to() -> None:
    assert {kind.TYPE.partition(".")[0] for kind in KINDS} == set(CALL_SOURCES.values())
    assert set(SERVICE_SOURCES.values()) <= set(CALL_SOURCES.values())


def test_only_the_rules_send_and_only_the_readers_poll() -> None:
    sends, polls = DECLARED.policy["Statement"]
    assert sends["Principal"] == {"Service": "events.amazonaws.com"}
    assert sends["Condition"]["ArnEquals"]["aws:SourceArn"] == [
        f"arn:aws:events:eu-central-1:123456789012:rule/{name}" for name in DECLARED.rules
    ]
    assert polls["Principal"] == {"AWS": ["arn:aws:iam::210987654321:role/operator"]}
    assert "sqs:SendMessage" not in polls["Action"]
    own, trails = reading_policy("aws", "eu-central-1", "123456789012", CLUSTER)["Statement"]
    assert own["Resource"] == ["arn:aws:sqs:eu-central-1:123456789012:missyou-events-1c9a5b0e"]
    assert own["Action"] == polls["Action"]
    assert {action.partition(":")[2][:3] for action in trails["Action"]} <= {"Des", "Get"}


def test_terraform_declares_the_same() -> None:
    resources = terraform(DECLARED)["resource"]
    queue = resources["aws_sqs_queue"]["missyou_events"]
    assert (queue["name"], queue["message_retention_seconds"]) == (DECLARED.queue, 900)
    assert queue["sqs_managed_sse_enabled"] is True
    assert json.loads(resources["aws_sqs_queue_policy"]["missyou_events"]["policy"]) == DECLARED.policy
    rules = resources["aws_cloudwatch_event_rule"]
    assert {each["name"]: json.loads(each["event_pattern"]) for each in rules.values()} == DECLARED.rules
    assert {each["rule"] for each in resources["aws_cloudwatch_event_target"].values()} == {
        f"${{aws_cloudwatch_event_rule.{label}.name}}" for label in rules
    }
