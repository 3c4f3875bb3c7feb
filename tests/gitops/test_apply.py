"""Several hands at one object on a real API server: the operator's process, Argo CD's and Flux's field managers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient

from missyou_local.controlplane import ControlPlane
from tests.integration.bench import Bench, a_bench, quick

from .states import ROOT

pytestmark = pytest.mark.timeout(300)
ARGO, FLUX, PERSON = "argocd-controller", "kustomize-controller", "argocd-server"


@pytest.fixture(scope="module")
def bench(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with a_bench(control_plane, tmp_path_factory.mktemp("operator"), quick()) as made:
        made.start()
        yield made


def sample(name: str, **spec: Any) -> dict[str, Any]:
    item: dict[str, Any] = yaml.safe_load((ROOT / "manifests/samples/missyou.yaml").read_text())
    item["metadata"] = {"name": name}
    item["spec"] |= spec
    return item


def small(name: str, **spec: Any) -> dict[str, Any]:
    """Return an app that is made sooner than the sample."""
    return sample(name, **{"environment": "Development", "image": {"tag": "v2"}, **spec})


def apply(bench: Bench, item: dict[str, Any], manager: str) -> None:
    """Apply as `kubectl apply --server-side --field-manager=…` does; a conflict is an error."""
    dynamic = DynamicClient(bench.kube, cache_file=f"{os.devnull}/none")
    resource = dynamic.resources.get(api_version=item["apiVersion"], kind=item["kind"])
    named = {"name": item["metadata"]["name"], "namespace": bench.namespace}
    resource.server_side_apply(body=item, **named, field_manager=manager, force_conflicts=False)


def patch(bench: Bench, name: str, body: dict[str, Any]) -> None:
    """Change something as Argo CD's resource actions do: a merge patch by its API server."""
    bench.api.patch_namespaced_custom_object(
        "missyou.app", "v1alpha1", bench.namespace, "missyouapps", name, body, field_manager=PERSON
    )


def owned(app: dict[str, Any], *others: str) -> dict[str, Any]:
    """Give the fields that each manager owns who is not one of the others."""
    found: dict[str, Any] = {}
    for entry in app["metadata"]["managedFields"]:
        if entry["manager"] not in others:
            found.setdefault(entry["manager"], {})[entry.get("subresource", "")] = entry["fieldsV1"]
    return found


def test_the_operator_writes_no_spec_and_nobody_gets_a_conflict(bench: Bench) -> None:
    apply(bench, sample("shared"), ARGO)
    first = bench.get("shared")["spec"]
    app = bench.ready("shared")
    assert app["spec"] == first
    apply(bench, sample("shared", image={"tag": "v2"}, monitoring={"logRetentionDays": 14}), ARGO)
    app = bench.ready("shared")
    assert app["spec"] == {
        **first,
        "image": {**first["image"], "tag": "v2"},
        "monitoring": {**first["monitoring"], "logRetentionDays": 14},
    }
    # A second tool that says the same: they share the fields.
    apply(bench, sample("shared", image={"tag": "v2"}, monitoring={"logRetentionDays": 14}), FLUX)
    operators = owned(app, ARGO, FLUX)
    assert set(operators) == {"missyou-operator"}
    own = operators["missyou-operator"]
    assert set(own) == {"", "status"}
    assert set(own["status"]) == {"f:status"}
    assert set(own[""]) == {"f:metadata"}
    assert set(own[""]["f:metadata"]) == {"f:annotations", "f:finalizers"}
    assert set(own[""]["f:metadata"]["f:annotations"]) - {"."} == {"f:missyou.app/place"}
    assert set(own[""]["f:metadata"]["f:finalizers"]) - {"."} == {'v:"missyou.app/finalizer"'}


def test_a_field_that_is_taken_back_in_git_is_taken_back(bench: Bench) -> None:
    for manager in (ARGO, FLUX):
        apply(bench, small("shorter", monitoring={"logRetentionDays": 14}), manager)
    assert bench.get("shorter")["spec"]["monitoring"]["logRetentionDays"] == 14
    bench.ready("shorter")
    for manager in (FLUX, ARGO):
        apply(bench, small("shorter"), manager)
    assert bench.get("shorter")["spec"]["monitoring"]["logRetentionDays"] == 7
    bench.ready("shorter")


def test_the_test_would_see_a_conflict(bench: Bench) -> None:
    apply(bench, small("disputed", suspend=True), ARGO)
    with pytest.raises(ApiException) as refused:
        apply(bench, small("disputed", image={"tag": "v3"}), FLUX)
    assert refused.value.status == 409
    assert ARGO in str(refused.value.body)


def test_suspending_by_hand_holds_while_git_does_not_speak_of_it(bench: Bench) -> None:
    apply(bench, small("stopped"), ARGO)
    patch(bench, "stopped", {"spec": {"suspend": True}})
    apply(bench, small("stopped"), ARGO)
    assert bench.get("stopped")["spec"]["suspend"] is True
    patch(bench, "stopped", {"spec": {"suspend": False}})
    apply(bench, small("stopped"), ARGO)
    assert bench.get("stopped")["spec"]["suspend"] is False


def test_annotations_that_ask_the_operator_survive_a_sync(bench: Bench) -> None:
    apply(bench, small("asked"), ARGO)
    patch(bench, "asked", {"metadata": {"annotations": {"missyou.app/reconcile": "Argo CD at some time"}}})
    apply(bench, small("asked"), ARGO)
    app = bench.until(
        "asked",
        lambda app: app.get("status", {}).get("lastHandledReconcileAt") == "Argo CD at some time",
        "observed",
    )
    assert app["metadata"]["annotations"]["missyou.app/reconcile"] == "Argo CD at some time"


def test_deletion_is_not_held_up_by_anybodys_fields(bench: Bench) -> None:
    for manager in (ARGO, FLUX):
        apply(bench, small("leaving"), manager)
    patch(bench, "leaving", {"spec": {"suspend": False, "database": {"deletionProtection": False}}})
    bench.ready("leaving")
    bench.delete("leaving")
    bench.until("leaving", lambda app: not app, "gone")
