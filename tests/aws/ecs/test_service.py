"""The service: what counts as drift, and each call that changes it."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_operator.aws.ecs.answers import tags_of
from missyou_operator.aws.ecs.cluster import Cluster
from missyou_operator.aws.ecs.rollout import DEPLOYMENT_TAG, attributes
from missyou_operator.aws.ecs.service import Service
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import Observed
from tests.aws.ecs.service_rows import ARN, CLUSTER, OURS, deployment, fields, observe, one, row, service, tag_of, td
from tests.aws.fake import FakeEc2, aws_error, cloud_of, reader_of


def test_an_untouched_service_has_no_difference_and_takes_two_calls() -> None:
    [found], client = observe(row())
    assert fields(service(), found) == []
    # The revision that runs never changes: it is read once.
    assert client.operations == ["describe_services", "describe_task_definition", "describe_target_health"]
    client.calls.clear()
    reader = reader_of(cloud_of(client), {"ecs.Cluster": [Observed(Cluster, "missyou-cluster", CLUSTER)]})
    for _ in range(2):
        Service.read(reader)
    assert client.operations.count("describe_task_definition") == 1
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
        ({"loadBalancers": []}, ["container_port", "target_groups"]),
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
    assert tags_of(client.arguments("tag_resource")["tags"]) == {DEPLOYMENT_TAG: f"{tag_of(2)} 1"}
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
