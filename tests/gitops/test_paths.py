"""The paths of the examples install what they say: built by the tools' own generators, applied to a real API server.

Reports: a path without a kustomization.yaml is Synced and Healthy in Argo CD with nothing installed; Flux writes a
kustomization.yaml over all files below it, and fails ("already registered id").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from missyou_local import cluster
from missyou_local.controlplane import ControlPlane
from tests import gotools

from .building import Generators, applications, documents
from .states import ROOT

#: Building the program for the first time takes a minute or two.
pytestmark = pytest.mark.timeout(900)
ARGO = [item for path in sorted((ROOT / "gitops/argocd").glob("*.yaml")) for item in documents(path)]
FLUX = [item for path in sorted((ROOT / "gitops/flux").glob("*.yaml")) for item in documents(path)]
KUSTOMIZATIONS = {item["metadata"]["name"]: item["spec"] for item in FLUX if item["kind"] == "Kustomization"}
OPERATOR = {"CustomResourceDefinition", "Namespace", "Deployment", "ClusterRole", "ClusterRoleBinding"}


@pytest.fixture(scope="module")
def generators(tmp_path_factory: pytest.TempPathFactory) -> Generators:
    program = gotools.built(Path(__file__).parent / "generators", ".")
    return Generators.of(program, tmp_path_factory.mktemp("repository"))


def built(generators: Generators) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return what each Application and each Kustomization makes, in the namespace that it names."""
    made = {}
    for name, spec in applications(ARGO).items():
        made["argo", name] = placed(generators.argo(spec["source"]["path"]), spec["destination"]["namespace"])
    for name, spec in KUSTOMIZATIONS.items():
        made["flux", name] = generators.flux(spec["path"], spec)
    return made


def placed(items: Sequence[dict[str, Any]], namespace: str) -> list[dict[str, Any]]:
    """Put what names no namespace into one, as Argo CD does."""
    return [{**item, "metadata": {"namespace": namespace, **item["metadata"]}} for item in items]


def apps(items: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in items if item["kind"] == "MissYouApp"]


def test_each_path_makes_what_it_is_for(generators: Generators) -> None:
    made = built(generators)
    assert set(made) == {
        ("argo", "missyou-operator"),
        ("argo", "missyou-development"),
        ("argo", "missyou-production"),
        ("flux", "missyou-operator"),
        ("flux", "missyou-production"),
    }
    for (_, name), items in made.items():
        kinds = {item["kind"] for item in items}
        if name == "missyou-operator":
            assert kinds >= OPERATOR
            assert not apps(items)
        else:
            assert kinds == {"Namespace", "MissYouApp"}
            [(namespace, _)] = apps(items)
            assert namespace == name


def test_both_tools_tell_one_story(generators: Generators) -> None:
    made = built(generators)
    for name in KUSTOMIZATIONS:
        argo, flux = ({key(item): item for item in made[tool, name]} for tool in ("argo", "flux"))
        assert argo.keys() == flux.keys()
    # No app is made by two Applications, whatever is applied.
    every = [app for (tool, _), items in made.items() if tool == "argo" for app in apps(items)]
    assert len(every) == len(set(every)) == 2
    production = KUSTOMIZATIONS["missyou-production"]
    checked = [(check["namespace"], check["name"]) for check in production["healthChecks"]]
    assert checked == apps(made["flux", "missyou-production"])
    assert production["dependsOn"] == [{"name": "missyou-operator"}]


def key(item: dict[str, Any]) -> tuple[str, str]:
    return item["kind"], item["metadata"]["name"]


def test_what_holds_data_or_apps_is_pruned_by_neither_tool(generators: Generators) -> None:
    for (tool, name), items in built(generators).items():
        for item in items:
            annotations = item["metadata"].get("annotations", {})
            if item["kind"] == "CustomResourceDefinition" or (name == "missyou-production"):
                assert annotations["kustomize.toolkit.fluxcd.io/prune"] == "disabled", (tool, name, item["kind"])
            # Argo CD by itself deletes no CRD. `confirm` is no protection: the sync that asked is what is confirmed.
            if name == "missyou-production":
                assert annotations["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"


def test_a_retry_takes_the_newest_commit() -> None:
    for name, spec in applications(ARGO).items():
        retry = spec["syncPolicy"]["retry"]
        assert retry["refresh"] is True, name
        # Its default is 0, where `retry` is given.
        assert retry["limit"] > 0, name


@pytest.fixture(scope="module")
def cleared(control_plane: ControlPlane, kube: client.ApiClient) -> Iterator[client.ApiClient]:
    """A client of an API server, whose namespaces of the examples go with the module."""
    yield kube
    for name in ("missyou-development", "missyou-production"):
        client.CoreV1Api(kube).delete_namespace(name)


def test_a_real_api_server_takes_all_of_it(generators: Generators, cleared: client.ApiClient) -> None:
    made = built(generators)
    for tool in ("argo", "flux"):
        for name in ("missyou-operator", "missyou-production", *(["missyou-development"] if tool == "argo" else [])):
            items = made[tool, name]
            first = [item for item in items if item["kind"] in {"Namespace", "CustomResourceDefinition"}]
            cluster.apply(cleared, [_cluster_wide(item) for item in first])
            cluster.wait_for_crd(cleared)
            cluster.apply(cleared, [item for item in items if item not in first])
    found = client.CustomObjectsApi(cleared)
    for namespace, name in (("missyou-production", "missyou"), ("missyou-development", "missyou-dev")):
        where = ("missyou.app", "v1alpha1", namespace, "missyouapps", name)
        assert found.get_namespaced_custom_object(*where)["status"] == {"observedGeneration": -1}
        found.delete_namespaced_custom_object(*where)


def _cluster_wide(item: dict[str, Any]) -> dict[str, Any]:
    meta = {name: value for name, value in item["metadata"].items() if name != "namespace"}
    return {**item, "metadata": meta}


def test_the_paths_that_were_there_before_would_be_seen(generators: Generators) -> None:
    """The two faults that this module is about: it must be able to fail."""
    assert generators.argo("manifests") == []
    with pytest.raises(ValueError, match="expected kind != 'Component'"):
        generators.flux("manifests", KUSTOMIZATIONS["missyou-operator"])
