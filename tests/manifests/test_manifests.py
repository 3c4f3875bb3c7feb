"""What `kubectl apply -k` installs: strictly valid, admitted under Pod Security `restricted`, and no right too many."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from missyou_operator.controller.sharding import MOST_MEMBERS, MOST_SHARDS

from .conftest import ROOT, Kubectl

PLACES = ("base", *sorted(f"overlays/{path.name}" for path in (ROOT / "manifests/overlays").iterdir()))
Objects = list[dict[str, Any]]


@pytest.fixture(scope="module")
def installed(kubectl: Kubectl) -> Kubectl:
    applied = kubectl("apply", "--server-side", "--validate=strict", "-k", "manifests/base")
    assert applied.returncode == 0, applied.stderr
    # Pods need what the controller manager, which does not run here, would make.
    assert kubectl("wait", "--for=condition=Established", "crd/missyouapps.missyou.app").returncode == 0
    return kubectl


def built(kubectl: Kubectl, place: str) -> Objects:
    return list(yaml.safe_load_all(kubectl("kustomize", f"manifests/{place}").stdout))


def one(objects: Objects, kind: str) -> dict[str, Any]:
    [found] = [each for each in objects if each["kind"] == kind]
    return found


@pytest.mark.parametrize("place", PLACES)
def test_it_applies_strictly_and_a_second_time_without_change(installed: Kubectl, place: str) -> None:
    for _ in range(2):
        applied = installed("apply", "--server-side", "--validate=strict", "-k", f"manifests/{place}")
        assert applied.returncode == 0, applied.stderr
        assert "Warning" not in applied.stderr
    versions = [row["metadata"]["resourceVersion"] for row in everything(installed, place)]
    installed("apply", "--server-side", "-k", f"manifests/{place}")
    assert [row["metadata"]["resourceVersion"] for row in everything(installed, place)] == versions


def everything(kubectl: Kubectl, place: str) -> Objects:
    found = kubectl("get", "-k", f"manifests/{place}", "-o", "json")
    assert found.returncode == 0, found.stderr
    return list(json.loads(found.stdout)["items"])


@pytest.mark.parametrize("place", PLACES)
def test_its_pods_are_admitted_as_restricted(installed: Kubectl, place: str) -> None:
    template = one(built(installed, place), "Deployment")["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    pod["metadata"] = {**template["metadata"], "name": "operator", "namespace": "missyou-system"}
    assert create(installed, pod).returncode == 0
    # It is the namespace that refuses what is less strict: the test would notice.
    pod["spec"]["containers"][0]["securityContext"].pop("capabilities")
    refused = create(installed, pod)
    assert 'violates PodSecurity "restricted' in refused.stderr


def create(kubectl: Kubectl, item: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    return kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", given=json.dumps(item))


@pytest.mark.parametrize("sample", sorted((ROOT / "manifests/samples").glob("*.yaml")), ids=lambda path: path.name)
def test_the_samples_are_valid(installed: Kubectl, sample: Path) -> None:
    applied = installed("apply", "--server-side", "--validate=strict", "--dry-run=server", "-f", str(sample))
    assert applied.returncode == 0, applied.stderr


def test_the_parts_fit_each_other(installed: Kubectl) -> None:
    objects = built(installed, "base")
    deployment = one(objects, "Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"].items() <= labels.items()
    for kind, path in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
        assert one(objects, kind)["spec"][path]["matchLabels"].items() <= labels.items()
    [container] = deployment["template"]["spec"]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    ports = {port["name"] for port in container["ports"]}
    assert {container[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")} <= ports


MAY = {
    ("list", "missyouapps.missyou.app"),
    ("watch", "missyouapps.missyou.app"),
    ("patch", "missyouapps.missyou.app"),
    ("patch", "missyouapps.missyou.app/status"),
    ("create", "events"),
    ("get", "namespaces/kube-system"),
}


def test_the_operator_may_this_and_nothing_more(installed: Kubectl) -> None:
    """In a namespace that has not opted in, it may not read Secrets."""
    account = "--as=system:serviceaccount:missyou-system:missyou-operator"
    for verb, what in MAY:
        assert installed("auth", "can-i", verb, what, account, "-n", "team").stdout.strip() == "yes", (verb, what)
    for verb, what in (
        ("get", "secrets"),
        ("list", "secrets"),
        ("delete", "missyouapps.missyou.app"),
        ("update", "missyouapps.missyou.app"),
        ("get", "namespaces/default"),
        ("get", "configmaps"),
        ("get", "leases.coordination.k8s.io"),
    ):
        assert installed("auth", "can-i", verb, what, account, "-n", "team").stdout.strip() == "no", (verb, what)
    lease = "leases.coordination.k8s.io"
    for verb, what in (
        ("create", lease),
        ("list", lease),
        ("update", f"{lease}/missyou-operator-0"),
        ("update", f"{lease}/missyou-operator-{MOST_SHARDS - 1}"),
        ("update", f"{lease}/missyou-operator-member-{MOST_MEMBERS - 1}"),
    ):
        assert installed("auth", "can-i", verb, what, account, "-n", "missyou-system").stdout.strip() == "yes"
