"""The types in the policies' expressions, by Kubernetes' own checker on the schemas of a real API server.

In a cluster, kube-controller-manager writes these warnings into `status.typeChecking`; it does not run here.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from missyou_local import cluster, controlplane, processes
from missyou_local.controlplane import ControlPlane
from tests import gotools

from .conftest import ROOT
from .people import PATIENCE

FILES = ("manifests/base/admission.yaml", "manifests/tenancy/policy.yaml")

#: For the one that has to build the checker.
pytestmark = pytest.mark.timeout(1800)


def policies() -> dict[str, dict[str, Any]]:
    found = cluster.documents([ROOT / path for path in FILES])
    return {each["metadata"]["name"]: each for each in found if each["kind"] == "ValidatingAdmissionPolicy"}


def warnings(plane: ControlPlane, folder: Path, *items: dict[str, Any]) -> list[dict[str, str]]:
    program = gotools.built(Path(__file__).parent / "expressions", ".")
    kube = controlplane.api_client(plane.kubeconfig)
    cluster.apply(kube, cluster.documents(sorted((ROOT / "crds").glob("missyouapps*.yaml"))))
    cluster.wait_for_crd(kube)
    paths = []
    for item in items:
        paths.append(folder / f"{item['metadata']['name']}.json")
        paths[-1].write_text(json.dumps(item))
    command = [program, plane.kubeconfig, *paths]
    done: list[subprocess.CompletedProcess[str]] = []

    def known() -> bool:
        """The API server publishes the schema of a new kind some time after it serves the kind."""
        done.append(subprocess.run(command, capture_output=True, text=True, check=False))
        return "the type of its objects is unknown" not in done[-1].stderr

    assert processes.wait_until(known, PATIENCE), done[-1].stderr
    assert done[-1].returncode == 0, done[-1].stderr
    found: list[dict[str, str]] = json.loads(done[-1].stdout)
    return found


def test_no_expression_names_what_is_not_there(plane: ControlPlane, tmp_path: Path) -> None:
    found = policies()
    assert set(found) == {"missyou-approvals", "missyou-deletions", "missyou-tenancy"}
    assert warnings(plane, tmp_path, *found.values()) == []


def test_a_field_that_is_not_there_would_be_seen(plane: ControlPlane, tmp_path: Path) -> None:
    policy = policies()["missyou-tenancy"]
    text = (
        json.dumps(policy)
        .replace("image.repository", "image.registry")
        .replace("oldObject.spec.?tags", "oldObject.spec.?label")
    )
    found = warnings(plane, tmp_path, json.loads(text))
    assert {row["field"].partition("[")[0] for row in found} >= {"spec.validations", "matchConditions names-something"}
    assert any("undefined field 'registry'" in row["warning"] for row in found)


def test_the_checker_of_a_cluster_looks_at_them_too() -> None:
    """It checks nothing where a rule names its versions by a star."""
    for policy in policies().values():
        [rule] = policy["spec"]["matchConstraints"]["resourceRules"]
        assert rule["apiVersions"] == ["v1alpha1"]
