"""SNS's mails, by plain boto3: who is asked, who is told, and what becomes of who does not answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from missyou_local.aws.services.sns.mail import DELETED_FOR, PENDING_FOR
from tests.local.aws.conftest import Aws, Refused
from tests.local.aws.rules_support import ACCOUNT

WHO = "who@example.com"


def topic(aws: Aws, name: str) -> str:
    return str(aws.sns.create_topic(Name=name)["TopicArn"])


def asked(aws: Aws, name: str) -> str:
    arn = topic(aws, name)
    aws.sns.subscribe(TopicArn=arn, Protocol="email", Endpoint=WHO)
    return arn


def mails(aws: Aws, arn: str) -> Sequence[dict[str, str]]:
    return [mail for mail in aws.control("/mail") if mail["topic"] == arn]


def confirm(aws: Aws, arn: str) -> str:
    token = mails(aws, arn)[-1]["token"]
    return str(aws.sns.confirm_subscription(TopicArn=arn, Token=token)["SubscriptionArn"])


def listed(aws: Aws, arn: str) -> list[str]:
    return [row["SubscriptionArn"] for row in aws.sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]]


def alarm(aws: Aws, name: str, arn: str, **changes: Any) -> None:
    aws.cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/ECS",
        MetricName="CPUUtilization",
        Period=60,
        EvaluationPeriods=1,
        Threshold=80.0,
        ComparisonOperator="GreaterThanThreshold",
        Statistic="Average",
        **{"AlarmActions": [arn], "OKActions": [arn], **changes},
    )


def turn(aws: Aws, name: str, state: str) -> None:
    aws.cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")


def subjects(aws: Aws, arn: str) -> list[str]:
    return [mail["subject"].partition(":")[0] for mail in mails(aws, arn)]


def test_each_subscribe_of_what_is_pending_is_another_mail(aws: Aws, name: str) -> None:
    arn = asked(aws, name)
    aws.sns.subscribe(TopicArn=arn, Protocol="email", Endpoint=WHO)
    assert listed(aws, arn) == ["PendingConfirmation"]
    assert subjects(aws, arn) == ["Subscription Confirmation"] * 2


def test_confirmed_it_has_an_arn_and_is_not_asked_again(aws: Aws, name: str, refused: Refused) -> None:
    arn = asked(aws, name)
    with refused("InvalidParameter", "Token"):
        aws.sns.confirm_subscription(TopicArn=arn, Token="0")
    subscription = confirm(aws, arn)
    assert listed(aws, arn) == [subscription]
    assert aws.sns.subscribe(TopicArn=arn, Protocol="email", Endpoint=WHO)["SubscriptionArn"] == subscription
    assert len(mails(aws, arn)) == 1


def test_what_nobody_confirms_goes_after_two_days(aws: Aws, name: str, refused: Refused) -> None:
    arn = asked(aws, name)
    aws.clock.advance(PENDING_FOR - 1)
    assert listed(aws, arn) == ["PendingConfirmation"]
    aws.clock.advance(1)
    assert listed(aws, arn) == []
    with refused("InvalidParameter", "Token"):
        confirm(aws, arn)


def test_what_was_ended_is_listed_as_deleted_for_three_days(aws: Aws, name: str) -> None:
    arn = asked(aws, name)
    aws.sns.unsubscribe(SubscriptionArn=confirm(aws, arn))
    assert listed(aws, arn) == ["Deleted"]
    aws.clock.advance(DELETED_FOR)
    assert listed(aws, arn) == []


def test_with_its_topic_a_pending_subscription_goes_too(aws: Aws, name: str) -> None:
    arn = asked(aws, name)
    aws.sns.delete_topic(TopicArn=arn)
    assert listed(aws, topic(aws, name)) == []


def test_an_alarm_tells_its_topic_of_each_change(aws: Aws, name: str) -> None:
    arn = asked(aws, name)
    alarm(aws, name, arn)
    turn(aws, name, "ALARM")
    assert subjects(aws, arn)[1:] == []
    confirm(aws, arn)
    for state in ("OK", "OK", "ALARM", "INSUFFICIENT_DATA", "OK"):
        turn(aws, name, state)
    assert subjects(aws, arn)[1:] == ["OK", "ALARM", "OK"]


def test_not_while_its_actions_are_off(aws: Aws, name: str) -> None:
    arn = asked(aws, name)
    confirm(aws, arn)
    alarm(aws, name, arn, ActionsEnabled=False)
    turn(aws, name, "ALARM")
    assert len(mails(aws, arn)) == 1


def allowing(arn: str, alarms: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "SNS:Publish",
        "Resource": arn,
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:{alarms}"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_the_topic_s_policy_and_key_decide(aws: Aws, name: str) -> None:
    arn = asked(aws, name)
    confirm(aws, arn)
    alarm(aws, name, arn)

    def heard(attribute: str, value: str) -> bool:
        aws.sns.set_topic_attributes(TopicArn=arn, AttributeName=attribute, AttributeValue=value)
        before = len(mails(aws, arn))
        turn(aws, name, "ALARM")
        turn(aws, name, "INSUFFICIENT_DATA")
        return len(mails(aws, arn)) > before

    assert heard("Policy", allowing(arn, f"{name}*"))
    assert not heard("Policy", allowing(arn, "other-*"))
    assert heard("Policy", allowing(arn, "*"))
    # SNS developer guide, "Key management": the policy of AWS's own key does not let CloudWatch use it.
    assert not heard("KmsMasterKeyId", "alias/aws/sns")
    assert heard("KmsMasterKeyId", "")
