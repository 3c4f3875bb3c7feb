"""The operator's own process between a real API server and the test AWS, and what a person does with kubectl."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from kubernetes import client

from missyou_local import cluster, controlplane, processes
from missyou_local.aws import Server, Timing, serve
from missyou_local.pushing import manifest
from missyou_operator.controller.sharding import shard_lease

from .wire import Wire

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0


class Bench:
    """kubectl, so to speak, and the operator's process."""

    def __init__(
        self,
        kube: client.ApiClient,
        folder: Path,
        kubeconfig: Path,
        aws: Server,
        *,
        resync: str = "6",
        through: Wire | None = None,
        key: str = "test",
        namespace: str = "default",
        arguments: Sequence[str] = (),
    ) -> None:
        self.namespace = namespace
        self.folder, self.kubeconfig, self.aws = folder, kubeconfig, aws
        self.resync, self.wire, self.key, self.arguments = resync, through, key, arguments
        self.operator: processes.Process | None = None
        self.use(kube)

    @property
    def endpoint(self) -> str:
        """URL of the test AWS, from here."""
        return self.aws.url

    def use(self, kube: client.ApiClient) -> None:
        """Talk to the API server by this client from now on."""
        self.kube, self.api = kube, client.CustomObjectsApi(kube)

    def start(self) -> None:
        identity = self.folder / "operator.kubeconfig"
        controlplane.service_account_kubeconfig(self.kubeconfig, identity, "missyou-system", "missyou-operator")
        if self.wire:
            identity = self.wire.kubeconfig(identity, self.folder / "through.kubeconfig")
        environ = {
            "PATH": os.environ["PATH"],
            # This tree, also where another one is installed.
            "PYTHONPATH": str(ROOT / "operator"),
            "HOME": str(self.folder),
            "KUBECONFIG": str(identity),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            # Part of the user agent of each request, also of those that are signed by a role.
            "AWS_SDK_UA_APP_ID": self.key,
            "POD_NAME": self.key,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            # As in the image.
            "MALLOC_ARENA_MAX": "2",
            "MISSYOU_RESYNC_SECONDS": self.resync,
        }
        command = [str(Path(sys.executable).with_name("missyou-operator")), "--verbose", *self.arguments]
        if self.namespace != "default":
            command.append(f"--namespace={self.namespace}")
        self.operator = processes.start(self.folder, "operator", command, environ)

    def kill(self) -> None:
        """End the operator as a lost node does."""
        assert self.operator is not None
        self.operator.stop(patience=0.0)

    def log(self) -> str:
        """Give what the operator has logged since it was started."""
        return self.operator.log.read_text() if self.operator else ""

    def close(self) -> None:
        """Stop the operator and the test AWS, and leave no app behind: others use the control plane after us."""
        if self.operator:
            self.operator.stop()
        for app in self.api.list_namespaced_custom_object(*self._apps)["items"]:
            self.delete(app["metadata"]["name"])
            # It may have had no finalizer, and be gone already.
            with contextlib.suppress(client.ApiException):
                self.patch(app["metadata"]["name"], {"metadata": {"finalizers": []}})
        self.aws.control.reset()
        self.aws.close()

    @property
    def _apps(self) -> tuple[str, str, str, str]:
        return "missyou.app", "v1alpha1", self.namespace, "missyouapps"

    def apply(self, name: str, **spec: Any) -> None:
        body = {"apiVersion": "missyou.app/v1alpha1", "kind": "MissYouApp", "metadata": {"name": name}, "spec": spec}
        cluster.apply(self.kube, [body], self.namespace)

    def have(self, name: str, **spec: Any) -> dict[str, Any]:
        """Return an app that is Ready, as another test has left it or a new one."""
        if not self.get(name):
            self.apply(name, **{"environment": "Development", **spec})
        return self.ready(name)

    def get(self, name: str) -> dict[str, Any]:
        return cluster.get_app(self.kube, name, self.namespace)

    def patch(self, name: str, body: dict[str, Any]) -> None:
        self.api.patch_namespaced_custom_object(*self._apps, name, body)

    def delete(self, name: str) -> None:
        """Delete an app; a production app's deletion is confirmed before."""
        if self.get(name).get("spec", {}).get("environment") == "Production":
            self.patch(name, {"metadata": {"annotations": {"missyou.app/confirm-deletion": name}}})
        self.api.delete_namespaced_custom_object(*self._apps, name)

    def vpcs(self, name: str) -> int:
        """Count the VPCs of an app's stack."""
        mine = [{"Name": "tag:missyou.app/stack", "Values": [f"{self.namespace}/{name}"]}]
        return len(self.aws_client("ec2").describe_vpcs(Filters=mine)["Vpcs"])

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
                log = "\n".join(self.log().splitlines()[-30:])
                raise AssertionError(f"{name} is not {what}: {json.dumps(app.get('status'), indent=1)[:3000]}\n{log}")
            time.sleep(0.05)

    def ready(self, name: str) -> dict[str, Any]:
        return self.until(name, is_ready, "Ready")

    def push(self, app: dict[str, Any], tag: str = "", command: str = "") -> None:
        """Register an image under a tag, the one that the spec asks for if none is named."""
        ecr = self.aws_client("ecr")
        # It may be there already, and the operator has not observed it yet.
        with contextlib.suppress(ecr.exceptions.ImageAlreadyExistsException):
            ecr.put_image(
                repositoryName=app["status"]["outputs"]["ecrRepositoryURL"].partition("/")[2],
                imageTag=tag or app["spec"].get("image", {}).get("tag", "latest"),
                imageManifest=manifest(command),
            )

    def aws_client(self, service: str) -> Any:
        return _client(service, self.endpoint)

    def summary(self) -> Mapping[str, Any]:
        """Give what the test AWS has counted: `mutations`, and `counts` by operation."""
        return self.aws.control.ledger.summary()

    def mutations(self) -> int:
        return int(self.summary()["mutations"])

    def count(self, operation: str) -> int:
        return int(self.summary()["counts"].get(operation, 0))


@functools.cache
def _client(service: str, endpoint: str) -> Any:
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="somebody",
        aws_secret_access_key="test",
    )


def condition(app: dict[str, Any], type_: str) -> dict[str, Any]:
    found = [c for c in app.get("status", {}).get("conditions", []) if c["type"] == type_]
    return found[0] if found else {}


def is_ready(app: dict[str, Any]) -> bool:
    settled = app.get("status", {}).get("observedGeneration") == app["metadata"]["generation"]
    return settled and condition(app, "Ready").get("status") == "True"


@contextlib.contextmanager
def a_bench(
    plane: controlplane.ControlPlane, folder: Path, timing: Timing, *, data_plane: Path | None = None, **options: Any
) -> Iterator[Bench]:
    """Make a bench with a namespace and a test AWS of its own. `options` are those of `Bench`; nothing is started."""
    kube = controlplane.api_client(plane.kubeconfig)
    install(kube)
    named: Any = client.CoreV1Api(kube).create_namespace({"metadata": {"generateName": "bench-"}})
    aws = serve(timing=timing, data_plane=data_plane)
    made = Bench(kube, folder, plane.kubeconfig, aws, **{"namespace": named.metadata.name, **options})
    try:
        yield made
    finally:
        made.close()


def shard_owners(kube: client.ApiClient, shards: int) -> Mapping[int, str]:
    """Return who has which shard, by the Leases: the key of a bench, or "" for nobody."""
    leases = client.CoordinationV1Api(kube).list_namespaced_lease("missyou-system").items
    holders = {lease.metadata.name: lease.spec.holder_identity or "" for lease in leases}
    return {shard: holders.get(shard_lease(shard), "").partition("_")[0] for shard in range(shards)}


def quick(**slower: float) -> Timing:
    """Return a timing in which all takes a fifth of a second, but for what is named."""
    return Timing(**{**dict.fromkeys(Timing.__dataclass_fields__, 0.2), **slower})


def install(kube: client.ApiClient) -> None:
    """Put the CRD, the RBAC and the admission policies of the manifests into the cluster."""
    cluster.apply(kube, cluster.documents(sorted((ROOT / "crds").glob("missyou*.yaml"))))
    cluster.wait_for_crd(kube)
    cluster.apply(kube, cluster.documents([*cluster.RIGHTS, *cluster.ADMISSION]))
