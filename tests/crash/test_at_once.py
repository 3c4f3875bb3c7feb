"""Everything happens at once: specs that change and stacks that go while AWS is still at work, and names used again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from missyou_local.aws import Timing
from tests.sim.app import App
from tests.sim.aws import Aws


@pytest.fixture
def slow(aws: Aws) -> Iterator[None]:
    """Databases take minutes, services a while, as on AWS; the clock goes on by what the operator waits."""
    aws.timing.update({"rds": 240.0, "nat": 115.0, "alb": 120.0, "task": 30.0, "healthy": 30.0, "eni": 60.0})
    yield
    aws.timing.update(dataclasses.asdict(Timing()))


@pytest.fixture
def app(aws: Aws, slow: None) -> App:
    # As large as in Production, but nobody is asked before it goes.
    return App(
        aws,
        "hasty",
        environment="Development",
        network={"natGateways": 2},
        service={"replicas": {"min": 2, "max": 10}},
        database={"multiAZ": True},
    )


def gone(app: App) -> bool:
    app.clock.now += 120.0
    return not any(found for found in app.everything().values() if found not in ([0], [[]]))


@pytest.mark.parametrize("passes", [2, 6])
def test_a_spec_that_changes_while_the_stack_grows(app: App, passes: int) -> None:
    app.passes(passes)
    app.edit(service={"port": 9000, "cpu": 1024, "memory": 2048}, network={"natGateways": 1})
    app.settle()
    found = app.everything()
    assert found["NAT gateways"] == ["hasty-nat-a"]
    assert len(found["target groups"]) == 1
    [service] = app.client("ecs").describe_services(cluster="hasty-cluster", services=["hasty-service"])["services"]
    assert service["loadBalancers"][0]["containerPort"] == 9000


@pytest.mark.parametrize("passes", [1, 4, 9])
def test_a_stack_that_goes_while_it_grows(app: App, passes: int) -> None:
    app.passes(passes)
    app.delete()
    assert gone(app)


def test_a_stack_that_goes_while_its_database_is_created(app: App) -> None:
    app.passes(3)
    rds = app.client("rds")
    assert rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == "creating"
    began = app.clock.now
    app.delete()
    assert gone(app)
    assert app.clock.now - began < 1800


def test_a_name_is_used_again_at_once(app: App, aws: Aws) -> None:
    """Secrets may be in their recovery window, clusters INACTIVE, interfaces linger."""
    app.settle()
    app.delete()
    again = App(aws, "hasty", **app.body["spec"])
    again.settle()
    found = again.everything()
    assert [len(found[kind]) for kind in ("vpcs", "clusters", "databases", "load balancers")] == [1, 1, 1, 1]


def test_a_secret_in_its_recovery_window_is_taken_back(app: App) -> None:
    secrets = app.client("secretsmanager")
    made = secrets.create_secret(Name="hasty/db_credentials", SecretString="{}")
    secrets.delete_secret(SecretId=made["ARN"], RecoveryWindowInDays=7)
    app.passes(3)
    said = app.condition("Stalled")
    # It is somebody else's: it is named, not taken.
    assert said["reason"] == "PreflightFailed"
    assert "hasty/db_credentials" in said["message"]
    secrets.restore_secret(SecretId=made["ARN"])
    secrets.delete_secret(SecretId=made["ARN"], ForceDeleteWithoutRecovery=True)
    app.settle()


def test_two_changes_during_one_rollout(app: App) -> None:
    app.settle()
    app.push("v2")
    app.push("v3")
    app.edit(image={"tag": "v2"})
    app.passes(1)
    app.edit(image={"tag": "v3"})
    app.passes(1)
    app.edit(service={"cpu": 1024, "memory": 2048})
    app.settle()
    ecs = app.client("ecs")
    [service] = ecs.describe_services(cluster="hasty-cluster", services=["hasty-service"])["services"]
    row = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    assert row["containerDefinitions"][0]["dockerLabels"] == {"missyou.app/tag": "v3"}
    assert (row["cpu"], len(service["deployments"]), service["runningCount"]) == ("1024", 1, 2)
