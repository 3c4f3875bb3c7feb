"""Tags that a call for each resource would show: by one list of all that is tagged, while that is good enough."""

from __future__ import annotations

import pytest

from missyou_operator.aws.tagged import LAG
from tests.sim.app import changes
from tests.sim.production import production

LIST = "resourcegroupstaggingapi:GetResources"
ALARMS, LOGS, TOPIC = (f"{service}:ListTagsForResource" for service in ("cloudwatch", "logs", "sns"))


@pytest.fixture(scope="module")
def app(aws):
    app = production(aws)
    app.settle()
    app.clock.now += LAG
    return app


def asked(app, look):
    """Return how often tags were read in a look, by operation."""
    calls = app.calls(look)
    return {name: calls[name] for name in (LIST, ALARMS, LOGS, TOPIC) if name in calls}


def restarted(app):
    app.restart()
    return asked(app, app.one_pass)


def an_alarm(app):
    """Return an alarm of the stack, the settings of which a spec changes."""
    rows = app.client("cloudwatch").describe_alarms(AlarmNamePrefix=app.stack)["MetricAlarms"]
    return next(row for row in rows if row["AlarmName"].endswith("rds-cpu"))


#: The dashboard's are not in the list.
BY_LIST = {LIST: 1, ALARMS: 1}
ONE_BY_ONE = {ALARMS: 9, LOGS: 2}


def test_one_list_says_whose_they_are(app):
    assert restarted(app) == BY_LIST
    assert app.condition("Ready")["status"] == "True"


def test_what_a_person_asks_for_is_read_one_by_one(app):
    assert asked(app, app.observe_now) == ONE_BY_ONE


def test_while_the_list_may_be_behind_they_are_read_one_by_one(app):
    app.edit(monitoring={"logRetentionDays": 14})
    app.one_pass()
    app.clock.now += 60.0
    app.memory.uses.clear()
    app.memory.rest = None
    assert LIST not in asked(app, app.one_pass)


def test_who_may_not_list_reads_them_one_by_one(app):
    app.aws.faults({"match": LIST, "fail": {"code": "AccessDeniedException"}})
    assert restarted(app) == {LIST: 1, **ONE_BY_ONE}
    assert app.condition("Ready")["status"] == "True"
    # And does not try it again in each look.
    app.clock.now += 60.0
    assert asked(app, app.one_pass) == {}


def test_what_somebody_else_has_made_anew_is_left_alone_though_the_list_shows_the_old_one(app):
    app.aws.tell(lag={"resourcegroupstaggingapi": 300})
    old, client = an_alarm(app), app.client("cloudwatch")
    client.delete_alarms(AlarmNames=[old["AlarmName"]])
    keys = ("AlarmName", "MetricName", "Namespace", "Statistic", "Period", "EvaluationPeriods", "ComparisonOperator")
    client.put_metric_alarm(**{key: old[key] for key in keys}, Threshold=1.0)
    app.restart()
    calls = app.calls(lambda: app.passes(3))
    assert changes(calls) == {}
    assert an_alarm(app)["Threshold"] == 1.0


def test_a_log_group_that_is_no_longer_the_stacks_is_not_changed_by_a_list_of_just_now(app):
    """Nothing else asks whose it is: of alarms, each write does."""
    app.aws.tell(lag={"resourcegroupstaggingapi": 300})
    logs, [name] = app.client("logs"), [f"/ecs/{app.stack}"]
    logs.delete_log_group(logGroupName=name)
    logs.create_log_group(logGroupName=name)
    logs.put_retention_policy(logGroupName=name, retentionInDays=1)
    app.edit(monitoring={"logRetentionDays": 60})
    app.restart()
    app.passes(2)
    [group] = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert group["retentionInDays"] == 1


def test_tags_that_somebody_has_removed_are_put_back(app):
    alarm = an_alarm(app)
    keys = ["missyou.app/stack", "missyou.app/cluster", "missyou.app/uid"]
    app.client("cloudwatch").untag_resource(ResourceARN=alarm["AlarmArn"], TagKeys=keys)
    app.restart()
    app.passes(2)
    rows = app.client("cloudwatch").list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    assert {row["Key"] for row in rows} >= set(keys)
