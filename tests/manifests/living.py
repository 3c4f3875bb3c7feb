"""A short life of one app under an operator's process of its own, and how much of it came true."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from kubernetes import client

from missyou_local import cluster, controlplane, processes
from missyou_local.aws import Server
from missyou_local.controlplane import ControlPlane

from .rights import ACCOUNT

PATIENCE = 120.0
EVERYTHING = frozenset({"process", "finalizer", "status", "event", "secret"})
_VALUE = "AIza-for-this-test"


@dataclass(frozen=True, slots=True)
class Life:
    """The app `name` in a namespace, and the operator that is to bring it about."""

    name: str
    namespace: str
    kube: client.ApiClient
    #: AWS's Secrets Manager, for somebody who is not the operator.
    secrets: Any
    operator: processes.Process

    def come_true(self) -> set[str]:
        """Tell what there is of it: the operator's process, the finalizer, a status, an Event, the secret in AWS."""
        app = cluster.get_app(self.kube, self.name, self.namespace)
        events = client.CoreV1Api(self.kube).list_namespaced_event(self.namespace).items
        told = {
            "process": self.operator.alive(),
            "finalizer": bool(app.get("metadata", {}).get("finalizers")),
            "status": bool(app.get("status", {}).get("conditions")),
            "event": bool(events),
            "secret": self.secret_arrived(),
        }
        return {part for part, there in told.items() if there}

    def until(self, done: Callable[[], bool]) -> None:
        """Wait, with a bound."""
        assert processes.wait_until(done, PATIENCE, pause=0.3), (self.come_true(), self.operator.log_tail(30))

    def secret_arrived(self) -> bool:
        """Tell whether the value of the Kubernetes Secret has become that of the one in AWS."""
        try:
            return bool(self.secrets.get_secret_value(SecretId=f"{self.name}/google_api_key")["SecretString"] == _VALUE)
        except self.secrets.exceptions.ResourceNotFoundException:
            return False

    def condition(self, type_: str) -> dict[str, str]:
        """Give a condition of the app, an empty one where there is none."""
        status = cluster.get_app(self.kube, self.name, self.namespace).get("status", {})
        return next((each for each in status.get("conditions", []) if each["type"] == type_), {})

    def end(self) -> None:
        """Delete the app, and wait until it is gone."""
        client.CustomObjectsApi(self.kube).delete_namespaced_custom_object(
            "missyou.app", "v1alpha1", self.namespace, "missyouapps", self.name
        )
        self.until(lambda: not cluster.get_app(self.kube, self.name, self.namespace))


@dataclass(frozen=True, slots=True)
class Stage:
    """Where lives take place; `folder` holds what the operators' processes need."""

    plane: ControlPlane
    aws: Server
    folder: Path


def begin(stage: Stage, name: str, namespace: str, home: str, *arguments: str) -> Life:
    """Create an app with a Secret in `namespace`, and start an operator as the ServiceAccount in `home`."""
    kube = controlplane.api_client(stage.plane.kubeconfig)
    secret = client.V1Secret(metadata=client.V1ObjectMeta(name="gemini"), string_data={"key": _VALUE})
    client.CoreV1Api(kube).create_namespaced_secret(namespace, secret)
    app = {
        "apiVersion": "missyou.app/v1alpha1",
        "kind": "MissYouApp",
        "metadata": {"name": name},
        "spec": {
            "environment": "Development",
            "secrets": {"googleAPIKey": {"secretKeyRef": {"name": "gemini", "key": "key"}}},
        },
    }
    cluster.apply(kube, [app], namespace)
    identity = stage.folder / f"{name}.kubeconfig"
    controlplane.service_account_kubeconfig(stage.plane.kubeconfig, identity, home, ACCOUNT)
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "HOME": str(stage.folder),
        "KUBECONFIG": str(identity),
        "AWS_ENDPOINT_URL": stage.aws.url,
        "AWS_ACCESS_KEY_ID": name,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = [str(Path(sys.executable).with_name("missyou-operator")), "--leader-elect", *arguments]
    secrets = boto3.client(
        "secretsmanager",
        region_name="us-east-1",
        endpoint_url=stage.aws.url,
        aws_access_key_id="somebody",
        aws_secret_access_key="test",
    )
    return Life(name, namespace, kube, secrets, processes.start(stage.folder, name, command, environ))
