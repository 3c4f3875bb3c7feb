"""A control plane comes up, guards its doors with RBAC, survives the loss of one half, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from missyou_local import binaries, cluster, controlplane, processes

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    found = controlplane.start(tmp_path_factory.mktemp("plane"), binaries.find(print), print)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def operator(plane, tmp_path_factory):
    """A client with the rights that the manifests give the operator."""
    with controlplane.api_client(plane.kubeconfig) as admin:
        cluster.apply(admin, cluster.documents(sorted((ROOT / "crds").glob("missyou*.yaml"))))
        cluster.wait_for_crd(admin)
        cluster.apply(admin, cluster.documents(cluster.RIGHTS))
    path = tmp_path_factory.mktemp("operator") / "operator.kubeconfig"
    controlplane.service_account_kubeconfig(plane.kubeconfig, path, "missyou-system", "missyou-operator")
    with controlplane.api_client(path) as api:
        yield api


def test_it_is_found_again(plane):
    assert controlplane.running(plane.folder) == plane
    assert controlplane.running(plane.folder / "elsewhere") is None


def test_keys_and_tokens_are_private(plane):
    secret = [plane.kubeconfig, plane.folder / "tokens.csv", plane.folder / "service-accounts.key"]
    assert [oct(path.stat().st_mode & 0o777) for path in secret] == ["0o600"] * 3


def test_strangers_are_refused(plane, tmp_path):
    content = yaml.safe_load(plane.kubeconfig.read_text())
    content["users"][0]["user"] = {"token": "guessed"}
    (tmp_path / "stranger").write_text(yaml.safe_dump(content))
    with pytest.raises(ApiException) as refusal:
        client.CoreV1Api(controlplane.api_client(tmp_path / "stranger")).list_namespace()
    assert refusal.value.status == 401


def test_the_operator_may_work_on_its_own_resources(operator):
    apps = client.CustomObjectsApi(operator).list_cluster_custom_object("missyou.app", "v1alpha1", "missyouapps")
    assert apps["items"] == []
    assert client.CoreV1Api(operator).read_namespace("kube-system").metadata.uid
    # Which tenant a namespace belongs to follows from its labels.
    assert client.CoreV1Api(operator).list_namespace().items


@pytest.mark.parametrize("what", ["pod", "secret", "config_map", "service_account"])
def test_the_operator_may_list_nothing_else(operator, what):
    core = client.CoreV1Api(operator)
    everywhere = getattr(core, f"list_{what}_for_all_namespaces", None) or core.list_namespace
    with pytest.raises(ApiException) as refusal:
        everywhere()
    assert refusal.value.status == 403


def test_the_operator_may_not_write_specs_of_others(operator):
    with pytest.raises(ApiException) as refusal:
        client.CoreV1Api(operator).create_namespaced_config_map("default", {"metadata": {"name": "x"}})
    assert refusal.value.status == 403


def test_after_the_loss_of_one_half_it_starts_again_with_its_data(tmp_path):
    plane = controlplane.start(tmp_path, binaries.find(print), print)
    with controlplane.api_client(plane.kubeconfig) as api:
        client.CoreV1Api(api).create_namespace({"metadata": {"name": "kept"}})
    lost = processes.recorded(tmp_path, "kube-apiserver")
    os.kill(lost.pid, signal.SIGKILL)
    assert processes.wait_until(lambda: not lost.alive(), 60)
    assert controlplane.running(tmp_path) is None
    again = controlplane.start(tmp_path, binaries.find(print), print)
    with controlplane.api_client(again.kubeconfig) as api:
        assert client.CoreV1Api(api).read_namespace("kept").metadata.name == "kept"
    recorded = [processes.recorded(tmp_path, name) for name in ("kube-apiserver", "etcd")]
    again.stop()
    assert [process.alive() for process in recorded] == [False, False]


@pytest.mark.parametrize("culprit", ["etcd", "kube-apiserver"])
def test_a_program_that_does_not_start_is_an_error_with_its_log(tmp_path, culprit):
    """The other one has nothing to say: it waits, as kube-apiserver does for an etcd that never comes."""
    paths = {"etcd": "exec sleep 60", "kube-apiserver": "exec sleep 60"} | {culprit: "echo no such luck >&2; exit 1"}
    for name, text in paths.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    said: list[str] = []
    programs = binaries.Binaries(apiserver=tmp_path / "kube-apiserver", etcd=tmp_path / "etcd")
    with pytest.raises(binaries.NoControlPlaneError, match=f"^{culprit} does not come up.*\n(no such luck\n?)+$"):
        controlplane.start(tmp_path / "plane", programs, said.append)
    assert len(said) == 2


def test_it_starts_without_a_default_route(tmp_path):
    """In a network of its own that has nothing but loopback."""
    alone = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("network namespaces cannot be made here: that needs Linux and root")
    text = "import pathlib, sys; from missyou_local import binaries, controlplane as c; "
    text += "c.start(pathlib.Path(sys.argv[1]), binaries.find(print), print).stop()"
    done = subprocess.run(
        [*alone, sys.executable, "-c", text, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
