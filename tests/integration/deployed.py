"""The operator as it is deployed in a cluster, by the manifests and its image, and what a person does with kubectl."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

from kubernetes import client

from missyou_local import processes

from .bench import Bench

NAMESPACE, NAME = "missyou-system", "missyou-operator"
#: Seconds for pods to come and go.
_PATIENCE = 180.0


class Deployed(Bench):
    """As `Bench`, for the Deployment of the manifests. `endpoint` is the URL of its test AWS, as seen from here."""

    def __init__(self, kube: client.ApiClient, endpoint: str) -> None:
        self._endpoint, self.operator, self.namespace = endpoint, None, "default"
        self._apps, self._core = client.AppsV1Api(kube), client.CoreV1Api(kube)
        self.use(kube)

    @property
    def endpoint(self) -> str:
        return self._endpoint

    def start(self) -> None:
        """Have two pods that are ready."""
        self._scale(2)
        read = self._apps.read_namespaced_deployment
        assert processes.wait_until(lambda: read(NAME, NAMESPACE).status.ready_replicas == 2, _PATIENCE), self.log()

    def kill(self) -> None:
        self._scale(0)
        for pod in self._pods():
            self._core.delete_namespaced_pod(pod.metadata.name, NAMESPACE, grace_period_seconds=0)
        assert processes.wait_until(lambda: not self._pods(), _PATIENCE)

    def log(self) -> str:
        read = self._core.read_namespaced_pod_log
        return "\n".join(read(pod.metadata.name, NAMESPACE) for pod in self._pods())

    def summary(self) -> Mapping[str, Any]:
        with urllib.request.urlopen(f"{self.endpoint}/_control", timeout=30) as answer:
            told: Mapping[str, Any] = json.load(answer)
        return told

    def close(self) -> None:
        """Leave all as it is; a pod that had to be restarted was not as well as it seemed."""
        states = [state for pod in self._pods() for state in pod.status.container_statuses or ()]
        assert [state.restart_count for state in states if state.restart_count] == [], self.log()

    def _scale(self, replicas: int) -> None:
        self._apps.patch_namespaced_deployment_scale(NAME, NAMESPACE, {"spec": {"replicas": replicas}})

    def _pods(self) -> list[Any]:
        selector = f"app.kubernetes.io/name={NAME}"
        return list(self._core.list_namespaced_pod(NAMESPACE, label_selector=selector).items)
