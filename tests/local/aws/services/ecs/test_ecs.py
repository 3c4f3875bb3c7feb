"""Services get tasks: they start or fail, roll out, roll back, scale, drain."""

from __future__ import annotations

from typing import Any
from urllib.error import HTTPError

import pytest

from tests.local.aws import building
from tests.local.aws.conftest import Aws, Refused


def _steady(app: building.App) -> dict[str, Any]:
    """Let enough time pass for a rollout without failures."""
    timing = app.aws.timing
    app.aws.clock.advance(timing.task + timing.healthy + timing.task_stop)
    return app.describe()


def test_a_service_gets_tasks_and_healthy_targets(aws: Aws, name: str) -> None:
    app = building.app(aws, name)
    definition = app.define()
    made = app.create(definition)
    assert (made["runningCount"], made["pendingCount"]) == (0, 2)
    assert [task["lastStatus"] for task in app.tasks()] == ["PENDING"] * 2
    assert app.health() == []
    aws.clock.advance(aws.timing.task)
    assert [task["lastStatus"] for task in app.tasks()] == ["RUNNING"] * 2
    assert app.health() == ["initial"] * 2
    assert app.describe()["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    aws.clock.advance(aws.timing.healthy)
    shown = app.describe()
    assert app.health() == ["healthy"] * 2
    (deployment,) = shown["deployments"]
    assert (deployment["status"], deployment["rolloutState"]) == ("PRIMARY", "COMPLETED")
    assert (deployment["runningCount"], deployment["taskDefinition"]) == (2, definition)
    assert "has reached a steady state" in shown["events"][0]["message"]


def test_what_was_set_reads_back(aws: Aws, name: str) -> None:
    app = building.app(aws, name)
    app.create(app.define(), platformVersion="1.4.0", propagateTags="SERVICE", enableECSManagedTags=True)
    shown = app.describe()
    breaker = shown["deploymentConfiguration"]["deploymentCircuitBreaker"]
    assert (breaker["enable"], breaker["rollback"]) == (True, True)
    assert shown["healthCheckGracePeriodSeconds"] == 60
    assert shown["platformVersion"] == "1.4.0"
    assert shown["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": app.net.subnets,
        "securityGroups": [app.net.group],
        "assignPublicIp": "DISABLED",
    }
    assert (shown["propagateTags"], shown["enableECSManagedTags"]) == ("SERVICE", True)
    assert shown["tags"] == [{"key": "owner", "value": name}]
    assert shown["launchType"] == "FARGATE"
    assert {"key": "owner", "value": name} in app.tasks()[0]["tags"]
    without = aws.ecs.describe_services(cluster=name, services=[name])["services"][0]
    assert not without.get("tags")
    aws.ecs.tag_resource(resourceArn=shown["serviceArn"], tags=[{"key": "more", "value": "1"}])
    assert {"key": "more", "value": "1"} in app.describe()["tags"]


def test_a_new_definition_rolls_out(aws: Aws, name: str) -> None:
    app = building.app(aws, name)
    first = app.define()
    app.create(first)
    _steady(app)
    app.push("v2")
    second = app.define("v2")
    deployments = app.update(taskDefinition=second)["deployments"]
    assert [(d["status"], d["taskDefinition"]) for d in deployments] == [("PRIMARY", second), ("ACTIVE", first)]
    assert deployments[1]["runningCount"] == 2  # the old ones go on until the new ones are healthy
    aws.clock.advance(aws.timing.task + aws.timing.healthy)
    assert sorted(app.health()) == ["draining", "draining", "healthy", "healthy"]
    shown = _steady(app)
    assert [(d["taskDefinition"], d["rolloutState"]) for d in shown["deployments"]] == [(second, "COMPLETED")]
    assert app.health() == ["healthy"] * 2
    assert {task["taskDefinitionArn"] for task in app.tasks()} == {second}
    assert {task["stopCode"] for task in app.tasks("STOPPED")} == {"ServiceSchedulerInitiated"}


def test_scaling_makes_no_deployment(aws: Aws, name: str) -> None:
    app = building.app(aws, name)
    app.create(app.define())
    before = _steady(app)["deployments"][0]["id"]
    app.update(desiredCount=4)
    assert app.describe()["pendingCount"] == 2
    shown = _steady(app)
    assert [d["id"] for d in shown["deployments"]] == [before]
    assert (shown["runningCount"], shown["desiredCount"]) == (4, 4)
    app.update(desiredCount=1)
    assert _steady(app)["runningCount"] == 1
    assert app.health() == ["healthy"]


def test_forcing_makes_a_deployment_of_the_same(aws: Aws, name: str) -> None:
    app = building.app(aws, name)
    definition = app.define()
    app.create(definition)
    _steady(app)
    assert len(app.update(taskDefinition=definition)["deployments"]) == 1
    assert len(app.update(forceNewDeployment=True)["deployments"]) == 2


def test_a_stopped_task_is_replaced(aws: Aws, name: str) -> None:
    app = building.app(aws, name)
    app.create(app.define())
    _steady(app)
    victim = app.tasks()[0]["taskArn"]
    aws.ecs.stop_task(cluster=name, task=victim, reason="chaos")
    assert app.describe()["runningCount"] == 1
    assert _steady(app)["runningCount"] == 2
    stopped = {task["taskArn"]: task for task in app.tasks("STOPPED")}[victim]
    assert (stopped["stoppedReason"], stopped["stopCode"]) == ("chaos", "UserInitiated")


FAILURES = {
    "no image": ({"tag": "absent"}, "CannotPullContainerError"),
    "no secret": (
        {
            "secrets": [
                {"name": "X", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:absent-AbCdEf:X::"}
            ]
        },
        "can't find the specified secret",
    ),
    "no log group": (
        {
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": "absent",
                    "awslogs-region": "us-east-1",
                    "awslogs-stream-prefix": "app",
                },
            }
        },
        "log group does not exist",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_task_that_cannot_start_says_why(aws: Aws, name: str, case: str) -> None:
    app = building.app(aws, name)
    changes, words = FAILURES[case]
    app.create(app.define(**changes))
    aws.clock.advance(aws.timing.task)
    stopped = app.tasks("STOPPED")
    assert len(stopped) == 2
    assert words in stopped[0]["stoppedReason"]
    assert stopped[0]["stopCode"] == "TaskFailedToStart"
    assert app.describe()["deployments"][0]["failedTasks"] == 2


def test_a_secret_without_the_key_stops_the_task(aws: Aws, name: str) -> None:
    app = building.app(aws, name)
    app.create(app.define(secrets=[{"name": "X", "valueFrom": f"{app.secret}:OTHER::"}]))
    aws.clock.advance(aws.timing.task)
    assert "did not contain json key OTHER" in app.tasks("STOPPED")[0]["stoppedReason"]


def test_a_digest_and_other_registries_are_found(aws: Aws, name: str) -> None:
    app = building.app(aws, name)
    digest = aws.ecr.describe_images(repositoryName=name)["imageDetails"][0]["imageDigest"]
    app.create(app.define(image=f"{app.repository}@{digest}"))
    assert _steady(app)["runningCount"] == 2
    app.update(taskDefinition=app.define(image="public.example/elsewhere:1"))
    assert _steady(app)["deployments"][0]["rolloutState"] == "COMPLETED"


def test_the_breaker_ends_a_first_deployment(aws: Aws, name: str) -> None:
    app = building.app(aws, name)
    app.create(app.define("absent"))
    aws.clock.advance(60)
    (deployment,) = app.describe()["deployments"]
    assert (deployment["status"], deployment["rolloutState"]) == ("PRIMARY", "FAILED")
    assert deployment["failedTasks"] >= 3
    app.push("absent")
    aws.clock.advance(60)
    assert app.describe()["runningCount"] == 0  # it has given up for good
    app.update(forceNewDeployment=True)
    assert _steady(app)["runningCount"] == 2


def test_the_breaker_rolls_back_to_what_worked(aws: Aws, name: str) -> None:
    app = building.app(aws, name)
    good = app.define()
    app.create(good)
    _steady(app)
    bad = app.define("absent")
    app.update(taskDefinition=bad)
    aws.clock.advance(aws.timing.task)
    assert app.describe()["runningCount"] == 2  # the good ones still run
    aws.clock.advance(60)
    shown = app.describe()
    assert shown["taskDefinition"] == good
    (deployment,) = shown["deployments"]
    assert (deployment["rolloutState"], deployment["taskDefinition"]) == ("COMPLETED", good)
    assert "rolling back" in " ".join(event["message"] for event in shown["events"])


def test_without_a_breaker_it_goes_on_trying(aws: Aws, name: str) -> None:
    app = building.app(aws, name)
    app.create(
        app.define("late"), deploymentConfiguration={"deploymentCircuitBreaker": {"enable": False, "rollback": False}}
    )
    aws.clock.advance(60)
    assert app.describe()["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    app.push("late")
    aws.clock.advance(60)
    assert app.describe()["deployments"][0]["rolloutState"] == "COMPLETED"


def test_deletion_drains(aws: Aws, name: str, refused: Refused) -> None:
    app = building.app(aws, name)
    definition = app.define()
    app.create(definition)
    _steady(app)
    with refused("InvalidParameterException", "scaled above 0"):
        aws.ecs.delete_service(cluster=name, service=name)
    assert aws.ecs.delete_service(cluster=name, service=name, force=True)["service"]["status"] == "DRAINING"
    with refused("InvalidParameterException", "still Draining"):
        app.create(definition)
    with refused("ServiceNotActiveException"):
        app.update(desiredCount=1)
    with refused("ClusterContainsServicesException"):
        aws.ecs.delete_cluster(cluster=name)
    with refused("DependencyViolation"):
        aws.ec2.delete_security_group(GroupId=app.net.group)
    assert app.health() == ["draining"] * 2
    aws.clock.advance(aws.timing.task_stop)
    assert app.describe()["status"] == "INACTIVE"
    assert app.health() == []
    assert aws.ecs.list_services(cluster=name)["serviceArns"] == []
    assert app.create(definition)["status"] == "ACTIVE"  # the name is free again
    aws.ecs.delete_service(cluster=name, service=name, force=True)
    aws.clock.advance(aws.timing.task_stop)
    aws.ecs.delete_cluster(cluster=name)
    assert aws.ecs.describe_clusters(clusters=[name])["clusters"][0]["status"] == "INACTIVE"


def _second_group(aws: Aws, app: building.App, weight: int = 0) -> str:
    """Make another target group that the listener knows; return its ARN."""
    second = building.target_group(aws, f"{app.name}-2", app.net, HealthCheckPath="/two")
    [listener] = aws.elbv2.describe_listeners(LoadBalancerArn=app.balancer)["Listeners"]
    weights = [{"TargetGroupArn": app.group, "Weight": 1}, {"TargetGroupArn": second, "Weight": weight}]
    forward = {"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}
    aws.elbv2.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=[forward])
    return second


def test_tasks_of_a_new_deployment_register_in_several_groups_and_the_breaker_rolls_back_to_one(
    aws: Aws, name: str
) -> None:
    app = building.app(aws, name)
    app.create(app.define())
    _steady(app)
    second = _second_group(aws, app)
    entries = [{"targetGroupArn": arn, "containerName": "app", "containerPort": 8000} for arn in (app.group, second)]
    app.update(loadBalancers=entries)
    _steady(app)
    found = aws.elbv2.describe_target_health(TargetGroupArn=second)["TargetHealthDescriptions"]
    assert [each["TargetHealth"]["State"] for each in found] == ["healthy", "healthy"]
    app.update(loadBalancers=entries[:1])
    _steady(app)
    aws.control(body={"unanswered": ["/two"]})
    app.update(loadBalancers=entries)
    for _ in range(20):
        aws.clock.advance(10)
        app.describe()
    assert app.health() == ["healthy", "healthy"]
    assert len(app.describe()["loadBalancers"]) == 1
    aws.control(body={"unanswered": []})


def test_a_security_group_that_admits_another_port_only_makes_targets_unhealthy(aws: Aws, name: str) -> None:
    app = building.app(aws, name)
    app.create(app.define())
    _steady(app)
    alike = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": app.net.group}]}]
    aws.ec2.revoke_security_group_ingress(GroupId=app.net.group, IpPermissions=alike)
    assert app.health() == ["unhealthy", "unhealthy"]
    rule = {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    aws.ec2.authorize_security_group_ingress(GroupId=app.net.group, IpPermissions=[rule])
    assert app.health() == ["healthy", "healthy"]


def test_tasks_fail_as_a_test_says(aws: Aws, name: str) -> None:
    app = building.app(aws, name)
    aws.control(body={"tasks": {"exit": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}})
    app.create(app.define())
    aws.clock.advance(aws.timing.task)
    app.describe()
    arns = aws.ecs.list_tasks(cluster=name, desiredStatus="STOPPED")["taskArns"]
    [container] = aws.ecs.describe_tasks(cluster=name, tasks=arns)["tasks"][0]["containers"]
    assert (container["exitCode"], container["reason"][:16]) == (137, "OutOfMemoryError")
    with pytest.raises(HTTPError):
        aws.control(body={"tasks": {"exits": 1}})
    aws.control(body={"tasks": {}})
    aws.clock.advance(600)
    assert app.describe()["runningCount"] == 2
