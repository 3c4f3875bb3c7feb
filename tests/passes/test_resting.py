"""A stack of which nothing has changed: a look reads what is due, and no pass is run."""

from __future__ import annotations

import pytest

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.clock import seconds
from missyou_operator.aws.rates import Rates
from missyou_operator.controller import reconcile
from missyou_operator.engine.errors import NotYetError
from tests.sim.app import App, changes


@pytest.fixture(scope="module")
def resting(aws):
    key = {"secretKeyRef": {"name": "gemini", "key": "api-key"}}
    app = App(aws, "calm", environment="Production", secrets={"googleAPIKey": key})
    app.secrets = {"gemini": {"api-key": "AIza-first"}}
    app.settle()
    for _ in range(3):
        app.wait()
        app.one_pass()
    assert app.memory.rest is not None
    return app


@pytest.fixture
def observed(resting, monkeypatch):
    """When AWS was observed, which is what a pass begins with, from the beginning of a rest on."""
    times, observe = [], reconcile.observe_and_plan

    def counted(inputs):
        times.append(seconds())
        return observe(inputs)

    resting.memory.rest = None
    resting.one_pass()
    monkeypatch.setattr(reconcile, "observe_and_plan", counted)
    return times


def look(app: App) -> dict[str, int]:
    """Wait until the operator looks again; return the calls of the look."""
    app.wait()
    return app.calls(app.one_pass)


def test_a_look_reads_and_runs_no_pass(resting, observed):
    before = resting.body["status"]
    calls = [look(resting) for _ in range(4)]
    assert all(sum(each.values()) >= 20 for each in calls)
    assert not any(changes(each) for each in calls)
    assert observed == []
    assert resting.body["status"] == before


def test_between_two_looks_nothing_is_read(resting, observed):
    look(resting)
    assert resting.calls(resting.one_pass) == {}
    assert observed == []


def test_a_read_that_has_its_turn_later_says_nothing(resting, observed, monkeypatch):
    def wait(self, account, region, service, operation):
        if operation == "DescribeTargetHealth":
            raise NotYetError(Reason.RATE_LIMITED, "later", 20.0)

    before = resting.body["status"]
    with monkeypatch.context() as patch:
        patch.setattr(Rates, "wait", wait)
        look(resting)
    assert (observed, resting.body["status"]) == ([], before)
    # Nor is it a success, or a look after which the next one is a whole rhythm (40 to 45 s) away.
    assert resting.reports[-1].result == "requeue_after"
    assert resting.reports[-1].requeue_after <= 30.0
    assert look(resting)["elbv2:DescribeTargetHealth"]
    assert (observed, resting.reports[-1].result) == ([], "success")


@pytest.mark.parametrize(
    "change",
    [
        lambda app: app.client("ec2").create_tags(
            Resources=[next(row["id"] for row in app.body["status"]["resources"] if row["type"] == "ec2.Vpc")],
            Tags=[{"Key": "missyou.app/component", "Value": "Other"}],
        ),
        lambda app: app.client("logs").put_retention_policy(logGroupName=f"/ecs/{app.stack}", retentionInDays=1),
        lambda app: app.client("elbv2").modify_target_group(
            TargetGroupArn=next(r["id"] for r in app.body["status"]["resources"] if r["type"] == "elbv2.TargetGroup"),
            HealthCheckIntervalSeconds=7,
        ),
        lambda app: app.secrets.update(gemini={"api-key": "AIza-second"}),
        lambda app: app.edit(monitoring={"logRetentionDays": 14}),
    ],
    ids=["tags", "retention", "target group", "secret", "spec"],
)
def test_a_change_ends_the_rest_and_is_put_right(resting, observed, change):
    change(resting)
    assert changes(look(resting))
    assert observed
    for _ in range(6):
        look(resting)
    assert resting.memory.rest is not None
    assert resting.condition("Ready")["status"] == "True"


def test_a_status_that_somebody_has_written_is_corrected(resting, observed):
    right = resting.body["status"]
    resting.body["status"] = {**right, "url": "http://elsewhere.example"}
    assert resting.one_pass().status["url"] == right["url"]
    assert observed


def test_somebody_who_asks_gets_a_full_observation(resting, observed):
    assert len(resting.calls(resting.observe_now)) > 20
    assert observed


def test_a_failing_read_ends_the_rest_and_is_reported(resting, aws, observed):
    aws.faults({"match": "rds:DescribeDBInstances", "caller": "operator", "deny": True})
    look(resting)
    assert observed
    # The last good reading still counts; minutes later it does not.
    resting.until(lambda _: resting.reason("DatabaseReady") == "AccessDenied", "reported")


def test_no_rest_is_for_ever(resting, observed):
    until = resting.memory.rest.until
    while seconds() < until:
        assert observed == []
        look(resting)
    look(resting)
    assert len(observed) == 1


def test_what_an_event_is_about_is_read_anew(resting, observed):
    resting.memory.touch({"elbv2.LoadBalancer": seconds()})
    calls = resting.calls(resting.one_pass)
    assert {"elbv2:DescribeLoadBalancers", "elbv2:DescribeLoadBalancerAttributes", "elbv2:DescribeTags"} == calls.keys()
    assert observed


def test_a_stack_that_waits_for_something_does_not_rest(aws):
    app = App(aws, "waiting", environment="Development")
    app.until(lambda _: app.reason("ServiceReady") == "ImageNotFound", "without an image")
    for _ in range(20):
        app.wait()
        app.one_pass()
        assert app.memory.rest is None


def test_what_bears_the_name_by_now_is_not_changed_by_tags_that_were_read_before(resting):
    """The tags of a log group take a call each, so they are read seldom: the group may be somebody else's by now."""
    logs, name = resting.client("logs"), f"/ecs/{resting.stack}"
    logs.delete_log_group(logGroupName=name)
    logs.create_log_group(logGroupName=name, tags={"owner": "somebody else"})
    for _ in range(3):
        assert "logs:PutRetentionPolicy" not in look(resting)
    assert resting.resource("logs.LogGroup", name)["state"] == "OwnedElsewhere"
