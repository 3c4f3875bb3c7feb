"""No change of spec takes a healthy version down: what runs keeps what it needs, also when ECS goes back to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sim.app import App, changes

NAME = "steady"


@pytest.fixture(scope="module")
def grown(aws) -> App:
    """A stack whose app serves, with a secret from Kubernetes."""
    app = App(aws, NAME, environment="Development", service={"replicas": {"min": 2, "max": 4}})
    app.secrets["gemini"] = {"api-key": "AIza-value"}
    app.edit(secrets={"googleAPIKey": {"secretKeyRef": {"name": "gemini", "key": "api-key"}}})
    app.settle()
    return app


def groups(app: App) -> dict[str, str]:
    """Return the target groups of the stack: ARN -> health check path."""
    rows = app.client("elbv2").describe_target_groups()["TargetGroups"]
    return {row["TargetGroupArn"]: row["HealthCheckPath"] for row in rows}


def forwarding(app: App) -> dict[str, int]:
    """Return the target groups that listeners forward to, and the greatest weight that one of them gives each."""
    elb = app.client("elbv2")
    [balancer] = elb.describe_load_balancers()["LoadBalancers"]
    found = []
    for listener in elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
        [action] = listener["DefaultActions"]
        if action["Type"] == "forward":
            rows = action.get("ForwardConfig", {}).get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"]}]
            found.append({row["TargetGroupArn"]: row.get("Weight", 1) for row in rows})
    return {group: max(each.get(group, 0) for each in found) for each in found for group in each}


def states(app: App, group: str) -> list[str]:
    rows = app.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return [row["TargetHealth"]["State"] for row in rows]


def serves(app: App) -> bool:
    """Return whether every group that gets requests has a healthy target."""
    served = [group for group, weight in forwarding(app).items() if weight]
    return bool(served) and all("healthy" in states(app, group) for group in served)


def under_watch(app: App, done: Callable[[], bool]) -> None:
    """Run passes until `done`; after each, and every three seconds between two, the app must be served."""
    for _ in range(200):
        app.one_pass()
        until = app.clock.now + max(app.reports[-1].requeue_after, 0.1)
        while app.clock.now < until:
            assert serves(app), app.body["status"]["conditions"]
            app.clock.now += min(3.0, until - app.clock.now)
        if done():
            return
    raise AssertionError(app.body["status"]["conditions"])


def settled(app: App) -> Callable[[], bool]:
    return lambda: app.condition("Ready")["status"] == app.condition("InSync")["status"] == "True"


def failed(app: App) -> Callable[[], bool]:
    return lambda: app.reason("ServiceReady") == "RolloutFailed"


def ports(app: App) -> set[int]:
    rows = app.client("ec2").describe_security_groups()["SecurityGroups"]
    [group] = [row for row in rows if row["GroupName"] == f"{NAME}-ecs"]
    return {rule["FromPort"] for rule in group["IpPermissions"]}


def service(app: App) -> dict[str, Any]:
    [row] = app.client("ecs").describe_services(cluster=f"{NAME}-cluster", services=[f"{NAME}-service"])["services"]
    return row


def break_rollout(app: App, tag: str, **spec: Any) -> None:
    """Ask for an image whose tasks do not start, along with another change of spec."""
    app.push(tag)
    app.edit(image={"tag": tag}, **spec)
    while len(service(app)["deployments"]) == 1:
        app.one_pass()
    app.client("ecr").batch_delete_image(repositoryName=NAME, imageIds=[{"imageTag": tag}])
    under_watch(app, lambda: len(service(app)["deployments"]) == 1)
    app.push(tag)
    under_watch(app, failed(app))


# Port


def test_another_port_is_a_rollout_in_the_same_target_group(grown: App) -> None:
    before = groups(grown)
    grown.edit(service={"port": 9000})
    done = changes(grown.calls(lambda: under_watch(grown, settled(grown))))
    assert groups(grown) == before
    assert ports(grown) == {9000}
    assert service(grown)["loadBalancers"][0]["containerPort"] == 9000
    assert done["ecs:UpdateService"] == 1
    assert not [name for name in done if name.startswith("elbv2:")]


def test_port_and_a_broken_version_in_one_patch_leave_the_running_one_reachable(grown: App) -> None:
    break_rollout(grown, "broken", service={"port": 9000})
    ends = grown.clock.now + 100
    under_watch(grown, lambda: grown.clock.now > ends)
    assert {8000, 9000} <= ports(grown)
    assert service(grown)["loadBalancers"][0]["containerPort"] == 8000
    assert grown.condition("InSync")["status"] == "False"
    assert "the version of the spec does not run" in grown.condition("InSync")["message"]
    assert changes(grown.calls(grown.observe_now)) == {}
    grown.edit(image={"tag": "latest"})
    under_watch(grown, settled(grown))
    assert ports(grown) == {9000}


# Health check


def test_a_good_new_health_check_is_tried_by_new_tasks_before_requests_move_to_it(grown: App) -> None:
    [old] = groups(grown)
    grown.edit(service={"healthCheck": {"path": "/ready"}})
    under_watch(grown, settled(grown))
    [(new, path)] = groups(grown).items()
    assert (path, new != old) == ("/ready", True)
    assert forwarding(grown) == {new: 1}
    assert [entry["targetGroupArn"] for entry in service(grown)["loadBalancers"]] == [new]
    assert states(grown, new) == ["healthy", "healthy"]
    assert grown.body["status"].get("drift", []) == []
    grown.clock.now += 60
    assert changes(grown.calls(grown.observe_now)) == {}


def test_a_bad_new_health_check_is_rolled_back_and_the_way_back_is_free(grown: App) -> None:
    [old] = groups(grown)
    grown.aws.control.answer("POST", "/_control", b'{"unanswered": ["/nope"]}')
    grown.edit(service={"healthCheck": {"path": "/nope"}})
    under_watch(grown, failed(grown))
    message = grown.condition("ServiceReady")["message"]
    assert "The new health check or network of steady:1 failed" in message
    assert "spec.service.healthCheck.path" in message
    ends = grown.clock.now + 200
    under_watch(grown, lambda: grown.clock.now > ends)
    assert grown.condition("InSync")["status"] == "False"
    assert changes(grown.calls(grown.observe_now)) == {}
    grown.restart()
    assert changes(grown.calls(grown.observe_now)) == {}
    grown.edit(service={"healthCheck": {"path": "/health"}})
    under_watch(grown, settled(grown))
    assert list(groups(grown)) == [old]
    assert forwarding(grown) == {old: 1}


def test_another_health_check_mends_what_a_failed_rollout_has_left(grown: App) -> None:
    """Its target group does not exist yet when the failure is compared with what is wanted."""
    break_rollout(grown, "broken")
    grown.edit(image={"tag": "latest"}, service={"healthCheck": {"path": "/ready"}})
    under_watch(grown, settled(grown))
    assert list(groups(grown).values()) == ["/ready"]


def test_a_health_check_that_changes_while_the_last_change_is_under_way(grown: App) -> None:
    for path in ("/one", "/two", "/three", "/health", "/four"):
        grown.edit(service={"healthCheck": {"path": path}})
        for _ in range(3):
            under_watch(grown, lambda: True)
    under_watch(grown, settled(grown))
    assert list(groups(grown).values()) == ["/four"]


def test_operators_that_remember_nothing_complete_the_move(grown: App) -> None:
    grown.edit(service={"healthCheck": {"path": "/ready"}, "port": 9000})

    def forgetful() -> bool:
        grown.restart()
        return settled(grown)()

    under_watch(grown, forgetful)
    assert list(groups(grown).values()) == ["/ready"]
    assert ports(grown) == {9000}


# What tasks need


def execution_policy(app: App) -> str:
    iam, role = app.client("iam"), f"{NAME}-us-east-1-execution"
    return str([iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in policies(iam, role)])


def policies(iam: Any, role: str) -> Iterator[str]:
    yield from iam.list_role_policies(RoleName=role)["PolicyNames"]


def test_a_secret_that_the_running_version_reads_stays_until_another_version_runs(grown: App) -> None:
    def kept() -> bool:
        return any(row["Name"].endswith("/google_api_key") for row in secrets.list_secrets()["SecretList"])

    secrets = grown.client("secretsmanager")
    break_rollout(grown, "broken", secrets={"googleAPIKey": None})
    ends = grown.clock.now + 100
    under_watch(grown, lambda: grown.clock.now > ends)
    assert kept()
    assert f"secret:{NAME}/google_api_key-" in execution_policy(grown)
    # A task that ECS starts anew finds it.
    [task, *_] = grown.client("ecs").list_tasks(cluster=f"{NAME}-cluster")["taskArns"]
    grown.client("ecs").stop_task(cluster=f"{NAME}-cluster", task=task)
    ends = grown.clock.now + 120
    under_watch(grown, lambda: grown.clock.now > ends)
    assert service(grown)["runningCount"] == 2
    told = grown.resource("secretsmanager.Secret", f"{NAME}/google_api_key")
    assert "the running version still uses it" in told["message"]

    grown.edit(image={"tag": "latest"})
    under_watch(grown, settled(grown))
    under_watch(grown, lambda: not kept())
    assert f"secret:{NAME}/google_api_key-" not in execution_policy(grown)


def test_the_repository_of_the_running_version_stays_until_another_runs(grown: App) -> None:
    own, other = f"repository/{NAME}", "repository/elsewhere"
    grown.edit(image={"repository": "210987654321.dkr.ecr.us-east-1.amazonaws.com/elsewhere", "tag": "v1"})
    grown.one_pass()
    assert own in execution_policy(grown)
    assert other in execution_policy(grown)
    assert grown.client("ecr").describe_repositories()["repositories"]


def test_while_ecs_cannot_be_read_nothing_is_taken_away(grown: App) -> None:
    grown.aws.faults({"match": "ecs:DescribeServices", "deny": True})
    grown.edit(service={"port": 9000}, secrets={"googleAPIKey": None})
    for _ in range(5):
        under_watch(grown, lambda: True)
    assert 8000 in ports(grown)
    assert f"secret:{NAME}/google_api_key-" in execution_policy(grown)
    grown.aws.calm()
    under_watch(grown, settled(grown))
    assert ports(grown) == {9000}


# What is normal is told as normal


def test_a_start_and_a_rollout_are_told_as_what_they_are(aws) -> None:
    app = App(aws, NAME, environment="Development", service={"replicas": {"min": 2, "max": 4}})
    app.grow()
    app.push("v2")
    app.edit(image={"tag": "v2"})
    app.settle()
    for report in app.reports:
        told = [*report.status["conditions"], *report.status.get("resources", ())]
        assert not [each for each in told if "unhealthy" in each.get("message", "")]
        assert report.status.get("tasks", "") in {"", "0/2", "1/2", "2/2"}
