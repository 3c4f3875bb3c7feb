"""The operator as users run it: its own process, as the ServiceAccount of the manifests, on a real API server.

The same tests hold for an operator that is deployed in a cluster: with its KUBECONFIG, and in MISSYOU_E2E_AWS the URL
of the test AWS that the operator works with, as seen from here. `make e2e-kind` does that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from missyou_local import cluster, controlplane, processes

from .bench import PATIENCE, ROOT, Bench, a_bench, condition, quick
from .deployed import Deployed


@pytest.fixture(scope="module")
def bench(request, tmp_path_factory) -> Iterator[Bench | Deployed]:
    """The operator's process and a control plane of our own, or what is deployed in the cluster that is named."""
    if endpoint := os.environ.get("MISSYOU_E2E_AWS"):
        deployed = Deployed(controlplane.api_client(Path(os.environ["KUBECONFIG"])), endpoint)
        deployed.start()
        yield deployed
        deployed.close()
        return
    plane, folder = request.getfixturevalue("control_plane"), tmp_path_factory.mktemp("operator")
    # In "default", where the operator serves all namespaces, as it does unless it is told otherwise.
    with a_bench(plane, folder, quick(), namespace="default") as bench:
        bench.start()
        yield bench


def sample(bench: Bench | Deployed) -> dict[str, Any]:
    """Return the app of the production sample, Ready, with the spec that the sample has."""
    cluster.apply(bench.kube, [yaml.safe_load((ROOT / "manifests/samples/missyou.yaml").read_text())])
    return bench.ready("missyou")


@pytest.mark.parametrize("sample", ["missyou.yaml", "missyou-development.yaml"])
def test_the_samples_become_ready(bench, sample):
    manifest = yaml.safe_load((ROOT / "manifests/samples" / sample).read_text())
    assert len((ROOT / "manifests/samples" / sample).read_text().splitlines()) < 15
    cluster.apply(bench.kube, [manifest])
    app = bench.ready(manifest["metadata"]["name"])
    assert app["spec"] == bench.get(manifest["metadata"]["name"])["spec"]
    assert "missyou.app/finalizer" in app["metadata"]["finalizers"]
    assert all(key.startswith("missyou.app/") for key in app["metadata"].get("annotations", {}))


def test_another_field_manager_applies_beside_the_operator(bench):
    """As Argo CD and Flux do: server-side, without force. The operator owns no field of the spec."""
    manifest = {
        "apiVersion": "missyou.app/v1alpha1",
        "kind": "MissYouApp",
        "metadata": {"name": "gitops", "namespace": "default"},
        "spec": {"environment": "Development", "monitoring": {"logRetentionDays": 7}},
    }
    for days in (7, 14, 30):
        manifest["spec"]["monitoring"]["logRetentionDays"] = days
        # Without force, the API server refuses what another manager owns.
        bench.api.patch_namespaced_custom_object(
            "missyou.app",
            "v1alpha1",
            "default",
            "missyouapps",
            "gitops",
            manifest,
            field_manager="argocd-controller",
            _content_type="application/apply-patch+yaml",
        )
        app = bench.ready("gitops")
        assert app["spec"]["monitoring"]["logRetentionDays"] == days
    for entry in app["metadata"]["managedFields"]:
        if entry["manager"] != "argocd-controller":
            assert set(entry["fieldsV1"]) <= {"f:status", "f:metadata"}, entry
            annotations = entry["fieldsV1"].get("f:metadata", {}).get("f:annotations", {})
            assert all(key == "." or key.startswith("f:missyou.app/") for key in annotations)
    bench.delete("gitops")
    bench.until("gitops", lambda app: not app, "gone")


def test_an_unchanged_stack_is_left_in_peace(bench):
    sample(bench)
    # The app serves while ECS still looks at the alarms for a moment, which the status tells.
    before = bench.until("missyou", lambda app: not condition(app, "ServiceReady")["message"], "rolled out to the end")
    calls, asked = bench.mutations(), str(time.time())
    bench.patch("missyou", {"metadata": {"annotations": {"missyou.app/reconcile": asked}}})
    after = bench.until("missyou", lambda app: app["status"].get("lastHandledReconcileAt") == asked, "observed again")
    assert bench.mutations() == calls
    quiet = {"lastHandledReconcileAt", "lastSyncTime"}
    assert {k: v for k, v in after["status"].items() if k not in quiet} == {
        k: v for k, v in before["status"].items() if k not in quiet
    }
    # Full observations go on every six seconds here; a status that ticks would move the version.
    version = after["metadata"]["resourceVersion"]
    reads = bench.count("ec2:DescribeVpcs")
    assert processes.wait_until(lambda: bench.count("ec2:DescribeVpcs") > reads + 2, PATIENCE)
    assert bench.get("missyou")["metadata"]["resourceVersion"] == version


def test_a_change_reaches_aws(bench):
    sample(bench)
    bench.patch("missyou", {"spec": {"monitoring": {"alarms": {"databaseCPUPercent": 55}}}})
    bench.ready("missyou")
    [alarm] = bench.aws_client("cloudwatch").describe_alarms(AlarmNames=["missyou-rds-cpu"])["MetricAlarms"]
    assert alarm["Threshold"] == 55.0


def test_an_operator_that_is_killed_costs_nothing(bench):
    bench.apply("killed", environment="Development")
    bench.until("killed", lambda app: condition(app, "NetworkReady"), "begun")
    bench.kill()
    bench.start()
    bench.ready("killed")
    mine = [{"Name": "tag:missyou.app/stack", "Values": ["default/killed"]}]
    assert bench.vpcs("killed") == 1
    assert len(bench.aws_client("ec2").describe_addresses(Filters=mine)["Addresses"]) == 1


def test_a_changed_kubernetes_secret_reaches_aws_by_itself(bench):
    bench.have("crash")
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
    told = bench.log() + json.dumps(bench.get("crash"))
    assert "value-one" not in told
    assert "value-two" not in told
    password = json.loads(secrets.get_secret_value(SecretId="crash/db_credentials")["SecretString"])["password"]
    assert password not in told


def test_deleting_takes_the_stack_along_and_the_finalizer_goes_last(bench):
    bench.have("crash")
    bench.patch("crash", {"metadata": {"annotations": {"note": "keep"}}})
    bench.delete("crash")
    bench.until("crash", lambda app: not app, "gone")
    assert bench.vpcs("crash") == 0


def test_a_finalizer_that_is_removed_by_hand_leaves_aws_as_it_is(bench):
    sample(bench)
    # Its stack stays for good, so that no other test may want an app of its name.
    bench.have("abandoned")
    calls = bench.mutations()
    bench.kill()
    bench.delete("abandoned")
    bench.patch("abandoned", {"metadata": {"finalizers": []}})
    bench.until("abandoned", lambda app: not app, "gone")
    bench.start()
    asked = str(time.time())
    bench.patch("missyou", {"metadata": {"annotations": {"missyou.app/reconcile": asked}}})
    bench.until("missyou", lambda app: app["status"].get("lastHandledReconcileAt") == asked, "observed again")
    assert bench.mutations() == calls


def test_events_tell_the_story(bench):
    sample(bench)
    events = client.CoreV1Api(bench.kube).list_namespaced_event("default").items
    told = {(event.type, event.reason) for event in events if event.involved_object.name == "missyou"}
    assert ("Normal", "Available") in told
    assert ("Warning", "ImageNotFound") in told


def test_there_is_help(bench):
    tool = str(Path(sys.executable).with_name("missyou-operator"))
    told = subprocess.run([tool, "--help"], capture_output=True, text=True, check=True).stdout
    assert "--region" in told
    assert "AWS_REGION" in told
