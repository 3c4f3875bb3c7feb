"""Auto scaling: what belongs to the stack's service, and what has to wait."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_operator.aws.autoscaling import ScalableTarget, ScalingPolicy, scaled_service
from missyou_operator.aws.ecs.cluster import Cluster
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import Observed
from tests.aws.fake import STACK, FakeEc2, aws_error, cloud_of, reader_of, tags

SERVICE = scaled_service("missyou-cluster", "missyou-service")
ARN = STACK.arn("application-autoscaling", "scalable-target/1")
POLICY = STACK.arn("autoscaling", "scalingPolicy:1")
CLUSTER = Observed(Cluster, "missyou-cluster", "arn")
OURS = tags("missyou-scaling", component="Service")


def target(**changes: Any) -> ScalableTarget:
    fields: dict[str, Any] = {"resource_id": SERVICE, "minimum": 2, "maximum": 10}
    return ScalableTarget(name="missyou-scaling", component="Service", tags=OURS, **fields | changes)


def policy(**changes: Any) -> ScalingPolicy:
    fields: dict[str, Any] = {
        "resource_id": SERVICE,
        "metric": "ECSServiceAverageCPUUtilization",
        "target": 70.0,
        "scale_out_cooldown": 60,
        "scale_in_cooldown": 300,
    }
    return ScalingPolicy(name="missyou-cpu", component="Service", **fields | changes)


def found(target_tags: dict[str, str] = OURS) -> Observed:
    row = {"ScalableTargetARN": ARN, "ResourceId": SERVICE, "MinCapacity": 2, "MaxCapacity": 10, "RoleARN": "slr"}
    other = {**row, "ResourceId": "service/missyou-cluster/missyou-service-of-others"}
    rows = {"ScalableTargets": [other, row]}
    client = FakeEc2(describe_scalable_targets=rows, list_tags_for_resource={"Tags": target_tags})
    [observed] = ScalableTarget.read(reader_of(cloud_of(client), {"ecs.Cluster": [CLUSTER]}))
    return observed


def test_a_target_reads_back_without_a_difference() -> None:
    assert target().diff(found()) == ()
    assert found().owned


def test_a_target_without_tags_is_ours_and_one_with_others_is_not() -> None:
    assert found({}).owned
    assert [change.field for change in target().diff(found({}))] == ["tags"]
    assert not found({**OURS, "missyou.app/cluster": "another"}).owned


def test_without_a_cluster_no_call_is_made() -> None:
    client = FakeEc2()
    assert ScalableTarget.read(reader_of(cloud_of(client))) == []
    assert ScalingPolicy.read(reader_of(cloud_of(client))) == []
    assert client.calls == []


def test_bounds_and_tags_have_a_call_each() -> None:
    client = FakeEc2(register_scalable_target={"ScalableTargetARN": ARN})
    created = target().create(cloud_of(client))
    assert client.arguments("register_scalable_target")["Tags"] == OURS
    assert target().diff(created) == ()

    changing = FakeEc2(register_scalable_target={"ScalableTargetARN": ARN})
    desired = target(maximum=20)
    assert desired.diff(desired.update(cloud_of(changing), found(), frozenset({"maximum"}))) == ()
    assert "Tags" not in changing.arguments("register_scalable_target")
    assert changing.operations == ["register_scalable_target"]

    tagging = FakeEc2()
    target().update(cloud_of(tagging), found({}), frozenset({"tags"}))
    assert tagging.operations == ["tag_resource"]


def test_a_service_that_is_too_new_is_waited_for() -> None:
    refusal = aws_error("ValidationException", f"ECS service doesn't exist: {SERVICE}")
    with pytest.raises(NotYetError, match="does not see the new service"):
        target().create(cloud_of(FakeEc2(register_scalable_target=refusal)))


def test_an_absent_target_counts_as_deleted() -> None:
    client = FakeEc2(deregister_scalable_target=aws_error("ObjectNotFoundException"))
    assert ScalableTarget.delete(cloud_of(client), found()).status == "ready"


def policies(*rows: dict[str, Any]) -> list[Observed]:
    base = {"PolicyARN": POLICY, "ResourceId": SERVICE}
    client = FakeEc2(describe_scaling_policies={"ScalingPolicies": [{**base, **row} for row in rows]})
    return list(ScalingPolicy.read(reader_of(cloud_of(client), {"autoscaling.ScalableTarget": [found()]})))


def test_a_policy_reads_back_without_a_difference_and_others_of_our_target_are_ours() -> None:
    tracking = {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        "TargetValue": 70.0,
        "ScaleOutCooldown": 60,
        "ScaleInCooldown": 300,
    }
    ours, by_hand = policies(
        {"PolicyName": "missyou-cpu", "TargetTrackingScalingPolicyConfiguration": tracking},
        {"PolicyName": "by-hand", "StepScalingPolicyConfiguration": {}},
    )
    assert policy().diff(ours) == ()
    assert [change.field for change in policy(target=50.0).diff(ours)] == ["target"]
    assert (by_hand.owned, by_hand.component) == (True, "Service")


def test_a_policy_is_put_and_deleted_with_one_call_each() -> None:
    client = FakeEc2(put_scaling_policy={"PolicyARN": POLICY})
    created = policy().create(cloud_of(client))
    assert policy().diff(created) == ()
    assert ScalingPolicy.delete(cloud_of(client), created).status == "ready"
    assert client.operations == ["put_scaling_policy", "delete_scaling_policy"]
    gone = FakeEc2(delete_scaling_policy=aws_error("ObjectNotFoundException"))
    assert ScalingPolicy.delete(cloud_of(gone), created).status == "ready"
