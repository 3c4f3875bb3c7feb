"""Changes of spec under continuous requests to the app that really runs: none fails, also when ECS goes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from missyou_local import cluster, processes
from missyou_local.aws import Timing

from .bench import PATIENCE, Bench, a_bench, condition
from .traffic import Traffic, traffic
from .traffic import health as health_of

NAME = "steady"
SECRET = "gemini"
BROKEN = "echo 'no such module: love'; exit 1"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def bench(control_plane, tmp_path_factory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("rollouts")
    # A busy machine may take long to start an app: no task is given up within a minute.
    timing = Timing(rds=0.5, nat=0.2, alb=0.2, task=0.2, task_stop=0.2, grace_second=1.0)
    with a_bench(control_plane, folder, timing, data_plane=folder / "plane", resync="5") as bench:
        bench.start()
        yield bench


@pytest.fixture
def app(bench: Bench) -> Bench:
    """The bench, with an app as every test wants it: on port 8000, checked at /health, and in sync."""
    replicas, check = {"min": 2, "max": 2}, {"path": "/health"}
    service = {"replicas": replicas, "port": 8000, "healthCheck": check}
    spec = {"image": {"tag": "latest"}, "service": service, "secrets": None}
    if bench.get(NAME):
        bench.patch(NAME, {"spec": spec})
    else:
        bench.apply(NAME, environment="Development", service=service)
    settle(bench)
    return bench


def settle(bench: Bench) -> None:
    bench.until(NAME, settled, "settled")


def settled(app: dict) -> bool:
    status = app.get("status", {})
    current = status.get("observedGeneration") == app["metadata"]["generation"]
    return current and condition(app, "Ready").get("status") == condition(app, "InSync").get("status") == "True"


def rolled_back(app: dict) -> bool:
    """Return whether the status says that ECS went back, in each condition that speaks of it."""
    current = app.get("status", {}).get("observedGeneration") == app["metadata"]["generation"]
    return current and {condition(app, type_)["reason"] for type_ in ("ServiceReady", "InSync")} == {"RolloutFailed"}


def service(bench: Bench, name: str = NAME) -> dict[str, Any]:
    ecs = bench.aws_client("ecs")
    [row] = ecs.describe_services(cluster=f"{name}-cluster", services=[f"{name}-service"])["services"]
    return row


def health(bench: Bench, group: str) -> dict[str, str]:
    """Return why each target of a group is not healthy, "" if it is."""
    rows = bench.aws_client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return {row["Target"]["Id"]: row["TargetHealth"].get("Reason", "") for row in rows}


def requests(bench: Bench) -> AbstractContextManager[Traffic]:
    """Send requests as long as the block runs. None may fail."""
    ask = health_of(str(bench.get(NAME)["status"]["url"]))
    return traffic(ask, ask)


def test_another_port(app: Bench) -> None:
    with requests(app):
        app.patch(NAME, {"spec": {"service": {"port": 9000}}})
        settle(app)
    assert service(app)["loadBalancers"][0]["containerPort"] == 9000


def test_another_health_check(app: Bench) -> None:
    with requests(app):
        app.patch(NAME, {"spec": {"service": {"healthCheck": {"path": "/"}}}})
        settle(app)
    [group] = app.aws_client("elbv2").describe_target_groups()["TargetGroups"]
    assert group["HealthCheckPath"] == "/"


def test_a_health_check_that_the_app_does_not_answer(app: Bench) -> None:
    with requests(app):
        app.patch(NAME, {"spec": {"service": {"healthCheck": {"path": "/nope"}}}})
        fail_by_health_check(app)
        said = condition(app.until(NAME, rolled_back, "rolled back"), "ServiceReady")["message"]
    assert "The new health check or network of" in said
    with requests(app):
        app.patch(NAME, {"spec": {"service": {"healthCheck": {"path": "/health"}}}})
        settle(app)


def fail_by_health_check(bench: Bench) -> None:
    """Wait until the new tasks have started and answer their check with 404; end their grace until ECS goes back."""

    def refused() -> bool:
        groups = bench.aws_client("elbv2").describe_target_groups()["TargetGroups"]
        new = [row["TargetGroupArn"] for row in groups if row["HealthCheckPath"] == "/nope"]
        return bool(new) and list(health(bench, new[0]).values()) == ["Target.ResponseCodeMismatch"] * 2

    def goes_back() -> bool:
        return "circuit breaker" in service(bench)["deployments"][0].get("rolloutStateReason", "")

    assert processes.wait_until(refused, PATIENCE)
    timing = bench.aws.control.timing
    grace, timing.grace_second = timing.grace_second, 0.0
    assert processes.wait_until(goes_back, PATIENCE)
    timing.grace_second = grace


def test_another_port_and_a_broken_version_in_one_patch(app: Bench) -> None:
    app.push(app.get(NAME), "broken", BROKEN)
    with requests(app):
        app.patch(NAME, {"spec": {"image": {"tag": "broken"}, "service": {"port": 9000}}})
        app.until(NAME, rolled_back, "rolled back")
        replace_a_task(app)


def test_a_secret_taken_out_and_a_broken_version_in_one_patch(app: Bench) -> None:
    give_secret(app)
    key = {"googleAPIKey": {"secretKeyRef": {"name": SECRET, "key": "api-key"}}}
    app.patch(NAME, {"spec": {"secrets": key}})
    settle(app)
    app.push(app.get(NAME), "broken", BROKEN)
    with requests(app):
        app.patch(NAME, {"spec": {"image": {"tag": "broken"}, "secrets": None}})
        app.until(NAME, rolled_back, "rolled back")
        replace_a_task(app)
    names = [row["Name"] for row in app.aws_client("secretsmanager").list_secrets()["SecretList"]]
    assert f"{NAME}/google_api_key" in names


def give_secret(bench: Bench) -> None:
    """Create the Kubernetes Secret, and let the operator read it."""
    rights, name = "rbac.authorization.k8s.io", "missyou-operator-secrets"
    readable = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [SECRET], "verbs": ["get"]}
    role = {"apiVersion": f"{rights}/v1", "kind": "Role", "metadata": {"name": name}, "rules": [readable]}
    binding = {
        "apiVersion": f"{rights}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": rights, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "missyou-operator", "namespace": "missyou-system"}],
    }
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET}, "stringData": {"api-key": "value"}}
    cluster.apply(bench.kube, [role, binding, secret], bench.namespace)


def replace_a_task(bench: Bench) -> None:
    """Stop a task of the version that ECS went back to: another one has to find all that it needs, and serve."""
    ecs, where = bench.aws_client("ecs"), {"cluster": f"{NAME}-cluster"}
    before = set(ecs.list_tasks(**where)["taskArns"])
    ecs.stop_task(**where, task=min(before))

    def replaced() -> bool:
        row = service(bench)
        [balancer] = row["loadBalancers"]
        served = list(health(bench, balancer["targetGroupArn"]).values()) == ["", ""]
        return served and row["runningCount"] == 2 and not {min(before)} & set(ecs.list_tasks(**where)["taskArns"])

    assert processes.wait_until(replaced, PATIENCE)
