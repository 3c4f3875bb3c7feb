"""The health of a service: its rollout, why its tasks fail, and the rollback trap."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from missyou_operator.aws.ecs.answers import tags_of
from missyou_operator.aws.ecs.rollout import DEPLOYMENT_TAG, attributes
from tests.aws.ecs.service_rows import GROUP, deployment, fields, health, observe, one, row, service, tag_of, target, td
from tests.aws.fake import FakeEc2, cloud_of


def test_ready_means_complete_and_enough_tasks() -> None:
    assert health(row()).status == "ready"
    assert health(row(running=2, desired=4)).status == "ready"  # auto scaling adds two
    assert health(row(deployment(rollout="IN_PROGRESS"), running=0)).reason == "Starting"
    assert health(row(running=0)).reason == "Starting"
    rolling = health(row(deployment(2, "IN_PROGRESS"), deployment(1, status="ACTIVE"), running=3))
    assert (rolling.status, rolling.reason) == ("pending", "RollingOut")
    assert "missyou:2 is being rolled out: 0 of 2 tasks running" in rolling.message


def stopped(revision: int, reason: str = "CannotPullContainerError: x: not found") -> dict[str, Any]:
    tasks = [{"taskDefinitionArn": td(revision), "stopCode": "TaskFailedToStart", "stoppedReason": reason}]
    return {"list_tasks": {"taskArns": ["t"]}, "describe_tasks": {"tasks": tasks}}


def test_while_nothing_has_failed_no_further_call_is_made() -> None:
    _, client = observe(row(deployment(rollout="IN_PROGRESS"), running=0))
    assert client.operations == ["describe_services", "describe_task_definition"]


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
    assert ") ends: starting / no such table: users." in result.message
    arguments = client.arguments("get_log_events")
    assert (arguments["logGroupName"], arguments["logStreamName"]) == ("/ecs/missyou", "app/app/0f1e2d")


def test_an_unreadable_log_leaves_the_diagnosis_as_it_is() -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetLogEvents")
    result = health(row(deployment(rollout="FAILED"), running=0), get_log_events=denied, **exited(1))
    assert "container app exited with code 1" in result.message
    assert ") ends: " not in result.message
    assert "Its log: aws logs tail /ecs/missyou --log-stream-names app/app/0f1e2d " in result.message


def test_a_task_that_never_ran_has_no_log() -> None:
    [_], client = observe(row(deployment(rollout="FAILED"), running=0), **exited(1, startedAt=None))
    assert "get_log_events" not in client.operations


# The rollback trap


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
    described["tags"].append({"key": DEPLOYMENT_TAG, "value": tag_of(2)})
    return described


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
    assert fields(service(task_definition=td(2), grace_seconds=60), found) == ["grace_seconds"]


def test_another_rollout_of_the_same_revision_is_tried() -> None:
    found = one(after_rollback(), **stopped(2))
    changes: tuple[dict[str, Any], ...] = ({"container_port": 9000}, {"target_groups": (GROUP, "other")})
    for change in changes:
        assert fields(service(task_definition=td(2), **change), found) == ["task_definition", *change]


def test_a_second_target_group_whose_checks_fail_is_rolled_back_and_not_tried_again() -> None:
    described = after_rollback()
    described["tags"][-1]["value"] = tag_of(1, target_groups=(GROUP, "other")).replace("ecs-svc/1", "ecs-svc/2")
    found = one(described, **stopped(1, "Task failed ELB health checks in (target-group other)"))
    desired = service(target_groups=(GROUP, "other"))
    assert fields(desired, found) == []
    result = desired.health(found)
    assert (result.status, result.reason, result.stalled) == ("failed", "RolloutFailed", True)
    assert "The new health check or network of missyou:1 failed" in result.message
    assert "spec.service.healthCheck.path" in result.message
    assert fields(service(), found) == ["failed_rollout"]


def test_the_record_of_a_failure_is_overwritten_once_the_spec_asks_for_what_runs() -> None:
    described = after_rollback()
    described["tags"][-1]["value"] = tag_of(1, target_groups=(GROUP, "other")).replace("ecs-svc/1", "ecs-svc/2")
    found, client = one(described, **stopped(1)), FakeEc2()
    after = service().update(cloud_of(client), found, frozenset({"failed_rollout"}))
    assert client.operations == ["tag_resource"]
    recorded = f"{tag_of(1).replace('/1 ', '/3 ')} 1"
    assert tags_of(client.arguments("tag_resource")["tags"]) == {DEPLOYMENT_TAG: recorded}
    assert fields(service(), after) == []
    assert service().health(after).status == "ready"


def test_the_next_revision_is_tried_at_once() -> None:
    assert fields(service(task_definition=td(3)), one(after_rollback(), **stopped(2))) == ["task_definition"]


def test_until_the_tag_is_set_the_failed_row_is_proof() -> None:
    described = row(deployment(1, "IN_PROGRESS", id="ecs-svc/3"), deployment(2, "FAILED", "ACTIVE"))
    assert attributes(described, {})["failed_definition"] == td(2)


@pytest.mark.parametrize(
    ("events", "tag"),
    [
        ([], tag_of(2)),  # a person deployed the older one
        (["(deployment ecs-svc/9) deployment failed: tasks failed to start."], tag_of(2)),  # another one failed
        (["(deployment ecs-svc/2) deployment failed: tasks failed to start."], ""),
        (["(deployment ecs-svc/2) deployment failed: tasks failed to start."], "nonsense"),
        (["(deployment ecs-svc/1) deployment failed: tasks failed to start."], tag_of(1)),  # it is in place again
    ],
)
def test_without_proof_an_older_revision_is_drift(events: list[str], tag: str) -> None:
    described = row(deployment(1, id="ecs-svc/3"), events=[event(text) for text in events])
    assert attributes(described, {DEPLOYMENT_TAG: tag} if tag else {})["failed_rollout"] == ""
