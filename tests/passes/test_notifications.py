"""Whom alarms tell: asked once, told when confirmed, never asked again and again, and never forgotten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from missyou_local.aws.services.sns import mail as sns_mail
from tests.sim.app import REGION, App, changes

ACCOUNT = "123456789012"
ANN, BOB, CLEO = "ann@example.com", "bob@example.com", "cleo@example.com"


@pytest.fixture(scope="module")
def app(aws) -> App:
    """A stack that notifies nobody."""
    app = App(aws, "told", environment="Development")
    app.settle()
    return app


def notify(app: App, *emails: str, **more: Any) -> None:
    app.edit(monitoring={"notifications": {"emails": list(emails), **more}})


def ask(app: App, *emails: str) -> None:
    """Name somebody, so that he is asked, and let some time go by."""
    notify(app, *emails)
    app.settle()


def topic(app: App) -> str:
    return f"arn:aws:sns:{REGION}:{ACCOUNT}:{app.stack}-alarms"


def mails(app: App, to: str, subject: str = "") -> Sequence[dict[str, str]]:
    """Give the mails that somebody has got from the stack's topic, by the test AWS's own door."""
    found = json.loads(app.aws.control.answer("GET", "/_control/mail", b"").body)
    return [m for m in found if m["to"] == to and m["topic"] == topic(app) and subject in m["subject"]]


def follow_the_link(app: App, who: str) -> str:
    [*_, mail] = mails(app, who, "Confirmation")
    return str(app.client("sns").confirm_subscription(TopicArn=topic(app), Token=mail["token"])["SubscriptionArn"])


def ended_by_ann(app: App) -> None:
    """Ask Ann and Bob: Ann confirms and then unsubscribes, Bob does nothing."""
    ask(app, ANN, BOB)
    follow_the_link(app, ANN)
    app.observe_now()
    app.client("sns").unsubscribe(SubscriptionArn=listed(app)[ANN])


def ring(app: App, suffix: str, state: str = "ALARM") -> None:
    app.client("cloudwatch").set_alarm_state(AlarmName=f"{app.stack}-{suffix}", StateValue=state, StateReason="test")


def listed(app: App) -> dict[str, str]:
    rows = app.client("sns").list_subscriptions_by_topic(TopicArn=topic(app))["Subscriptions"]
    return {row["Endpoint"]: row["SubscriptionArn"] for row in rows}


def messages(app: App) -> str:
    return str(app.condition("MonitoringReady")["message"])


def test_by_default_nobody_is_told_and_there_is_no_topic(app):
    assert app.client("sns").list_topics()["Topics"] == []
    alarms = app.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{app.stack}-")["MetricAlarms"]
    assert all((alarm["AlarmActions"], alarm["OKActions"]) == ([], []) for alarm in alarms)


def test_who_is_named_is_asked_once_and_is_no_difference_until_he_answers(app):
    notify(app, ANN, BOB)
    calls = changes(app.calls(app.grow))
    assert (calls["sns:CreateTopic"], calls["sns:Subscribe"], calls["sns:TagResource"]) == (1, 2, 1)
    app.stays_in_sync()
    assert listed(app) == {ANN: "PendingConfirmation", BOB: "PendingConfirmation"}
    assert (len(mails(app, ANN)), len(mails(app, BOB))) == (1, 1)
    assert f"{ANN}, {BOB}: not confirmed; the link" in messages(app)
    row = app.resource("sns.EmailSubscriptions", f"{app.stack}-alarms")
    assert (row["state"], ANN in row["message"]) == ("Ready", True)


def test_all_alarms_notify_the_topic_when_they_begin_and_when_they_end(app):
    ask(app, ANN, BOB)
    alarms = app.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{app.stack}-")["MetricAlarms"]
    assert len(alarms) >= 3
    assert all((alarm["AlarmActions"], alarm["OKActions"]) == ([topic(app)],) * 2 for alarm in alarms)


def test_who_follows_the_link_is_told(app):
    ask(app, ANN, BOB)
    follow_the_link(app, ANN)
    app.observe_now()
    assert (ANN in messages(app), BOB in messages(app)) == (False, True)
    ring(app, "rds-cpu")
    ring(app, "rds-cpu", "OK")
    assert [mail["subject"].partition(":")[0] for mail in mails(app, ANN)[1:]] == ["ALARM", "OK"]
    assert len(mails(app, BOB)) == 1
    app.stays_in_sync()


def test_an_alarm_that_rings_is_told_in_the_condition_too(app):
    ask(app, ANN, BOB)
    ring(app, "rds-cpu")
    app.observe_now()
    assert "rds-cpu is in ALARM" in messages(app)
    assert app.condition("MonitoringReady")["status"] == "True"


def test_after_a_restart_nobody_is_asked_again(app):
    ask(app, ANN, BOB)
    app.restart()
    app.body["status"] = {"observedGeneration": -1}
    assert changes(app.calls(app.observe_now)) == {}
    assert len(mails(app, BOB)) == 1


def test_who_ends_it_himself_is_not_asked_again_and_that_is_said(app):
    ended_by_ann(app)
    assert changes(app.calls(app.observe_now)) == {}
    assert listed(app)[ANN] == "Deleted"
    assert f"{ANN}: not subscribed" in messages(app)
    app.stays_in_sync()


def test_who_lets_the_mail_lie_is_not_asked_again_either(app):
    ended_by_ann(app)
    app.clock.now += sns_mail.PENDING_FOR
    assert changes(app.calls(app.observe_now)) == {}
    assert BOB not in listed(app)
    assert f"{ANN}, {BOB}: not subscribed" in messages(app)
    app.stays_in_sync()
    notify(app, ANN)
    app.grow()
    notify(app, ANN, BOB)
    app.grow()
    assert len(mails(app, BOB)) == 2


def test_taken_out_and_put_back_he_is_asked_again(app):
    ended_by_ann(app)
    notify(app, BOB)
    app.grow()
    app.stays_in_sync()
    assert ANN not in messages(app)
    notify(app, ANN, BOB)
    calls = changes(app.calls(app.grow))
    assert calls == {"sns:Subscribe": 1, "sns:TagResource": 1}
    assert len(mails(app, ANN, "Confirmation")) == 2
    follow_the_link(app, ANN)
    app.observe_now()
    app.stays_in_sync()


def test_who_is_taken_out_is_told_no_more(app):
    ask(app, ANN, BOB)
    follow_the_link(app, ANN)
    app.observe_now()
    notify(app, BOB)
    assert changes(app.calls(app.grow)) == {"sns:Unsubscribe": 1, "sns:TagResource": 1}
    assert listed(app)[ANN] == "Deleted"
    told = len(mails(app, ANN))
    ring(app, "ecs-cpu")
    assert len(mails(app, ANN)) == told
    ring(app, "ecs-cpu", "OK")
    app.observe_now()
    app.stays_in_sync()


def test_a_pending_one_that_is_taken_out_cannot_be_ended_until_it_is_confirmed(app):
    ask(app, BOB, CLEO)
    notify(app, BOB)
    assert changes(app.calls(app.grow)) == {"sns:TagResource": 1}
    app.stays_in_sync()
    follow_the_link(app, CLEO)
    assert changes(app.calls(app.observe_now)) == {"sns:Unsubscribe": 1}
    assert app.body["status"]["drift"][0]["resource"].startswith("sns.EmailSubscriptions/")
    app.stays_in_sync()


def test_capitals_make_no_other_address(app):
    ask(app, BOB)
    notify(app, BOB.upper())
    assert changes(app.calls(app.grow)) == {}
    app.stays_in_sync()


def test_a_sms_that_somebody_added_by_hand_stays(app):
    ask(app, BOB)
    app.client("sns").subscribe(TopicArn=topic(app), Protocol="sms", Endpoint="+4915112345678")
    app.stays_in_sync()


def test_an_address_that_somebody_added_by_hand_goes(app):
    ask(app, BOB)
    app.client("sns").subscribe(TopicArn=topic(app), Protocol="email", Endpoint=CLEO)
    app.stays_in_sync()
    follow_the_link(app, CLEO)
    assert changes(app.calls(app.observe_now)) == {"sns:Unsubscribe": 1}
    app.stays_in_sync()


def test_a_topic_that_was_closed_muted_or_encrypted_is_put_right(app):
    ask(app, BOB)
    sns = app.client("sns")
    nobody = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "SNS:Publish"}]}
    sns.set_topic_attributes(TopicArn=topic(app), AttributeName="Policy", AttributeValue=json.dumps(nobody))
    sns.set_topic_attributes(TopicArn=topic(app), AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns")
    app.client("cloudwatch").disable_alarm_actions(AlarmNames=[f"{app.stack}-rds-cpu"])
    calls = changes(app.calls(app.observe_now))
    assert calls == {"sns:SetTopicAttributes": 2, "cloudwatch:PutMetricAlarm": 1}
    follow_the_link(app, BOB)
    told = len(mails(app, BOB))
    ring(app, "rds-cpu")
    assert len(mails(app, BOB)) == told + 1
    ring(app, "rds-cpu", "OK")
    app.observe_now()
    app.stays_in_sync()


def test_the_policy_lets_in_this_stack_s_alarms_only(app):
    ask(app, BOB)
    [statement] = [json.loads(app.client("sns").get_topic_attributes(TopicArn=topic(app))["Attributes"]["Policy"])]
    statement = statement["Statement"]
    [statement] = statement if isinstance(statement, list) else [statement]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{app.stack}-*"},
    }


def test_a_lost_tag_of_memory_comes_back_without_a_mail(app):
    ask(app, BOB)
    app.client("sns").untag_resource(ResourceArn=topic(app), TagKeys=["missyou.app/asked"])
    before = len(mails(app, BOB, "Confirmation"))
    assert changes(app.calls(app.observe_now)) == {"sns:TagResource": 1}
    assert len(mails(app, BOB, "Confirmation")) == before
    app.stays_in_sync()


def test_a_topic_deleted_outside_is_made_again_and_all_are_asked_again(app):
    ask(app, BOB)
    before = len(mails(app, BOB, "Confirmation"))
    app.client("sns").delete_topic(TopicArn=topic(app))
    calls = changes(app.calls(app.observe_now))
    assert calls == {"sns:CreateTopic": 1, "sns:Subscribe": 1, "sns:TagResource": 1}
    assert len(mails(app, BOB, "Confirmation")) == before + 1
    app.stays_in_sync()


def test_switched_off_all_of_it_goes_the_pending_too(app):
    ask(app, BOB)
    app.edit(monitoring={"notifications": {}})
    calls = changes(app.calls(app.grow))
    app.stays_in_sync()
    assert set(calls) == {"sns:DeleteTopic", "cloudwatch:PutMetricAlarm"}
    assert app.client("sns").list_topics()["Topics"] == []
    assert messages(app) == ""
