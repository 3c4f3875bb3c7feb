"""The operator as users run it: its own process, as the ServiceAccount of the manifests, on a real API server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from kubernetes import client

from missyou_local import cluster, controlplane, processes
from missyou_local.aws import Server, Timing, serve

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


class Bench:
    """kubectl, so to speak, and the operator's process."""

    def __init__(self, kube: client.ApiClient, folder: Path, kubeconfig: Path, aws: Server) -> None:
        self.api, self.folder, self.kubeconfig, self.aws = client.CustomObjectsApi(kube), folder, kubeconfig, aws
        self.kube = kube
        self.operator: processes.Process | None = None

    def start(self) -> None:
        identity = self.folder / "operator.kubeconfig"
        controlplane.service_account_kubeconfig(self.kubeconfig, identity, "missyou-system", "missyou-operator")
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "KUBECONFIG": str(identity),
            "AWS_ENDPOINT_URL": self.aws.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "MISSYOU_RESYNC_SECONDS": "6",
        }
        command = [str(Path(sys.executable).with_name("missyou-operator")), "--verbose"]
        self.operator = processes.start(self.folder, "operator", command, environ)

    def kill(self) -> None:
        """End the operator as a lost node does."""
        assert self.operator is not None
        self.operator.stop(patience=0.0)

    def apply(self, name: str, **spec: Any) -> None:
        body = {"apiVersion": "missyou.app/v1alpha1", "kind": "MissYouApp", "metadata": {"name": name}, "spec": spec}
        cluster.apply(self.kube, [body])

    def get(self, name: str) -> dict[str, Any]:
        return cluster.get_app(self.kube, name)

    def patch(self, name: str, body: dict[str, Any]) -> None:
        self.api.patch_namespaced_custom_object("missyou.app", "v1alpha1", "default", "missyouapps", name, body)

    def delete(self, name: str) -> None:
        self.api.delete_namespaced_custom_object("missyou.app", "v1alpha1", "default", "missyouapps", name)

    def until(self, name: str, done: Callable[[dict[str, Any]], Any], what: str) -> dict[str, Any]:
        """Wait until an app is as wanted, pushing an image when its stack asks for one; bounded."""
        deadline = time.monotonic() + PATIENCE
        while True:
            app = self.get(name)
            if done(app):
                return app
            if condition(app, "ServiceReady").get("reason") == "ImageNotFound":
                self.push(app)
            if time.monotonic() > deadline:
                log = self.operator.log_tail(30) if self.operator else ""
                raise AssertionError(f"{name} is not {what}: {json.dumps(app.get('status'), indent=1)[:3000]}\n{log}")
            time.sleep(0.05)

    def ready(self, name: str) -> dict[str, Any]:
        return self.until(name, is_ready, "Ready")

    def push(self, app: dict[str, Any]) -> None:
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest": "sha256:0"},
            "layers": [],
        }
        ecr = self.aws_client("ecr")
        repository = app["status"]["outputs"]["ecrRepositoryURL"].partition("/")[2]
        try:
            ecr.put_image(
                repositoryName=repository,
                imageTag=app["spec"].get("image", {}).get("tag", "latest"),
                imageManifest=json.dumps(manifest),
            )
        except ecr.exceptions.ImageAlreadyExistsException:
            pass  # The operator has not looked again yet.

    def aws_client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=self.aws.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def mutations(self) -> int:
        return int(self.aws.control.ledger.summary()["mutations"])


def condition(app: dict[str, Any], type_: str) -> dict[str, Any]:
    found = [c for c in app.get("status", {}).get("conditions", []) if c["type"] == type_]
    return found[0] if found else {}


def is_ready(app: dict[str, Any]) -> bool:
    settled = app.get("status", {}).get("observedGeneration") == app["metadata"]["generation"]
    return settled and condition(app, "Ready").get("status") == "True"


@pytest.fixture(scope="module")
def bench(control_plane, kube, tmp_path_factory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("operator")
    aws = serve(timing=Timing(**dict.fromkeys(Timing.__dataclass_fields__, 0.2)))
    cluster.apply(kube, cluster.documents(sorted((ROOT / "crds").glob("*.yaml"))))
    cluster.wait_for_crd(kube)
    cluster.apply(kube, cluster.documents([ROOT / "manifests/namespace.yaml", ROOT / "manifests/rbac.yaml"]))
    bench = Bench(kube, folder, control_plane.kubeconfig, aws)
    bench.start()
    yield bench
    if bench.operator:
        bench.operator.stop()
    aws.close()


@pytest.mark.parametrize("sample", ["missyou.yaml", "missyou-development.yaml"])
def test_the_samples_become_ready(bench, sample):
    manifest = yaml.safe_load((ROOT / "manifests/samples" / sample).read_text())
    assert len((ROOT / "manifests/samples" / sample).read_text().splitlines()) < 15
    cluster.apply(bench.kube, [manifest])
    app = bench.ready(manifest["metadata"]["name"])
    assert app["spec"] == bench.get(manifest["metadata"]["name"])["spec"]
    assert "missyou.app/finalizer" in app["metadata"]["finalizers"]
    assert all(key.startswith("missyou.app/") for key in app["metadata"].get("annotations", {}))


def test_an_unchanged_stack_is_left_in_peace(bench):
    before = bench.get("missyou")
    calls, asked = bench.mutations(), str(time.time())
    bench.patch("missyou", {"metadata": {"annotations": {"missyou.app/reconcile": asked}}})
    after = bench.until("missyou", lambda app: app["status"].get("lastHandledReconcileAt") == asked, "looked at again")
    assert bench.mutations() == calls
    quiet = {"lastHandledReconcileAt", "lastSyncTime"}
    assert {k: v for k, v in after["status"].items() if k not in quiet} == {
        k: v for k, v in before["status"].items() if k not in quiet
    }
    # Full looks go on every six seconds here; a status that ticks would move the version.
    version = after["metadata"]["resourceVersion"]
    looks = bench.aws.control.ledger.summary()["counts"]["ec2:DescribeVpcs"]
    assert processes.wait_until(
        lambda: bench.aws.control.ledger.summary()["counts"]["ec2:DescribeVpcs"] > looks + 2, PATIENCE
    )
    assert bench.get("missyou")["metadata"]["resourceVersion"] == version


def test_a_change_reaches_aws(bench):
    bench.patch("missyou", {"spec": {"monitoring": {"alarms": {"databaseCPUPercent": 55}}}})
    bench.ready("missyou")
    [alarm] = bench.aws_client("cloudwatch").describe_alarms(AlarmNames=["missyou-rds-cpu"])["MetricAlarms"]
    assert alarm["Threshold"] == 55.0


def test_an_operator_that_is_killed_costs_nothing(bench):
    bench.apply("crash", environment="Development")
    bench.until("crash", lambda app: condition(app, "NetworkReady"), "begun")
    bench.kill()
    bench.start()
    bench.ready("crash")
    mine = [{"Name": "tag:missyou.app/stack", "Values": ["default/crash"]}]
    assert len(bench.aws_client("ec2").describe_vpcs(Filters=mine)["Vpcs"]) == 1
    assert len(bench.aws_client("ec2").describe_addresses(Filters=mine)["Addresses"]) == 1


def test_a_changed_kubernetes_secret_reaches_aws_by_itself(bench):
    core = client.CoreV1Api(bench.kube)
    secret = client.V1Secret(metadata=client.V1ObjectMeta(name="gemini"), string_data={"key": "value-one"})
    core.create_namespaced_secret("default", secret)
    reference = {"secretKeyRef": {"name": "gemini", "key": "key"}}
    bench.patch("crash", {"spec": {"secrets": {"googleAPIKey": reference}}})
    bench.ready("crash")
    core.patch_namespaced_secret("gemini", "default", {"stringData": {"key": "value-two"}})
    secrets = bench.aws_client("secretsmanager")

    def arrived() -> bool:
        return secrets.get_secret_value(SecretId="crash/google_api_key")["SecretString"] == "value-two"

    assert processes.wait_until(arrived, PATIENCE)
    bench.ready("crash")
    told = bench.operator.log.read_text() + json.dumps(bench.get("crash"))
    assert "value-one" not in told
    assert "value-two" not in told
    password = json.loads(secrets.get_secret_value(SecretId="crash/db_credentials")["SecretString"])["password"]
    assert password not in told


def test_deleting_takes_the_stack_along_and_the_finalizer_goes_last(bench):
    bench.patch("crash", {"metadata": {"annotations": {"note": "keep"}}})
    bench.delete("crash")
    bench.until("crash", lambda app: not app, "gone")
    mine = [{"Name": "tag:missyou.app/stack", "Values": ["default/crash"]}]
    assert bench.aws_client("ec2").describe_vpcs(Filters=mine)["Vpcs"] == []


def test_a_finalizer_that_is_removed_by_hand_leaves_aws_as_it_is(bench):
    calls = bench.mutations()
    bench.kill()
    bench.delete("missyou-dev")
    bench.patch("missyou-dev", {"metadata": {"finalizers": []}})
    bench.until("missyou-dev", lambda app: not app, "gone")
    bench.start()
    asked = str(time.time())
    bench.patch("missyou", {"metadata": {"annotations": {"missyou.app/reconcile": asked}}})
    bench.until("missyou", lambda app: app["status"].get("lastHandledReconcileAt") == asked, "looked at again")
    assert bench.mutations() == calls


def test_events_tell_the_story(bench):
    events = client.CoreV1Api(bench.kube).list_namespaced_event("default").items
    told = {(event.type, event.reason) for event in events if event.involved_object.name == "missyou"}
    assert ("Normal", "Available") in told
    assert ("Warning", "ImageNotFound") in told


def test_there_is_help(bench):
    tool = str(Path(sys.executable).with_name("missyou-operator"))
    told = subprocess.run([tool, "--help"], capture_output=True, text=True, check=True).stdout
    assert "--region" in told
    assert "AWS_REGION" in told
