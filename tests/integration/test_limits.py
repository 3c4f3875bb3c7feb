"""What the API server refuses to store: an object near its limits lives and ends, and a refusal is never silence.

Reports: kopf#1087 (an object whose annotations are full stays Terminating for good).
"""

from __future__ import annotations

import contextlib
import socket
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from missyou_local import processes
from missyou_local.controlplane import ControlPlane

from .bench import PATIENCE, Bench, a_bench, condition, quick

pytestmark = pytest.mark.timeout(300)
#: Bytes of all annotations together. Source: apimachinery, pkg/api/validation/objectmeta.go, TotalAnnotationSizeLimitB.
_ANNOTATIONS = 256 * 1024
OPERATOR = "system:serviceaccount:missyou-system:missyou-operator"


@pytest.fixture(scope="module")
def bench(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        probes = f"127.0.0.1:{free.getsockname()[1]}"
    folder = tmp_path_factory.mktemp("operator")
    with a_bench(control_plane, folder, quick(), arguments=[f"--probes={probes}"]) as made:
        made.start()
        yield made


@contextlib.contextmanager
def denied(bench: Bench, resource: str, expression: str) -> Iterator[None]:
    """Let an admission policy deny updates of a resource by the operator, as a company's policy engine may."""
    api = client.AdmissionregistrationV1Api(bench.kube)
    name = f"{bench.namespace}-{resource.replace('/', '-')}"
    rule = {"apiGroups": ["missyou.app"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": [resource]}
    text = f"request.userInfo.username != '{OPERATOR}' || object.metadata.namespace != '{bench.namespace}' || "
    validations = [{"expression": text + expression, "message": "the policy of the company says no"}]
    spec = {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule]}, "validations": validations}
    meta = {"metadata": {"name": name}}
    api.create_validating_admission_policy({**meta, "spec": spec})
    binding = {"policyName": name, "validationActions": ["Deny"]}
    api.create_validating_admission_policy_binding({**meta, "spec": binding})
    try:
        yield
    finally:
        api.delete_validating_admission_policy_binding(name)
        api.delete_validating_admission_policy(name)


def create(bench: Bench, name: str, annotations: dict[str, str], **spec: Any) -> None:
    meta = {"name": name, "annotations": annotations}
    body = {"apiVersion": "missyou.app/v1alpha1", "kind": "MissYouApp", "metadata": meta, "spec": spec}
    bench.api.create_namespaced_custom_object("missyou.app", "v1alpha1", bench.namespace, "missyouapps", body)


def events(bench: Bench, name: str) -> list[tuple[str, str, str]]:
    found = client.CoreV1Api(bench.kube).list_namespaced_event(bench.namespace).items
    return [(e.type, e.reason, e.message) for e in found if e.involved_object.name == name]


def metrics(bench: Bench) -> str:
    [argument] = bench.arguments
    with urllib.request.urlopen(f"http://{argument.partition('=')[2]}/metrics", timeout=5) as answer:
        return answer.read().decode()


def test_an_object_without_room_for_an_annotation_is_made_changed_and_deleted(bench: Bench) -> None:
    note = "example.com/note"
    full = {note: "x" * (_ANNOTATIONS - len(note))}
    create(bench, "full", full, environment="Development", service={"env": {f"KEY_{n}": "v" * 500 for n in range(50)}})
    app = bench.ready("full")
    # The operator keeps nothing in annotations.
    assert set(app["metadata"]["annotations"]) == {note}
    bench.patch("full", {"spec": {"monitoring": {"logRetentionDays": 14}}})
    bench.ready("full")
    bench.delete("full")
    bench.until("full", lambda app: not app, "gone")
    assert bench.vpcs("full") == 0


def test_a_finalizer_that_may_not_be_stored_is_told_and_nothing_is_created(bench: Bench) -> None:
    with denied(bench, "missyouapps", "!has(object.metadata.finalizers)"):
        # A policy takes a moment until it is in force.
        assert processes.wait_until(lambda: _refused(bench, "unlocked"), PATIENCE)
        assert bench.vpcs(bench.get("unlocked")["metadata"]["name"]) == 0
        [refusal, *more] = [event for event in events(bench, "unlocked") if event[1] == "WriteRefused"]
        assert not more
        assert refusal[0] == "Warning"
        assert "finalizer" in refusal[2]
        assert "the policy of the company says no" in refusal[2]
        assert 'missyou_kubernetes_refused_writes_total{code="422",what="finalizer"}' in metrics(bench)
        assert "the policy of the company says no" in bench.log()
    bench.ready("unlocked")


def _refused(bench: Bench, name: str) -> bool:
    if not bench.get(name):
        create(bench, name, {}, environment="Development")
    if "missyou.app/finalizer" in bench.get(name)["metadata"].get("finalizers", ()):
        bench.delete(name)
        return bool(processes.wait_until(lambda: not bench.get(name), PATIENCE)) and False
    return any(reason == "WriteRefused" for _, reason, _ in events(bench, name))


def test_a_status_that_may_not_be_stored_is_told(bench: Bench) -> None:
    bench.have("untold")
    with denied(bench, "missyouapps/status", "false"):
        days = iter(range(1, 1000))

        def told() -> bool:
            # Until the policy is in force, statuses are stored.
            bench.patch("untold", {"metadata": {"annotations": {"missyou.app/reconcile": str(next(days))}}})
            return any(reason == "WriteRefused" and "status" in text for _, reason, text in events(bench, "untold"))

        assert processes.wait_until(told, PATIENCE)
        assert 'missyou_kubernetes_refused_writes_total{code="422",what="status"}' in metrics(bench)
    bench.patch("untold", {"metadata": {"annotations": {"missyou.app/reconcile": "after"}}})
    bench.until("untold", lambda app: app["status"].get("lastHandledReconcileAt") == "after", "told")


def test_a_finalizer_that_may_not_be_taken_away_is_told_and_goes_later(bench: Bench) -> None:
    bench.have("held")
    with denied(bench, "missyouapps", "has(object.metadata.finalizers)"):
        # In force once the operator may not take the finalizer of another app.
        bench.delete("held")
        if processes.wait_until(lambda: not bench.get("held"), 1.0):
            pytest.skip("the policy came into force too late")
        assert processes.wait_until(
            lambda: any(reason == "WriteRefused" for _, reason, _ in events(bench, "held")), PATIENCE
        )
        assert bench.vpcs("held") == 0
        assert condition(bench.get("held"), "Ready")
    bench.until("held", lambda app: not app, "gone")
