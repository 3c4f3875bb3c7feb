"""A start with many stacks: all are looked at, and what takes a call for each resource is read stack after stack."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks.fleet.looks import RESYNC, Watcher
from benchmarks.fleet.world import Fleet
from missyou_local.aws import Timing
from missyou_operator.aws.informer import inventory
from missyou_operator.controller.reconcile import Reconciler
from tests.sim.app import changes

#: Those that are read as a whole at once, and as many more.
AT_ONCE, STACKS = 5, 10
#: Seconds until the last one may be read closely, and as a whole.
SOON, LAST = 0.12 * 5, 1.8 * 5
#: A call for each stack that is made in its turn.
OWN = "cloudwatch:GetDashboard"
#: What a person waits for is read of each.
CLOSELY = (
    "ecr:DescribeImages",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "elastic-load-balancing-v2:DescribeTargetHealth",
)
TOGETHER = ("ecs:DescribeClusters", "ec2:DescribeSecurityGroupRules")


@pytest.fixture(scope="module")
def fleet(aws):
    return Fleet(aws).grow(STACKS)


def started(aws, fleet):
    """Let what is in AWS be old, and an operator start."""
    aws.tell(keep=60, timing=dataclasses.asdict(Timing.instant()))
    aws.clock.now += 61.0
    return Watcher(aws, fleet)


def resource(body, type_):
    """Return the ID of the first resource of a type."""
    return next(row["id"] for row in body["status"]["resources"] if row["type"] == type_)


def unbalanced(aws, body):
    """Delete the load balancer of a stack."""
    elb, arn = aws.client("elbv2"), resource(body, "elbv2.LoadBalancer")
    protected = {"Key": "deletion_protection.enabled", "Value": "false"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[protected])
    elb.delete_load_balancer(LoadBalancerArn=arn)


def put_into_effect(aws, body, days):
    """Have another process put a new spec into effect, and say so."""
    body["spec"]["monitoring"] = {"logRetentionDays": days}
    body["metadata"]["generation"] += 1
    body["status"]["observedGeneration"] += 1
    for group in (row["id"] for row in body["status"]["resources"] if row["type"] == "logs.LogGroup"):
        aws.client("logs").put_retention_policy(logGroupName=group, retentionInDays=days)


def test_the_first_are_read_as_a_whole_and_the_others_in_turn(aws, fleet):
    before = [dict(body["status"]) for body in fleet]
    watcher = started(aws, fleet)
    for _ in range(AT_ONCE):
        watcher.next()
    assert watcher.calls[OWN] == AT_ONCE
    # The others cost nothing beyond what was listed for the first.
    calls = watcher.calls.copy()
    for _ in range(5):
        watcher.next()
    assert watcher.calls - calls == {}
    assert [body["status"] for body in fleet[AT_ONCE:]] == before[AT_ONCE:]
    soon = watcher.look(SOON + 0.1)
    assert {name: number for name, number in soon.calls.items() if name in CLOSELY} == dict.fromkeys(CLOSELY, 5)
    # One call for all.
    assert [soon.calls[name] for name in TOGETHER] == [1, 1]
    assert OWN not in soon.calls
    later = watcher.look(LAST + RESYNC)
    assert later.calls[OWN] == 5
    # One call for all load balancers and target groups; each listener is known once its load balancer has been read.
    assert later.calls["elastic-load-balancing-v2:DescribeListeners"] == 5
    assert later.calls["elastic-load-balancing-v2:DescribeTags"] == 1 + 5
    assert watcher.look(RESYNC).calls.get(OWN, 0) == 0
    assert changes(watcher.calls) == {}
    assert [body["status"]["conditions"] for body in fleet] == [status["conditions"] for status in before]


@pytest.mark.parametrize(
    "change",
    [
        lambda aws, body: aws.client("ec2").delete_tags(
            Resources=[resource(body, "ec2.Subnet")], Tags=[{"Key": "missyou.app/component"}]
        ),
        lambda aws, body: aws.client("cloudwatch").delete_alarms(
            AlarmNames=[r["name"] for r in body["status"]["resources"] if r["type"] == "cloudwatch.Alarm"][:1]
        ),
        unbalanced,
    ],
    ids=["tags", "alarm", "load balancer"],
)
def test_what_lists_show_is_put_right_at_once(aws, fleet, change):
    watcher = started(aws, fleet)
    change(aws, fleet[-1])
    assert changes(watcher.first().calls)
    assert fleet[-1]["status"]["drift"]
    assert not any(body["status"].get("drift") for body in fleet[:-1])


def test_what_a_person_waits_for_is_read_soon(aws, fleet):
    watcher = started(aws, fleet)
    cluster, service = (resource(fleet[-1], f"ecs.{each}") for each in ("Cluster", "Service"))
    aws.client("ecs").update_service(cluster=cluster, service=service, desiredCount=0)
    assert changes(watcher.first().calls) == {}
    assert changes(watcher.look(SOON + 0.1).calls)
    assert fleet[-1]["status"]["drift"]


def test_what_takes_a_call_of_its_own_is_put_right_in_turn(aws, fleet):
    watcher = started(aws, fleet)
    group = resource(fleet[-1], "elbv2.TargetGroup")
    aws.client("elbv2").modify_target_group_attributes(
        TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "7"}]
    )
    assert changes(watcher.first().calls) == {}
    assert changes(watcher.look(LAST + RESYNC).calls) == {"elastic-load-balancing-v2:ModifyTargetGroupAttributes": 1}


def test_a_person_does_not_wait_for_the_turn(aws, fleet):
    watcher = started(aws, fleet)
    fleet[-1]["spec"]["monitoring"] = {"logRetentionDays": 14}
    fleet[-1]["metadata"]["generation"] += 1
    assert changes(watcher.first().calls)


def test_what_is_not_ready_does_not_wait_for_the_turn(aws, fleet):
    [ready] = [each for each in fleet[-1]["status"]["conditions"] if each["type"] == "Ready"]
    ready["status"] = "False"
    first = started(aws, fleet).first()
    assert first.calls[OWN] == AT_ONCE + 1


def test_until_its_turn_a_stack_is_looked_at_as_often_as_the_others(aws, fleet, monkeypatch):
    monkeypatch.setattr("missyou_operator.aws.informer.turns._WHOLE", 60.0)
    watcher = started(aws, fleet)
    watcher.first()
    assert watcher.look(RESYNC).calls.get(OWN, 0) == 0
    aws.client("ec2").delete_tags(
        Resources=[resource(fleet[-1], "ec2.Subnet")], Tags=[{"Key": "missyou.app/component"}]
    )
    assert changes(watcher.look(RESYNC).calls) == {"ec2:CreateTags": 1}


def test_a_stack_that_was_anothers_is_looked_at_by_the_lists_that_are_there(aws, fleet):
    watcher = started(aws, fleet)
    watcher.look(2 * RESYNC)
    before = dict(fleet[-1]["status"])
    watcher.look(RESYNC / 3)
    watcher.take_over(3)
    # Another one may be due at this moment.
    assert watcher.look(0.0).calls.keys() <= set(CLOSELY)
    assert fleet[-1]["status"] == before
    # In its turn each is read by what began after it was taken over.
    assert watcher.look(SOON + 0.1).calls.get("ec2:DescribeSubnets") == 1


def test_what_another_process_has_written_is_not_put_back(aws, fleet):
    watcher = started(aws, fleet)
    watcher.look(2 * RESYNC)
    body = fleet[-1]
    put_into_effect(aws, body, 90)
    watcher.take_over(1)
    assert changes(watcher.look(RESYNC).calls) == {}
    assert not body["status"].get("drift")


def test_after_a_takeover_what_is_settled_is_looked_at_first(aws, fleet, monkeypatch):
    watcher = started(aws, fleet)
    watcher.look(2 * RESYNC)
    taken = [body["metadata"]["name"] for body in fleet[-3:]]
    # No list shows it yet.
    put_into_effect(aws, fleet[-3], 14)
    ended, reconcile = [], Reconciler.reconcile

    def noting(self, body, *rest):
        report = reconcile(self, body, *rest)
        ended.append((body["metadata"]["name"], report.result))
        return report

    monkeypatch.setattr(Reconciler, "reconcile", noting)
    watcher.take_over(3)
    assert changes(watcher.look(0.0).calls) == {}
    changed, *settled = taken
    expected = [(changed, "requeue_after"), *((name, "success") for name in settled), (changed, "success")]
    assert [each for each in ended if each[0] in taken] == expected


def test_after_a_takeover_a_stack_does_not_wait_for_what_takes_long_to_list(aws, fleet, monkeypatch):
    monkeypatch.setattr(inventory, "_LONG", 0.0)
    watcher = started(aws, fleet)
    watcher.look(2 * RESYNC)
    body = fleet[-1]
    body["spec"]["monitoring"] = {"logRetentionDays": 60}
    body["metadata"]["generation"] += 1
    # What the one before did last no list shows yet.
    alarms = [row["id"] for row in body["status"]["resources"] if row["type"] == "cloudwatch.Alarm"]
    aws.client("cloudwatch").delete_alarms(AlarmNames=[next(each for each in alarms if each.endswith("rds-cpu"))])
    watcher.take_over(1)
    before = aws.control.ledger.entries()[-1]["number"]
    calls = changes(watcher.look(0.0).calls)
    assert calls == {"cloudwatch-logs:PutRetentionPolicy": 2, "cloudwatch:PutMetricAlarm": 1}
    asked = [e["parameters"] for e in aws.control.ledger.entries("cloudwatch:DescribeAlarms", since=before)]
    assert "AlarmNames" in asked[0]
    policies = aws.control.ledger.entries("application-autoscaling:DescribeScalingPolicies", since=before)
    assert [e["parameters"] for e in policies] == [["ResourceId", "ServiceNamespace"]]
    # From then on it is looked at by the list, like all.
    watcher.look(2 * RESYNC)
    before = aws.control.ledger.entries()[-1]["number"]
    watcher.look(2 * RESYNC)
    asked = [e["parameters"] for e in aws.control.ledger.entries("cloudwatch:DescribeAlarms", since=before)]
    assert asked
    assert all("AlarmNames" not in each for each in asked)


def test_a_change_of_a_stack_that_waits_for_its_turn_is_that_change_alone(aws, fleet, monkeypatch):
    monkeypatch.setattr("missyou_operator.aws.informer.turns._WHOLE", 600.0)
    watcher = started(aws, fleet)
    watcher.look(2 * RESYNC)
    fleet[-1]["spec"]["monitoring"] = {"logRetentionDays": 60}
    fleet[-1]["metadata"]["generation"] += 1
    assert changes(watcher.look(RESYNC).calls) == {"cloudwatch-logs:PutRetentionPolicy": 2}
