"""The compute part built, changed, broken, repaired and removed by the engine against the strict test AWS."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from missyou_local.aws.server import Server, serve
from missyou_local.aws.timing import Timing
from missyou_operator.aws.autoscaling import scaled_service
from missyou_operator.aws.elbv2.targetgroup import fingerprint
from missyou_operator.controller.threads import Threads
from missyou_operator.engine.graph import Graph
from missyou_operator.stack.naming import CLUSTER, SERVICE, TARGET_GROUP
from tests.aws.ecs.support import Clients, Clock, ComputeStack, prepare, push
from tests.aws.fake import STACK

_CLOCK = Clock()
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = serve(timing=Timing(alb=10, task=10, healthy=10, task_stop=5, eni=10), clock=_CLOCK)
    server.control.reset()
    yield server
    server.close()


@pytest.fixture(scope="module")
def clients(server: Server) -> Clients:
    return Clients(server.url)


@pytest.fixture(scope="module")
def base(clients: Clients) -> Mapping[str, Any]:
    return prepare(clients)


@pytest.fixture
def world(server: Server, clients: Clients, base: Mapping[str, Any]) -> Iterator[ComputeStack]:
    """Yield a stack of its own for each test, on the one network."""
    stack = replace(STACK, name=f"stack{next(_NUMBERS)}")
    server.control.ledger.clear()
    with Threads(8) as pool:
        yield ComputeStack(server=server, pool=pool, clock=_CLOCK, clients=clients, base=base, stack=stack)


def test_the_compute_part_is_built_in_one_pass_and_left_alone(world: ComputeStack) -> None:
    graph = world.graph()
    assert sorted(world.step(graph)) == sorted(f"Create {each.address}" for each in graph)
    # Load balancer and target group have attributes that their creating calls do not take.
    assert world.mutations() == len(graph) + 2
    assert sum(world.counts().values()) <= 2 * len(graph)

    assert world.settle(graph) == []
    before = world.mutations()
    assert world.step(graph) == []
    assert world.mutations() == before
    service = world.observe()[f"ecs.Service/{world.name}-service"][0]
    assert (service.attrs["running"], service.attrs["rollout_state"]) == (2, "COMPLETED")
    assert service.attrs["diagnosis"] == ""


def test_a_new_image_is_rolled_out_and_nothing_else_is_touched(world: ComputeStack) -> None:
    world.settle(world.graph())
    assert world.settle(world.graph(tag="v2")) == [
        f"Update ecs.TaskDefinition/{world.name}",
        f"Update ecs.Service/{world.name}-service",
    ]
    assert world.service()["taskDefinition"].endswith(f"/{world.name}:2")


def test_a_new_version_of_a_secret_is_rolled_out(world: ComputeStack) -> None:
    world.settle(world.graph())
    done = world.settle(world.graph(versions=("2",)))
    assert done == [f"Update ecs.TaskDefinition/{world.name}", f"Update ecs.Service/{world.name}-service"]


def test_new_tags_reach_everything_without_a_rollout(world: ComputeStack) -> None:
    world.settle(world.graph())
    done = world.settle(world.graph(extra={"team": "web"}))
    assert {change.partition(" ")[0] for change in done} == {"Update"}
    assert world.counts().get("ecs:RegisterTaskDefinition") == 1
    assert world.service()["taskDefinition"].endswith(f"/{world.name}:1")


def test_a_failed_rollout_is_rolled_back_and_not_retried(world: ComputeStack) -> None:
    world.settle(world.graph())
    broken = world.graph(tag="missing")
    message = world.stall(broken, "RolloutFailed")
    assert f"{world.name}:2 failed" in message
    assert f"rolled back to {world.name}:1 (" in message
    assert "missing: not found" in message
    assert "Push the image" in message

    # Much later, with only the old deployment left, and by an operator that remembers nothing.
    world.clock.now += 4000
    before = world.mutations()
    assert world.step(broken) == []
    assert world.mutations() == before
    row = world.service()
    assert [item["rolloutState"] for item in row["deployments"]] == ["COMPLETED"]
    assert row["taskDefinition"].endswith(f"/{world.name}:1")

    assert f"Update ecs.Service/{world.name}-service" in world.settle(world.graph(tag="v2"))
    assert world.service()["taskDefinition"].endswith(f"/{world.name}:3")


def test_the_command_in_the_message_retries_the_rollout(world: ComputeStack) -> None:
    world.settle(world.graph())
    broken = world.graph(tag="late")
    message = world.stall(broken, "RolloutFailed")
    push(world.clients, "late")
    [command] = re.findall(r"aws ecs untag-resource --resource-arn (\S+) --tag-keys (\S+)", message)
    world.client("ecs").untag_resource(resourceArn=command[0], tagKeys=[command[1]])
    assert world.settle(broken) == [f"Update ecs.Service/{world.name}-service"]
    assert world.service()["taskDefinition"].endswith(f"/{world.name}:2")


def test_a_failed_first_rollout_says_why_and_recovers_with_the_next_image(world: ComputeStack) -> None:
    message = world.stall(world.graph(tag="missing"), "ImageNotFound")
    assert "0 of 2 tasks running" in message
    before = world.mutations()
    world.clock.now += 600
    world.step(world.graph(tag="missing"))
    assert world.mutations() == before

    world.settle(world.graph(tag="v1"))


def test_an_older_version_deployed_by_hand_is_drift(world: ComputeStack) -> None:
    world.settle(world.graph())
    world.settle(world.graph(tag="v2"))
    world.client("ecs").update_service(**world.where, taskDefinition=f"{world.name}:1")
    assert world.settle(world.graph(tag="v2")) == [f"Update ecs.Service/{world.name}-service"]


def test_a_count_set_by_auto_scaling_is_no_drift_but_one_below_the_minimum_is(world: ComputeStack) -> None:
    graph = world.graph()
    world.settle(graph)
    ecs = world.client("ecs")
    ecs.update_service(**world.where, desiredCount=4)
    assert world.step(graph) == []
    assert world.unready() == {}  # it starts two more, and stays ready meanwhile

    ecs.update_service(**world.where, desiredCount=0)
    assert world.settle(graph) == [f"Update ecs.Service/{world.name}-service"]
    assert world.service()["desiredCount"] == 2


def test_bounds_and_settings_changed_by_hand_are_restored(world: ComputeStack) -> None:
    graph = world.graph()
    world.settle(graph)
    elb, scaling, ecs = (world.client(each) for each in ("elbv2", "application-autoscaling", "ecs"))
    found = world.observe()
    [balancer], [listener] = found[f"elbv2.LoadBalancer/{world.name}-alb"], found[f"elbv2.Listener/{world.name}-http"]
    [group] = found[f"elbv2.TargetGroup/{world.stack.fill(TARGET_GROUP, fingerprint(health_path='/health'))}"]
    elb.modify_load_balancer_attributes(
        LoadBalancerArn=balancer.id,
        Attributes=[{"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "false"}],
    )
    elb.modify_listener(
        ListenerArn=listener.id,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    )
    elb.modify_target_group(TargetGroupArn=group.id, HealthCheckPath="/else")
    what = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
    service = scaled_service(world.stack.fill(CLUSTER), world.stack.fill(SERVICE))
    scaling.register_scalable_target(ResourceId=service, MaxCapacity=40, MinCapacity=2, **what)
    scaling.delete_scaling_policy(PolicyName=f"{world.name}-cpu", ResourceId=service, **what)
    ecs.update_service(
        **world.where,
        healthCheckGracePeriodSeconds=0,
        deploymentConfiguration={"deploymentCircuitBreaker": {"enable": False, "rollback": False}},
    )
    assert sorted(world.settle(graph)) == [
        f"Create autoscaling.ScalingPolicy/{world.name}-cpu",
        f"Update autoscaling.ScalableTarget/{world.name}-scaling",
        f"Update ecs.Service/{world.name}-service",
        f"Update elbv2.Listener/{world.name}-http",
        f"Update elbv2.LoadBalancer/{world.name}-alb",
        f"Update elbv2.TargetGroup/{group.name}",
    ]


def test_another_port_is_a_rollout_in_the_same_target_group(world: ComputeStack) -> None:
    world.settle(world.graph())
    assert world.settle(world.graph(port=9000)) == [
        f"Update ecs.TaskDefinition/{world.name}",
        f"Update ecs.Service/{world.name}-service",
    ]
    assert world.service()["loadBalancers"][0]["containerPort"] == 9000


def test_everything_is_removed_in_an_order_that_aws_accepts(world: ComputeStack) -> None:
    world.settle(world.graph())
    refused_before = [entry for entry in world.server.control.ledger.entries() if entry.get("error")]
    world.settle(Graph())
    assert world.observe() == {}
    assert [entry for entry in world.server.control.ledger.entries() if entry.get("error")] == refused_before
    assert (
        world.client("ecs").list_task_definitions(familyPrefix=world.name, status="ACTIVE")["taskDefinitionArns"] == []
    )
    # Create it again: tombstones are no obstacle.
    world.settle(world.graph())
