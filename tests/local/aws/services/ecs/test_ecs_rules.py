"""What ECS and Application Auto Scaling refuse, and how clusters and task definitions read back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.aws import building
from tests.local.aws.conftest import Aws, Refused


def test_refusals_on_creation(aws: Aws, name: str, refused: Refused) -> None:
    app = building.app(aws, name)
    definition = app.define()
    loose = building.target_group(aws, name + "-loose", app.net)
    by_instance = building.target_group(aws, name + "-inst", app.net, TargetType="instance")
    aws.elbv2.create_listener(
        LoadBalancerArn=app.balancer,
        Port=81,
        Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": by_instance}],
    )
    cases: list[tuple[dict[str, Any], str]] = [
        (_on(loose), "does not have an associated load balancer"),
        (_on(by_instance), "target type instance"),
        (_on("arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/no/1"), "does not exist"),
        (_on(app.group, containerName="other"), "container other does not exist"),
        (_on(app.group, containerPort=1), "container port 1"),
        ({"networkConfiguration": None}, "Network Configuration must be provided"),
        ({"loadBalancers": []}, "Health check grace period is only valid"),
    ]
    for changes, words in cases:
        with refused("InvalidParameterException", words):
            app.create(definition, **changes)
    with refused("ClusterNotFoundException"):
        app.create(definition, cluster="absent")
    with refused("ClientException"):
        app.create("absent:1")
    app.create(definition)
    with refused("InvalidParameterException", "not idempotent"):
        app.create(definition)


def _on(group: str, **changes: Any) -> dict[str, Any]:
    return {"loadBalancers": [{"targetGroupArn": group, "containerName": "app", "containerPort": 8000, **changes}]}


def test_a_client_token_creates_once(aws: Aws, name: str) -> None:
    app = building.app(aws, name)
    definition = app.define()
    first, again = (app.create(definition, clientToken=name)["serviceArn"] for _ in range(2))
    assert first == again


def test_unknown_services(aws: Aws, name: str, refused: Refused) -> None:
    aws.ecs.create_cluster(clusterName=name)
    found = aws.ecs.describe_services(cluster=name, services=["absent"])
    assert [failure["reason"] for failure in found["failures"]] == ["MISSING"]
    with refused("ServiceNotFoundException"):
        aws.ecs.update_service(cluster=name, service="absent", desiredCount=1)
    with refused("InvalidParameterException"):
        aws.ecs.describe_services(cluster=name, services=[str(i) for i in range(11)])


BAD_DEFINITIONS: dict[str, tuple[dict[str, Any], str]] = {
    "cpu": ({"cpu": "300"}, "No Fargate configuration"),
    "memory": ({"cpu": "256", "memory": "8192"}, "No Fargate configuration"),
    "no size": ({"cpu": None}, "'cpu' and 'memory'"),
    "bridge": ({"networkMode": "bridge"}, "awsvpc"),
    "unknown role": ({"executionRoleArn": "arn:aws:iam::123456789012:role/absent"}, "Role is not valid"),
    "no role": ({"executionRoleArn": None}, "execution role"),
}


@pytest.mark.parametrize("case", BAD_DEFINITIONS)
def test_bad_task_definitions(aws: Aws, name: str, refused: Refused, case: str) -> None:
    changes, words = BAD_DEFINITIONS[case]
    container = {"name": "app", "image": "x", "secrets": [{"name": "A", "valueFrom": "b"}]}
    params = {
        "family": name,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "executionRoleArn": building.role(aws, name),
        "containerDefinitions": [container],
        **changes,
    }
    with refused("ClientException", words):
        aws.ecs.register_task_definition(**{key: value for key, value in params.items() if value is not None})


def test_definitions_are_tagged_listed_and_retired(aws: Aws, name: str, refused: Refused) -> None:
    tags = [{"key": "spec", "value": "abc"}]
    container = {"name": "app", "image": "x", "memory": 128}
    made = [
        aws.ecs.register_task_definition(family=name, containerDefinitions=[container], tags=tags) for _ in range(2)
    ]
    assert made[0]["tags"] == tags
    assert aws.ecs.describe_task_definition(taskDefinition=name, include=["TAGS"])["tags"] == tags
    arns = [entry["taskDefinition"]["taskDefinitionArn"] for entry in made]
    listed = aws.ecs.list_task_definitions(familyPrefix=name, sort="DESC")["taskDefinitionArns"]
    assert listed == arns[::-1]
    aws.ecs.deregister_task_definition(taskDefinition=arns[1])
    aws.ecs.create_cluster(clusterName=name)
    with refused("ClientException", "inactive"):
        aws.ecs.create_service(cluster=name, serviceName=name, taskDefinition=arns[1])


def test_clusters(aws: Aws, name: str) -> None:
    app = building.app(aws, name)
    app.create(app.define())
    aws.clock.advance(aws.timing.task)
    (shown,) = aws.ecs.describe_clusters(clusters=[name], include=["TAGS", "SETTINGS"])["clusters"]
    assert shown["tags"] == [{"key": "owner", "value": name}]
    assert (shown["activeServicesCount"], shown["runningTasksCount"]) == (1, 2)
    again = aws.ecs.create_cluster(clusterName=name, settings=[{"name": "containerInsights", "value": "enabled"}])
    assert again["cluster"]["settings"] == [{"name": "containerInsights", "value": "disabled"}]


def test_autoscaling(aws: Aws, name: str, refused: Refused) -> None:
    app = building.app(aws, name)
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{name}/{name}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling = aws.application_autoscaling
    with refused("ValidationException", "doesn't exist"):
        aws.ecs.create_cluster(clusterName=name)
        scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    app.create(app.define())
    policy = {
        "TargetValue": 70.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    }
    put = {
        **target,
        "PolicyName": name,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": policy,
    }
    with refused("ObjectNotFoundException"):
        scaling.put_scaling_policy(**put)
    with refused("ValidationException"):
        scaling.register_scalable_target(**target, MinCapacity=5, MaxCapacity=2)
    scaling.register_scalable_target(**target, MinCapacity=3, MaxCapacity=5)
    assert app.describe()["desiredCount"] == 3
    scaling.put_scaling_policy(**put)
    assert len(
        scaling.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=target["ResourceId"])["ScalingPolicies"]
    )
    scaling.put_scaling_policy(**put)
    alarms = aws.cloudwatch.describe_alarms(AlarmNamePrefix=f"TargetTracking-service/{name}/{name}-")["MetricAlarms"]
    assert len(alarms) == 2, "an updated policy has two alarms, as a new one has"
    scaling.deregister_scalable_target(**target)
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=target["ResourceId"])
    assert policies["ScalingPolicies"] == []
    with refused("ObjectNotFoundException"):
        scaling.deregister_scalable_target(**target)
