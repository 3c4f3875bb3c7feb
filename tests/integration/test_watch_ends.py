"""The watch ends for good: CRD or permissions are taken away and come back. The operator says why, and goes on.

Reports: kopf#1276 (a watch that ends leaves an operator that does nothing).
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from missyou_local import binaries, controlplane, processes
from tests.conftest import say

from .bench import PATIENCE, Bench, a_bench, install, quick
from .test_outages import port_of
from .wire import Wire

pytestmark = pytest.mark.timeout(300)
CRD = "missyouapps.missyou.app"


@pytest.fixture(scope="module")
def plane(tmp_path_factory) -> Iterator[controlplane.ControlPlane]:
    """A control plane of its own: what is taken away here, others need."""
    made = controlplane.start(tmp_path_factory.mktemp("control-plane"), binaries.find(say))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def wire(plane) -> Iterator[Wire]:
    made = Wire(port_of(plane))
    yield made
    made.close()


@pytest.fixture(scope="module")
def bench(plane, wire, tmp_path_factory) -> Iterator[Bench]:
    options = {"through": wire, "namespace": "default", "resync": "5"}
    with a_bench(plane, tmp_path_factory.mktemp("operator"), quick(), **options) as bench:
        bench.start()
        yield bench


@pytest.fixture(autouse=True)
def whole(bench: Bench) -> Iterator[None]:
    """Give back what a test took away, the operator included."""
    yield
    install(bench.kube)
    if bench.operator and not bench.operator.alive():
        bench.start()


def at_work(bench: Bench) -> None:
    """Have an app, and wait until the operator's process has observed it just now."""
    bench.have("kept")
    asked = str(time.time())
    bench.patch("kept", {"metadata": {"annotations": {"missyou.app/reconcile": asked}}})
    bench.until("kept", lambda app: app["status"].get("lastHandledReconcileAt") == asked, "observed")


def logged(bench: Bench, text: str, since: int) -> None:
    assert processes.wait_until(lambda: text in bench.log()[since:], PATIENCE), bench.log()[since:][-3000:]


def test_the_crd_is_removed_and_comes_back(bench: Bench) -> None:
    bench.have("before")
    extensions, since = client.ApiextensionsV1Api(bench.kube), len(bench.log())
    extensions.delete_custom_resource_definition(CRD)

    def gone() -> bool:
        try:
            extensions.read_custom_resource_definition(CRD)
        except ApiException as error:
            return error.status == 404
        return False

    # It goes once the stack is deleted: the finalizer holds the app, and the app the CRD.
    assert processes.wait_until(gone, PATIENCE)
    assert bench.vpcs("before") == 0
    logged(bench, "the API server serves no MissYouApps", since)
    install(bench.kube)
    bench.have("after")
    assert bench.operator
    assert bench.operator.alive()
    bench.delete("after")
    bench.until("after", lambda app: not app, "gone")
    assert "Traceback" not in bench.log()[since:]


def test_permissions_are_taken_away_and_given_back(bench: Bench, wire: Wire) -> None:
    at_work(bench)
    since = len(bench.log())
    client.RbacAuthorizationV1Api(bench.kube).delete_cluster_role_binding("missyou-operator")
    # Permissions are checked when a watch begins.
    wire.cut()
    logged(bench, "may not list MissYouApps", since)
    install(bench.kube)
    bench.patch("kept", {"spec": {"monitoring": {"logRetentionDays": 14}}})

    def changed() -> bool:
        [group] = bench.aws_client("logs").describe_log_groups(logGroupNamePrefix="/ecs/kept")["logGroups"]
        return bool(group["retentionInDays"] == 14)

    assert processes.wait_until(changed, PATIENCE), bench.log()[since:][-5000:]
    assert "Traceback" not in bench.log()[since:]


def test_an_operator_that_waits_ends_when_it_is_told_to(bench: Bench, wire: Wire) -> None:
    at_work(bench)
    since = len(bench.log())
    client.RbacAuthorizationV1Api(bench.kube).delete_cluster_role_binding("missyou-operator")
    wire.cut()
    logged(bench, "may not list MissYouApps", since)
    assert bench.operator
    bench.operator.stop(patience=10.0)
    assert "Traceback" not in bench.log()[since:]
    bench.start()
    # One that starts without permissions says so as well.
    assert processes.wait_until(lambda: bench.operator is not None and not bench.operator.alive(), PATIENCE)
    assert "Traceback" not in bench.log()[since:]
    assert "clusterrolebinding" in bench.log().splitlines()[-1]
    install(bench.kube)
    bench.start()
    at_work(bench)


def test_the_namespace_of_an_app_is_deleted(bench: Bench) -> None:
    core = client.CoreV1Api(bench.kube)
    core.create_namespace({"metadata": {"name": "leaving"}})
    body = {
        "apiVersion": "missyou.app/v1alpha1",
        "kind": "MissYouApp",
        "metadata": {"name": "along"},
        "spec": {"environment": "Development"},
    }
    bench.api.create_namespaced_custom_object("missyou.app", "v1alpha1", "leaving", "missyouapps", body)

    def vpcs() -> int:
        mine = [{"Name": "tag:missyou.app/stack", "Values": ["leaving/along"]}]
        return len(bench.aws_client("ec2").describe_vpcs(Filters=mine)["Vpcs"])

    assert processes.wait_until(lambda: vpcs() == 1, PATIENCE)
    # What the namespace controller does, which this control plane has not: no Event can be posted from here on.
    core.delete_namespace("leaving")
    bench.api.delete_namespaced_custom_object("missyou.app", "v1alpha1", "leaving", "missyouapps", "along")

    def listed() -> bool:
        apps = bench.api.list_namespaced_custom_object("missyou.app", "v1alpha1", "leaving", "missyouapps")
        return bool(apps["items"])

    assert processes.wait_until(lambda: not listed(), PATIENCE)
    assert vpcs() == 0


def test_an_app_goes_while_no_watch_can_show_it(bench: Bench, wire: Wire, plane) -> None:
    """An API server that has restarted answers an old watch with 410 Gone; the new watch begins with what is left."""
    bench.have("vanished")
    since = len(bench.log())
    wire.tear()
    bench.patch("vanished", {"metadata": {"finalizers": []}})
    bench.delete("vanished")
    controlplane.start(plane.folder, binaries.find(say))
    bench.use(controlplane.api_client(plane.kubeconfig))
    wire.mend(port_of(plane))
    logged(bench, "default/vanished is gone", since)
    # Its stack is left alone from then on: a finalizer that is removed by hand leaves AWS as it is.
    logs = bench.aws_client("logs")
    logs.put_retention_policy(logGroupName="/ecs/vanished", retentionInDays=30)
    bench.have("witness")
    reads = bench.count("logs:DescribeLogGroups")
    assert processes.wait_until(lambda: bench.count("logs:DescribeLogGroups") > reads + 3, PATIENCE)
    [group] = logs.describe_log_groups(logGroupNamePrefix="/ecs/vanished")["logGroups"]
    assert group["retentionInDays"] == 30
