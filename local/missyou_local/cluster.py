"""Applies manifests to a cluster, as `kubectl apply --server-side` does."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError, ResourceNotFoundError

from missyou_local.processes import wait_until

_MANAGER = "missyou-demo"
CRD = "missyouapps.missyou.app"
_MANIFESTS = Path(__file__).parents[2] / "manifests"
#: What gives the operator its rights: the same files that an installation applies, and a namespace that opts in.
RIGHTS = (
    _MANIFESTS / "base/namespace.yaml",
    _MANIFESTS / "base/rbac.yaml",
    _MANIFESTS / "samples/secrets-access.yaml",
)
#: What the API server itself checks: who may approve, and how a production app is deleted.
ADMISSION = (_MANIFESTS / "base/admission.yaml",)


def documents(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Read the objects of YAML files."""
    return [item for path in paths for item in yaml.safe_load_all(path.read_text()) if item]


def apply(api: client.ApiClient, objects: Iterable[Mapping[str, Any]], namespace: str = "default") -> None:
    """Apply objects in order; those that have a namespace and name none go into `namespace`. Error: ApiException."""
    dynamic = _dynamic(api)
    for item in objects:
        resource = dynamic.resources.get(api_version=item["apiVersion"], kind=item["kind"])
        arguments: dict[str, Any] = {"name": item["metadata"]["name"]}
        if resource.namespaced:
            arguments["namespace"] = item["metadata"].get("namespace", namespace)
        resource.server_side_apply(body=dict(item), field_manager=_MANAGER, force_conflicts=True, **arguments)


def missing(api: client.ApiClient, objects: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the objects that are not in the cluster, each reduced to what names it."""
    dynamic = _dynamic(api)
    absent = []
    for item in objects:
        names = {key: value for key, value in item["metadata"].items() if key in ("name", "namespace")}
        try:
            dynamic.resources.get(api_version=item["apiVersion"], kind=item["kind"]).get(**names)
        except NotFoundError:
            absent.append({"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": names})
    return absent


def delete(api: client.ApiClient, objects: Iterable[Mapping[str, Any]]) -> None:
    """Delete objects in order; ignore those that are gone. Error: ApiException."""
    dynamic = _dynamic(api)
    for item in objects:
        with contextlib.suppress(NotFoundError):
            resource = dynamic.resources.get(api_version=item["apiVersion"], kind=item["kind"])
            resource.delete(**item["metadata"])


def wait_for_crd(api: client.ApiClient, patience: float = 20.0) -> None:
    """Wait until the API server serves MissYouApps. Error: TimeoutError."""

    def served() -> bool:
        try:
            _dynamic(api).resources.get(api_version="missyou.app/v1alpha1", kind="MissYouApp").get(namespace="default")
        except (ResourceNotFoundError, ApiException):
            return False
        return True

    if not wait_until(served, patience, pause=0.1):
        raise TimeoutError(f"the API server does not serve MissYouApps {patience:g} s after {CRD} was applied")


def get_app(api: client.ApiClient, name: str, namespace: str = "default") -> dict[str, Any]:
    """Read a MissYouApp; an empty one if it is not there."""
    try:
        found: Any = client.CustomObjectsApi(api).get_namespaced_custom_object(
            "missyou.app", "v1alpha1", namespace, "missyouapps", name
        )
    except ApiException as error:
        if error.status == 404:
            return {}
        raise
    return dict(found)


def apps(api: client.ApiClient) -> list[dict[str, Any]]:
    """List all MissYouApps; none where they are unknown."""
    try:
        found: Any = client.CustomObjectsApi(api).list_cluster_custom_object("missyou.app", "v1alpha1", "missyouapps")
    except ApiException as error:
        if error.status == 404:
            return []
        raise
    items: list[dict[str, Any]] = found["items"]
    return items


def reason(error: Exception) -> str:
    """Return the message of an API server's refusal, without the headers around it."""
    if not isinstance(error, ApiException):
        return str(error)
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, TypeError, KeyError):
        return f"{error.status} {error.reason}"


def _dynamic(api: client.ApiClient) -> DynamicClient:
    """Return a client without a cache file for discovery: the usual one would outlive this process and the cluster."""
    return DynamicClient(api, cache_file=f"{os.devnull}/none")  # type: ignore[no-untyped-call]
