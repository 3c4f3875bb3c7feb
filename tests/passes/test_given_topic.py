"""Topics of somebody else's that alarms notify: used as they are, told when they are of no use, and left behind."""

from __future__ import annotations

import pytest

from tests.sim.app import App, changes

from .test_notifications import ANN, BOB, notify, topic


@pytest.fixture(scope="module")
def app(aws) -> App:
    """A stack that notifies nobody."""
    app = App(aws, "told", environment="Development")
    app.settle()
    return app


def given(app: App) -> str:
    return str(app.client("sns").create_topic(Name="pager")["TopicArn"])


def test_a_topic_that_is_given_is_notified_and_left_as_it_is(app):
    arn = given(app)
    notify(app, topicARN=arn)
    assert set(changes(app.calls(app.grow))) == {"cloudwatch:PutMetricAlarm"}
    alarms = app.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{app.stack}-")["MetricAlarms"]
    assert all(alarm["AlarmActions"] == [arn] for alarm in alarms)
    app.stays_in_sync()


def test_one_that_cloudwatch_cannot_use_is_told(app):
    sns, arn = app.client("sns"), given(app)
    notify(app, topicARN=arn)
    app.grow()
    sns.set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns")
    app.observe_now()
    assert (app.reason("MonitoringReady"), app.reason("Stalled")) == ("TopicUnusable", "TopicUnusable")
    sns.delete_topic(TopicArn=arn)
    app.observe_now()
    assert app.reason("MonitoringReady") == "TopicNotFound"
    given(app)
    app.observe_now()
    app.stays_in_sync()


def test_with_both_both_are_notified_and_deleting_leaves_theirs(app):
    arn = given(app)
    notify(app, BOB, topicARN=arn)
    app.grow()
    alarms = app.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{app.stack}-")["MetricAlarms"]
    assert all(set(alarm["AlarmActions"]) == {arn, topic(app)} for alarm in alarms)
    app.stays_in_sync()
    app.delete()
    assert [row["TopicArn"] for row in app.client("sns").list_topics()["Topics"]] == [arn]


def test_a_namesake_of_somebody_else_s_is_left_alone(aws):
    app = App(aws, "told2", environment="Development", monitoring={"notifications": {"emails": [ANN]}})
    theirs = app.client("sns").create_topic(Name="told2-alarms")["TopicArn"]
    app.until(lambda _: app.reason("Stalled") == "PreflightFailed", "told")
    assert theirs in app.condition("Stalled")["message"]
    assert app.client("sns").list_subscriptions_by_topic(TopicArn=theirs)["Subscriptions"] == []
    app.delete()
    assert [row["TopicArn"] for row in app.client("sns").list_topics()["Topics"]] == [theirs]
