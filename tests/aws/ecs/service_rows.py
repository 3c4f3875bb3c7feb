"""Services as ECS describes them, and as the operator observes and declares them."""

from __future__ import annotations

from typing import Any

from missyou_operator.aws.ecs.cluster import Cluster
from missyou_operator.aws.ecs.rollout import ROLLED_OUT, digest
from missyou_operator.aws.ecs.service import Service
from missyou_operator.engine.resource import Health, Observed
from tests.aws.fake import STACK, FakeEc2, cloud_of, reader_of, tags

CLUSTER = STACK.arn("ecs", "cluster/missyou-cluster")
ARN = STACK.arn("ecs", "service/missyou-cluster/missyou-service")
GROUP = STACK.arn("elasticloadbalancing", "targetgroup/missyou-tg-1234/1")
OURS = tags("missyou-service", component="Service")


def td(revision: int) -> str:
    return STACK.arn("ecs", f"task-definition/missyou:{revision}")


def deployment(revision: int = 1, rollout: str = "COMPLETED", status: str = "PRIMARY", **more: Any) -> dict[str, Any]:
    row = {"id": f"ecs-svc/{revision}", "status": status, "taskDefinition": td(revision), "rolloutState": rollout}
    return {**row, "failedTasks": 0, **more}


def tag_of(revision: int, **changes: Any) -> str:
    """Return the value of the deployment tag after a rollout of a revision."""
    fields = service(task_definition=td(revision), **changes)
    return f"ecs-svc/{revision} {revision} {digest({name: getattr(fields, name) for name in ROLLED_OUT})}"


def row(*deployments: dict[str, Any], running: int = 2, desired: int = 2, **more: Any) -> dict[str, Any]:
    deployments = deployments or (deployment(),)
    network = {"subnets": ["subnet-b", "subnet-a"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}
    return {
        "serviceArn": ARN,
        "serviceName": "missyou-service",
        "clusterArn": CLUSTER,
        "status": "ACTIVE",
        "taskDefinition": deployments[0]["taskDefinition"],
        "desiredCount": desired,
        "runningCount": running,
        "pendingCount": desired - running,
        "networkConfiguration": {"awsvpcConfiguration": network},
        "loadBalancers": [{"targetGroupArn": GROUP, "containerName": "app", "containerPort": 8000}],
        "healthCheckGracePeriodSeconds": 120,
        "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        "deployments": list(deployments),
        "events": [],
        "tags": [{"key": key, "value": value} for key, value in OURS.items()],
        **more,
    }


def service(**changes: Any) -> Service:
    fields: dict[str, Any] = {
        "cluster": CLUSTER,
        "task_definition": td(1),
        "subnet_ids": ("subnet-a", "subnet-b"),
        "security_group_ids": ("sg-1",),
        "target_groups": (GROUP,),
        "container_port": 8000,
        "min_tasks": 2,
        "max_tasks": 4,
        "grace_seconds": 120,
    }
    return Service(name="missyou-service", component="Service", tags=OURS, **fields | changes)


def target(state: str, reason: str = "") -> dict[str, Any]:
    health = {"State": state, **({"Reason": reason} if reason else {})}
    return {"TargetHealthDescriptions": [{"Target": {"Id": "10.0.0.1"}, "TargetHealth": health}]}


def observe(described: dict[str, Any], **answers: Any) -> tuple[list[Observed], FakeEc2]:
    definition = {"taskDefinition": {"taskDefinitionArn": td(1)}}
    defaults = {
        "list_tasks": {"taskArns": []},
        "describe_target_health": target("healthy"),
        "describe_task_definition": definition,
    }
    client = FakeEc2(describe_services={"services": [described]}, **defaults | answers)
    cluster = Observed(Cluster, "missyou-cluster", CLUSTER)
    reader = reader_of(cloud_of(client), {"ecs.Cluster": [cluster]}, {"ecs.Log": ["/ecs/missyou"]})
    return list(Service.read(reader)), client


def one(described: dict[str, Any], **answers: Any) -> Observed:
    [found], _ = observe(described, **answers)
    return found


def health(described: dict[str, Any], **answers: Any) -> Health:
    return service().health(one(described, **answers))


def fields(desired: Service, found: Observed) -> list[str]:
    return [change.field for change in desired.diff(found)]
