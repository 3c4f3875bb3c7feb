"""What passes cost: calls are counted, exactly."""

from __future__ import annotations

import dataclasses

import pytest

from missyou_local.aws import Timing
from missyou_operator.controller import preflight
from missyou_operator.preflight import Preflight
from tests.sim.app import App, changes

from .test_domain import zone

#: What the preflight reads of the account, and of the names that the stack needs: once for a new stack.
PREFLIGHT = {
    "cloudwatch:GetMetricStatistics": 1,
    "ec2:DescribeAddresses": 1,
    "ec2:DescribeInternetGateways": 1,
    "ec2:DescribeNatGateways": 1,
    "ec2:DescribeVpcs": 1,
    "elbv2:DescribeAccountLimits": 1,
    "elbv2:DescribeLoadBalancers": 2,
    "elbv2:DescribeTargetGroups": 2,
    "iam:GetAccountSummary": 1,
    "logs:DescribeLogGroups": 2,
    "rds:DescribeAccountAttributes": 1,
    "rds:DescribeDBParameterGroups": 1,
    "rds:DescribeDBSubnetGroups": 1,
    "secretsmanager:DescribeSecret": 1,
    "service-quotas:GetServiceQuota": 2,
    "service-quotas:ListServiceQuotas": 1,
}


@pytest.fixture(scope="module")
def grown(aws):
    """A production stack, and the calls that it took where nothing of AWS takes long: to wait takes calls, too."""
    usual = dataclasses.asdict(aws.timing)
    aws.tell(timing=dict.fromkeys(usual, 0.1))
    app = App(aws, "frugal", environment="Production")
    calls = app.calls(app.grow)
    aws.tell(timing=usual)
    # The test's own, which pushes an image and looks first whether its tag is free.
    for push in ("ecr:BatchGetImage", "ecr:PutImage"):
        assert calls.pop(push) == 1
    return app, calls


def test_creating_takes_at_most_two_calls_a_resource(grown):
    app, calls = grown
    resources = len(app.body["status"]["resources"])
    assert resources >= 48
    # Three more empty the VPC's default group, which is no resource: one finds its ID, which CreateVpc does not tell,
    # and two take away its rule in either direction. The other revoked rules are those of our own groups.
    default = {"ec2:DescribeSecurityGroups": 1, "ec2:RevokeSecurityGroupIngress": 1}
    groups = sum(row["type"] == "ec2.SecurityGroup" for row in app.body["status"]["resources"])
    assert {name: calls[name] for name in default} == default
    assert calls["ec2:RevokeSecurityGroupEgress"] == 1 + groups
    assert sum(calls.values()) <= 2 * resources + 3 + sum(PREFLIGHT.values()), calls


@pytest.mark.usefixtures("grown")
def test_the_preflight_of_a_new_stack_takes_these_calls(aws, monkeypatch):
    first = App(aws, "first", environment="Production", network={"cidr": "10.8.0.0/16"})
    calls = first.calls(first.one_pass)
    monkeypatch.setattr(preflight, "run", lambda *_: Preflight())
    other = App(aws, "other", environment="Production", network={"cidr": "10.9.0.0/16"})
    without = other.calls(other.one_pass)
    more = {name: count - without.get(name, 0) for name, count in calls.items()}
    assert {name: count for name, count in more.items() if count} == {
        **PREFLIGHT,
        # The zones of the gateways that are there.
        "ec2:DescribeSubnets": 1,
    }


def test_nothing_is_created_twice(grown):
    _, calls = grown
    once = {"ec2:CreateVpc": 1, "ec2:CreateSubnet": 6, "ec2:AllocateAddress": 2, "rds:CreateDBInstance": 1}
    once |= {"ec2:CreateNatGateway": 2, "iam:CreateRole": 2, "ecs:RegisterTaskDefinition": 1, "ecs:CreateService": 1}
    assert {name: calls[name] for name in once} == once


def test_a_look_without_a_difference_changes_nothing_and_writes_no_status(grown):
    app, _ = grown
    before = dict(app.body["status"])
    calls = app.calls(app.observe_now)
    assert changes(calls) == {}
    after = {key: value for key, value in app.body["status"].items() if key != "lastHandledReconcileAt"}
    assert after | {"lastSyncTime": None} == {
        key: value for key, value in before.items() if key != "lastHandledReconcileAt"
    } | {"lastSyncTime": None}


def test_a_look_at_what_is_settled_asks_nothing(grown):
    """Between two full observations, a wake-up for nothing costs nothing."""
    app, _ = grown
    app.one_pass()
    assert app.calls(app.one_pass) == {}


def test_after_a_restart_everything_is_found_again(grown):
    app, _ = grown
    app.restart()
    app.body["status"] = {"observedGeneration": -1}
    assert changes(app.calls(app.one_pass)) == {}
    assert app.condition("Ready")["status"] == "True"


def test_what_hardly_ever_changes_is_not_asked_for_again_in_each_look(grown):
    """Tags of alarms take a call each. They are read again when somebody asks for an observation."""
    app, _ = grown
    # Right after a change, AWS may not show everything yet: all is read once more.
    app.clock.now += 60.0
    app.observe_now()
    app.clock.now += 45.0
    regular = app.calls(app.one_pass)
    assert regular["cloudwatch:DescribeAlarms"] >= 1
    assert "cloudwatch:ListTagsForResource" not in regular
    asked = app.calls(app.observe_now)
    alarms = [row for row in app.body["status"]["resources"] if row["type"] == "cloudwatch.Alarm"]
    assert asked["cloudwatch:ListTagsForResource"] == len(alarms) + 1


def test_while_a_deletion_waits_passes_are_no_full_looks(aws):
    """A certificate that is to go waits for the one in its place, half an hour at times."""
    app = App(aws, "patient", environment="Development")
    zone(aws, "patient.com")
    app.edit(domain={"name": "one.patient.com"})
    app.grow()
    aws.timing.certificate = 100.0
    app.edit(domain={"name": "two.patient.com"})
    app.until(lambda _: app.reason("DomainReady") == "Validating", "validating")
    assert "Delete acm.Certificate/one.patient.com" in app.condition("InSync")["message"]

    def ten_passes() -> None:
        for _ in range(10):
            app.one_pass()
            app.clock.now += 0.2

    calls = app.calls(ten_passes)
    assert calls.get("ec2:DescribeVpcs", 0) <= 1
    app.delete()


def test_a_stack_at_awss_durations_costs_few_calls_and_no_time(aws):
    """Each wait is observed at its own pace: at the end that is expected, and never all because one goes on."""
    aws.timing.update(dataclasses.asdict(Timing.realistic()))
    app, took = App(aws, "waits", environment="Production"), aws.timing
    began = app.clock.now
    calls = app.calls(app.grow)
    # Everything else is made beside the database, and the tasks after it.
    critical = took.rds + took.rds_standby + took.task + took.healthy
    assert app.clock.now - began <= 1.03 * critical
    assert sum(calls.values()) <= 300, calls
    assert calls["rds:DescribeDBInstances"] <= 35, calls

    began = app.clock.now
    calls = app.calls(app.delete)
    critical = took.task_stop + took.rds_delete + took.eni
    assert app.clock.now - began <= 1.04 * critical
    assert sum(calls.values()) <= 300, calls
    # Nothing is deleted once a second while a network interface is known to be in it.
    assert (calls["ec2:DeleteSubnet"], calls["ec2:DeleteSecurityGroup"]) == (6, 3)
    assert calls["rds:DescribeDBInstances"] <= 25, calls
