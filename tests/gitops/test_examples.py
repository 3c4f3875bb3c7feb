"""The examples are what the real CRDs accept: Argo CD's and Flux's from their own releases, ours from crds/."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient

from missyou_local import cluster, processes
from tests.integration.bench import install

from . import configmap, lua
from .building import documents
from .record import recorded
from .states import CUSTOMIZATION, ROOT, STATES

pytestmark = pytest.mark.timeout(600)
EXAMPLES = sorted((ROOT / "gitops").glob("*/*.yaml")) + sorted((ROOT / "gitops/apps").glob("*/missyou.yaml"))


@dataclass(frozen=True, slots=True)
class Release:
    """A Go module whose source holds CRDs, and the checksum of that source."""

    module: str
    checksum: str
    crds: str


RELEASES = (
    Release(
        "github.com/argoproj/argo-cd/v3@v3.5.1", "h1:jtwPLEFX9mNj3jSq88ugFcScGnOZVs2DWaXFuZxrRT8=", "manifests/crds"
    ),
    Release(
        "github.com/fluxcd/kustomize-controller@v1.9.6",
        "h1:XB+G3A0mky0j5uVHZWv4oSlS2RvZBoNIUhstIvY0JKE=",
        "config/crd/bases",
    ),
    Release(
        "github.com/fluxcd/notification-controller@v1.9.2",
        "h1:K/l3aovY48rtFoFKF+begn+SSn6vWZY2M3snP4dBylk=",
        "config/crd/bases",
    ),
    Release(
        "github.com/fluxcd/source-controller@v1.9.6",
        "h1:nG534/bI6nVpyHra7ONAk6xDB3xPsVT+EOLHZHXPrrc=",
        "config/crd/bases",
    ),
)


def fetched(go: str, release: Release, folder: Path) -> Path:
    """Give the folder of a release's CRDs. Skips the test where the module cannot be had."""
    # The checksum below stands for the checksum database, which need not be in reach.
    environ = {**os.environ, "GONOSUMDB": "*", "GOFLAGS": ""}
    command = [go, "mod", "download", "-json", release.module]
    said = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    found = json.loads(said.stdout or "{}")
    if said.returncode or "Dir" not in found:
        pytest.skip(f"{release.module} cannot be had: {found.get('Error', said.stderr)[-300:]}")
    assert found["Sum"] == release.checksum
    return Path(found["Dir"]) / release.crds


@pytest.fixture(scope="module")
def go() -> str:
    """The go tool, which fetches the releases."""
    found = shutil.which("go")
    if found is None:
        pytest.skip("Go is not installed: the CRDs are fetched as Go modules")
    return found


@pytest.fixture(scope="module")
def dynamic(go: str, kube: client.ApiClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DynamicClient]:
    """A client of an API server that knows all kinds of the examples."""
    install(kube)
    crds = []
    for release in RELEASES:
        paths = fetched(go, release, tmp_path_factory.mktemp("empty")).glob("*.yaml")
        crds += [item for path in paths for item in documents(path) if item["kind"] == "CustomResourceDefinition"]
    cluster.apply(kube, crds)
    core = client.CoreV1Api(kube)
    for namespace in ("argocd", "flux-system"):
        core.create_namespace({"metadata": {"name": namespace}})
    made = DynamicClient(kube, cache_file=f"{os.devnull}/none")
    kinds = {(item["apiVersion"], item["kind"]) for path in EXAMPLES for item in documents(path)}
    assert processes.wait_until(lambda: all(_served(made, *kind) for kind in kinds), 60.0)
    yield made
    cluster.delete(kube, [{**crd, "metadata": {"name": crd["metadata"]["name"]}} for crd in crds])


def _served(dynamic: DynamicClient, version: str, kind: str) -> bool:
    try:
        dynamic.resources.get(api_version=version, kind=kind).get(namespace="default")
    except Exception:
        dynamic.resources.invalidate_cache()
        return False
    return True


def accept(dynamic: DynamicClient, item: dict[str, Any]) -> Any:
    """Apply an object without keeping it: the API server validates all of it, unknown fields included."""
    resource = dynamic.resources.get(api_version=item["apiVersion"], kind=item["kind"])
    return resource.server_side_apply(
        body=item,
        name=item["metadata"]["name"],
        namespace=item["metadata"].get("namespace", "default"),
        field_manager="test",
        dry_run="All",
    )


def test_the_real_crds_accept_the_examples(dynamic: DynamicClient) -> None:
    kinds = set()
    for path in EXAMPLES:
        for item in documents(path):
            accept(dynamic, item)
            kinds.add(item["kind"])
    argo, flux = {"Application", "ApplicationSet", "ConfigMap"}, {"GitRepository", "Kustomization", "Provider", "Alert"}
    assert kinds == {"MissYouApp"} | argo | flux


def test_they_would_refuse_a_field_that_does_not_exist(dynamic: DynamicClient) -> None:
    [_, _, item] = documents(ROOT / "gitops/flux/missyou.yaml")
    item["spec"]["healthCheckExpressions"] = item["spec"].pop("healthCheckExprs")
    with pytest.raises(ApiException):
        accept(dynamic, item)


def test_the_example_leaves_suspend_to_people() -> None:
    [app] = documents(ROOT / "gitops/apps/production/missyou.yaml")
    assert "suspend" not in app["spec"]


def test_the_patch_of_argocd_cm_is_the_same_lua() -> None:
    assert configmap.PATCH.read_text() == configmap.patch()
    [patch] = documents(configmap.PATCH)
    health = patch["data"]["resource.customizations.health.missyou.app_MissYouApp"]
    assert health == (CUSTOMIZATION / "health.lua").read_text()
    actions = yaml.safe_load(patch["data"]["resource.customizations.actions.missyou.app_MissYouApp"])
    assert {item["name"] for item in actions["definitions"]} == {
        path.parent.name for path in (CUSTOMIZATION / "actions").glob("*/action.lua")
    }
    for item in actions["definitions"]:
        assert item["action.lua"] == (CUSTOMIZATION / f"actions/{item['name']}/action.lua").read_text()
    for state in STATES:
        obj = recorded(state.name)
        offered = lua.run(actions["discovery.lua"], obj)
        assert {name for name, action in offered.items() if not action["disabled"]} == state.actions
