"""The service: what its description means, what is read when it makes no progress, each call that changes it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from missyou_operator.aws.ecs.answers import tags_of
from missyou_operator.aws.ecs.cluster import Cluster
from missyou_operator.aws.ecs.rollout import DEPLOYMENT_TAG, attributes, failed_definition
from missyou_operator.aws.ecs.service import Service
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import Health, Observed
from tests.aws.fake import STACK, FakeEc2, aws_error, cloud_of, reader_of, tags

CLUSTER = STACK.arn("ecs", "cluster/missyou-cluster")
ARN = STACK.arn("ecs", "service/missyou-cluster/missyou-service")
GROUP = STACK.arn("elasticloadbalancing", "targetgroup/missyou-tg-1234/1")
OURS = tags("missyou-service", component="Service")


def td(revision: int) -> str:
    return STACK.arn("ecs", f"task-definition/missyou:{revision}")


def deployment(revision: int = 1, rollout: str = "COMPLETED", status: str = "PRIMARY", **more: Any) -> dict[str, Any]:
    row = {"id": f"ecs-svc/{revision}", "status": status, "taskDefinition": td(revision), "rolloutState": rollout}
    return {**row, "failedTasks": 0, **more}


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
        "target_group_arn": GROUP,
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
    defaults = {"list_tasks": {"taskArns": []}, "describe_target_health": target("healthy")}
    client = FakeEc2(describe_services={"services": [described]}, **defaults | answers)
    cluster = Observed(Cluster, "missyou-cluster", CLUSTER)
    return list(Service.read(reader_of(cloud_of(client), {"ecs.Cluster": [cluster]}))), client


def one(described: dict[str, Any], **answers: Any) -> Observed:
    [found], _ = observe(described, **answers)
    return found


def health(described: dict[str, Any], **answers: Any) -> Health:
    return service().health(one(described, **answers))


def fields(desired: Service, found: Observed) -> list[str]:
    return [change.field for change in desired.diff(found)]


def event(text: str) -> dict[str, Any]:
    return {"message": f"(service missyou-service) {text}"}


def after_rollback() -> dict[str, Any]:
    """Revision 2 was deployed by the operator as ecs-svc/2, failed, and revision 1 is back; the failed row is gone."""
    described = row(
        deployment(1, id="ecs-svc/3"),
        events=[
            event("has reached a steady state."),
            event("rolling back to (deployment ecs-svc/3)."),
            event("(deployment ecs-svc/2) deployment failed: tasks failed to start."),
        ],
    )
    described["tags"].append({"key": DEPLOYMENT_TAG, "value": "ecs-svc/2 2"})
    return described


def test_an_untouched_service_has_no_difference_and_takes_two_calls() -> None:
    [found], client = observe(row())
    assert fields(service(), found) == []
    assert client.operations == ["describe_services", "describe_target_health"]
    assert (found.id, found.owned, found.state) == (ARN, True, "ACTIVE")
    assert found.attrs["cluster_name"] == "missyou-cluster"


def test_without_a_cluster_no_call_is_made() -> None:
    client = FakeEc2()
    assert Service.read(reader_of(cloud_of(client))) == []
    assert client.calls == []


def test_tombstones_are_absent_and_draining_is_deleting() -> None:
    assert observe(row(status="INACTIVE"))[0] == []
    assert one(row(status="DRAINING")).state == "deleting"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"desiredCount": 4}, []),
        ({"desiredCount": 1}, ["min_tasks"]),
        ({"healthCheckGracePeriodSeconds": 0}, ["grace_seconds"]),
        ({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True}}}, ["circuit_breaker"]),
        ({"loadBalancers": []}, ["target_group_arn", "container_port"]),
        ({"deployments": [deployment(2)]}, ["task_definition"]),
        (
            {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-a"]}}},
            ["subnet_ids", "security_group_ids"],
        ),
    ],
)
def test_what_counts_as_drift(change: dict[str, Any], named: list[str]) -> None:
    assert fields(service(), one({**row(), **change})) == named


def test_a_setting_that_aws_omits_is_no_drift() -> None:
    described = row()
    del described["deploymentConfiguration"], described["healthCheckGracePeriodSeconds"]
    assert fields(service(), one(described)) == []


# Health


def test_ready_means_complete_and_enough_tasks() -> None:
    assert health(row()).status == "ready"
    assert health(row(running=2, desired=4)).status == "ready"  # auto scaling adds two
    assert health(row(deployment(rollout="IN_PROGRESS"), running=0)).reason == "Starting"
    assert health(row(running=1)).reason == "Starting"
    rolling = health(row(deployment(2, "IN_PROGRESS"), deployment(1, status="ACTIVE"), running=3))
    assert (rolling.status, rolling.reason) == ("pending", "RollingOut")
    assert "3 of 2 tasks running" in rolling.message


def stopped(revision: int, reason: str = "CannotPullContainerError: x: not found") -> dict[str, Any]:
    tasks = [{"taskDefinitionArn": td(revision), "stopCode": "TaskFailedToStart", "stoppedReason": reason}]
    return {"list_tasks": {"taskArns": ["t"]}, "describe_tasks": {"tasks": tasks}}


def test_while_nothing_has_failed_no_further_call_is_made() -> None:
    _, client = observe(row(deployment(rollout="IN_PROGRESS"), running=0))
    assert client.operations == ["describe_services"]


def test_failing_tasks_are_diagnosed_while_ecs_still_tries() -> None:
    result = health(row(deployment(rollout="IN_PROGRESS", failedTasks=1), running=0), **stopped(1))
    assert (result.status, result.reason, result.stalled) == ("failed", "ImageNotFound", False)
    assert "Push the image" in result.message


def test_a_first_rollout_that_failed_is_stalled() -> None:
    result = health(row(deployment(rollout="FAILED", failedTasks=3), running=0), **stopped(1))
    assert (result.status, result.stalled) == ("failed", True)
    assert "0 of 2 tasks running" in result.message


def test_an_unexplained_failure_is_still_one() -> None:
    result = health(row(deployment(rollout="FAILED"), running=0), list_tasks={"taskArns": []})
    assert (result.reason, result.stalled) == ("TasksFailing", True)
    assert "forgets stopped tasks" in result.message


def test_tasks_of_other_revisions_do_not_count() -> None:
    result = health(row(deployment(rollout="FAILED"), running=0), **stopped(7))
    assert result.reason == "TasksFailing"


def test_unhealthy_targets_are_named_but_nothing_has_failed_yet() -> None:
    unhealthy = target("unhealthy", "Target.Timeout")
    result = health(row(deployment(rollout="IN_PROGRESS")), describe_target_health=unhealthy)
    assert (result.status, result.reason) == ("pending", "Starting")
    assert "10.0.0.1 is unhealthy: Target.Timeout" in result.message


def test_running_tasks_that_the_load_balancer_finds_unhealthy_are_not_ready() -> None:
    result = health(row(), describe_target_health=target("unhealthy", "Target.ResponseCodeMismatch"))
    assert (result.status, result.reason, result.stalled) == ("failed", "TasksFailing", False)
    assert "must answer 200" in result.message
    assert health(row(), describe_target_health={"TargetHealthDescriptions": []}).reason == "Starting"


# Logs


def exited(revision: int, **changes: Any) -> dict[str, Any]:
    task = {
        "taskArn": "arn:aws:ecs:us-east-1:123456789012:task/missyou-cluster/0f1e2d",
        "taskDefinitionArn": td(revision),
        "startedAt": "2026-11-23T08:00:00Z",
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [{"name": "app", "exitCode": 1}],
    }
    return {"list_tasks": {"taskArns": ["t"]}, "describe_tasks": {"tasks": [task | changes]}}


def test_the_log_of_an_app_that_exits_is_quoted() -> None:
    events = [{"message": "starting"}, {"message": "no such table: users"}]
    [found], client = observe(
        row(deployment(rollout="FAILED"), running=0), get_log_events={"events": events}, **exited(1)
    )
    result = service().health(found)
    assert "container app exited with code 1" in result.message
    assert "The end of its log: starting / no such table: users." in result.message
    arguments = client.arguments("get_log_events")
    assert (arguments["logGroupName"], arguments["logStreamName"]) == ("/ecs/missyou", "app/app/0f1e2d")


def test_an_unreadable_log_leaves_the_diagnosis_as_it_is() -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetLogEvents")
    result = health(row(deployment(rollout="FAILED"), running=0), get_log_events=denied, **exited(1))
    assert "container app exited with code 1" in result.message
    assert "log:" not in result.message


def test_a_task_that_never_ran_has_no_log() -> None:
    [_], client = observe(row(deployment(rollout="FAILED"), running=0), **exited(1, startedAt=None))
    assert "get_log_events" not in client.operations


# The rollback trap


def test_a_rolled_back_revision_is_not_deployed_again() -> None:
    found = one(after_rollback(), **stopped(2))
    desired = service(task_definition=td(2))
    assert found.attrs["failed_definition"] == td(2)
    assert fields(desired, found) == []
    result = desired.health(found)
    assert (result.status, result.reason, result.stalled) == ("failed", "RolloutFailed", True)
    assert "Push the image" in result.message


def test_fields_rolled_back_with_it_are_kept_and_others_are_changed() -> None:
    found = one(after_rollback(), **stopped(2))
    desired = service(task_definition=td(2), container_port=9000, target_group_arn="other", grace_seconds=60)
    assert fields(desired, found) == ["grace_seconds"]


def test_the_next_revision_is_tried_at_once() -> None:
    assert fields(service(task_definition=td(3)), one(after_rollback(), **stopped(2))) == ["task_definition"]


def test_until_the_tag_is_set_the_failed_row_is_proof() -> None:
    described = row(deployment(1, "IN_PROGRESS", id="ecs-svc/3"), deployment(2, "FAILED", "ACTIVE"))
    assert failed_definition(described, {}) == td(2)


@pytest.mark.parametrize(
    ("events", "tag"),
    [
        ([], "ecs-svc/2 2"),  # a person deployed the older one
        (["(deployment ecs-svc/9) deployment failed: tasks failed to start."], "ecs-svc/2 2"),  # another one failed
        (["(deployment ecs-svc/2) deployment failed: tasks failed to start."], ""),
        (["(deployment ecs-svc/2) deployment failed: tasks failed to start."], "nonsense"),
        (["(deployment ecs-svc/1) deployment failed: tasks failed to start."], "ecs-svc/1 1"),  # it is in place again
    ],
)
def test_without_proof_an_older_revision_is_drift(events: list[str], tag: str) -> None:
    described = row(deployment(1, id="ecs-svc/3"), events=[event(text) for text in events])
    assert failed_definition(described, {DEPLOYMENT_TAG: tag} if tag else {}) == ""


# Changes


def test_creating_is_one_call() -> None:
    client = FakeEc2(create_service={"service": row(deployment(rollout="IN_PROGRESS"), running=0)})
    created = service().create(cloud_of(client))
    sent = client.arguments("create_service")
    assert client.operations == ["create_service"]
    assert tags_of(sent["tags"]) == OURS
    assert len(sent["clientToken"]) <= 36
    assert sent["desiredCount"] == 2
    assert sent["deploymentConfiguration"]["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert sent["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "DISABLED"
    assert fields(service(), created) == []
    assert service().health(created).status == "pending"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Unable to Start a service that is still Draining.", "Draining"),
        ("The target group with targetGroupArn x does not have an associated load balancer.", "WaitingForLoadBalancer"),
        (
            "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
            "WaitingForRole",
        ),
        ("Creation of service was not idempotent.", "Creating"),
    ],
)
def test_transient_refusals_are_waits(text: str, reason: str) -> None:
    client = FakeEc2(create_service=aws_error("InvalidParameterException", text))
    with pytest.raises(NotYetError) as caught:
        service().create(cloud_of(client))
    assert caught.value.health.reason == reason


def update(desired: Service, found: Observed, answer: dict[str, Any]) -> tuple[Observed, FakeEc2]:
    client = FakeEc2(update_service={"service": answer})
    changed = frozenset(change.field for change in desired.diff(found))
    return desired.update(cloud_of(client), found, changed), client


def test_a_rollout_is_recorded_in_a_tag() -> None:
    answer = row(deployment(2, "IN_PROGRESS"), deployment(1, status="ACTIVE"))
    after, client = update(service(task_definition=td(2)), one(row()), answer)
    assert client.operations == ["update_service", "tag_resource"]
    expected = {"cluster": CLUSTER, "service": "missyou-service", "taskDefinition": td(2)}
    assert client.arguments("update_service") == expected
    assert tags_of(client.arguments("tag_resource")["tags"]) == {DEPLOYMENT_TAG: "ecs-svc/2 2"}
    assert fields(service(task_definition=td(2)), after) == []
    assert service().health(after).reason == "RollingOut"


def test_settings_without_a_rollout_are_not_recorded_and_never_touch_the_count() -> None:
    after, client = update(service(grace_seconds=60), one(row(desired=3)), row(desired=3))
    assert client.operations == ["update_service"]
    assert "desiredCount" not in client.arguments("update_service")
    assert after.attrs["desired"] == 3


def test_a_count_below_the_minimum_is_raised() -> None:
    _, client = update(service(min_tasks=3), one(row()), row(desired=3))
    assert client.arguments("update_service")["desiredCount"] == 3


def test_tags_alone_are_one_call() -> None:
    described = row(tags=[tag for tag in row()["tags"] if tag["key"] != "Name"])
    after, client = update(service(), one(described), {})
    assert client.operations == ["tag_resource"]
    assert fields(service(), after) == []


# Deletion


def test_deleting_stops_the_tasks_first_and_then_waits() -> None:
    client = FakeEc2(delete_service={"service": row(status="DRAINING")})
    assert Service.delete(cloud_of(client), one(row())).status == "pending"
    assert client.operations == ["update_service", "delete_service"]
    assert client.arguments("delete_service")["force"] is True

    waiting = FakeEc2()
    assert Service.delete(cloud_of(waiting), one(row(status="DRAINING"))).reason == "Deleting"
    assert waiting.calls == []


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ServiceNotFoundException", "ready"),
        ("ClusterNotFoundException", "ready"),
        ("ServiceNotActiveException", "pending"),
    ],
)
def test_deleting_what_is_deleted_or_draining(code: str, status: str) -> None:
    client = FakeEc2(update_service=aws_error(code), delete_service=aws_error(code))
    assert Service.delete(cloud_of(client), one(row())).status == status


def test_a_deployment_under_way_is_waited_for() -> None:
    text = "The service cannot be stopped while deployments are active."
    client = FakeEc2(delete_service=aws_error("InvalidParameterException", text))
    with pytest.raises(NotYetError):
        Service.delete(cloud_of(client), one(row()))


def test_attributes_of_a_minimal_answer() -> None:
    bare = {"serviceArn": ARN, "serviceName": "s", "clusterArn": CLUSTER}
    assert attributes(bare, {})["rollout_state"] == ""
