"""The Helm chart makes what manifests/base makes, refuses what it does not know, and can be installed and removed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from missyou_local import binaries
from missyou_local.controlplane import ControlPlane
from missyou_operator.controller.settings import parse_settings

from . import helm
from .conftest import ROOT, Kubectl

CHART = "charts/missyou-operator"
NAME, NAMESPACE = "missyou-operator", "missyou-system"
KEEP = "helm.sh/resource-policy"
Run = Callable[..., subprocess.CompletedProcess[str]]
Objects = dict[tuple[str, str, str], dict[str, Any]]

#: For the one that has to build it.
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def run(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Run:
    program, home = helm.find(), tmp_path_factory.mktemp("helm")
    environ = {"HOME": str(home), "KUBECONFIG": str(plane.kubeconfig), "PATH": "/usr/bin:/bin"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(program), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environ)

    return run


def objects(text: str) -> Objects:
    found = [item for item in yaml.safe_load_all(text) if item]
    return {(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]): item for item in found}


def rendered(run: Run, *words: str) -> Objects:
    done = run("template", NAME, CHART, f"--namespace={NAMESPACE}", f"--kube-version={binaries.KUBERNETES}", *words)
    assert done.returncode == 0, done.stderr
    return objects(done.stdout)


@pytest.mark.parametrize("plural", ["missyouapps", "missyoutenants"])
def test_the_crd_in_it_is_the_crd(plural: str) -> None:
    copy, original = (ROOT / path / f"{plural}.missyou.app.yaml" for path in (f"{CHART}/files", "crds"))
    assert copy.read_text() == original.read_text(), f"cp {original} {copy}"


@pytest.mark.parametrize(
    ("copy", "original"), [("admission", "manifests/base/admission.yaml"), ("tenancy", "manifests/tenancy/policy.yaml")]
)
def test_the_policies_in_it_are_the_policies(copy: str, original: str) -> None:
    assert (ROOT / CHART / f"files/{copy}.yaml").read_text() == (ROOT / original).read_text(), "make chart"


def test_with_tenancy_it_makes_what_the_manifests_make(run: Run, kubectl: Kubectl) -> None:
    chart = rendered(run, "--set=tenancy.enabled=true", "--set=crds.install=false")
    base, tenancy = (objects(kubectl("kustomize", f"manifests/{place}").stdout) for place in ("base", "tenancy"))
    assert len(tenancy) == 2
    assert set(chart) - set(base) == set(tenancy)
    assert {key: chart[key] for key in tenancy} == tenancy


def test_the_operator_of_the_policies_is_that_of_the_release(run: Run) -> None:
    """In another namespace, the operator's name is another: by the old one, everybody could make themselves it."""
    done = run("template", NAME, CHART, "--namespace=elsewhere", f"--kube-version={binaries.KUBERNETES}")
    policy = objects(done.stdout)["ValidatingAdmissionPolicy", "", "missyou-approvals"]
    assert "system:serviceaccount:elsewhere:missyou-operator" in json.dumps(policy)
    assert "missyou-system" not in json.dumps(policy)


def test_without_confirmation_policy_and_operator_agree(run: Run, kubectl: Kubectl, tmp_path: Path) -> None:
    chart = rendered(run, "--set=confirmDeletion=false")
    text = {"resources": ["base"], "components": ["components/without-confirmation"]}
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    shutil.copytree(ROOT / "crds", tmp_path / "crds")
    (tmp_path / "manifests/kustomization.yaml").write_text(yaml.safe_dump(text))
    base = objects(kubectl("kustomize", str(tmp_path / "manifests")).stdout)
    for made in (chart, base):
        assert ("ValidatingAdmissionPolicy", "", "missyou-approvals") in made
        assert not [key for key in made if key[2] == "missyou-deletions"]
        [container] = made["Deployment", NAMESPACE, NAME]["spec"]["template"]["spec"]["containers"]
        assert {"name": "MISSYOU_CONFIRM_DELETION", "value": "never"} in container["env"]
    assert not [key for key in rendered(run, "--set=admission.enabled=false") if key[0].startswith("Validating")]


def test_it_makes_what_the_base_makes(run: Run, kubectl: Kubectl) -> None:
    chart, base = rendered(run), objects(kubectl("kustomize", "manifests/base").stdout)
    crds = [
        chart["CustomResourceDefinition", "", f"{plural}.missyou.app"] for plural in ("missyouapps", "missyoutenants")
    ]
    # Helm has --create-namespace; and it would take the CRD away with the release.
    del base["Namespace", "", NAMESPACE]
    assert [crd["metadata"]["annotations"].pop(KEEP) for crd in crds] == ["keep", "keep"]
    assert chart == base


def test_it_is_linted(run: Run) -> None:
    assert run("lint", "--strict", CHART, f"--kube-version={binaries.KUBERNETES}").returncode == 0


def test_values_reach_their_places(run: Run) -> None:
    values = {
        "image.repository": "registry.example.com/operator",
        "image.tag": "1.2.3",
        "region": "eu-west-1",
        "replicas": "1",
        "shards": "6",
        "serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn": "arn:aws:iam::123456789012:role/operator",
        "events": "{eu-west-1,https://sqs.eu-west-1.amazonaws.com/210987654321/missyou-events-1c9a5b0e}",
        "namespaces": "{a,b}",
        "secretNamespaces.a": "{gemini}",
        "env[0].name": "AWS_ENDPOINT_URL",
        "env[0].value": "http://aws",
        "nodeSelector.disk": "fast",
        "tolerations[0].operator": "Exists",
        "crds.install": "false",
        "networkPolicy.enabled": "false",
    }
    made = rendered(run, *(f"--set={key}={value}" for key, value in values.items()))
    assert not {kind for kind, _, _ in made} & {"NetworkPolicy", "CustomResourceDefinition"}
    account = made["ServiceAccount", NAMESPACE, NAME]["metadata"]
    assert account["annotations"] == {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/operator"}
    assert made["RoleBinding", "a", "missyou-operator-secrets"]["subjects"][0]["namespace"] == NAMESPACE
    [readable] = made["Role", "a", "missyou-operator-secrets"]["rules"]
    assert (readable["resources"], readable["resourceNames"], readable["verbs"]) == (["secrets"], ["gemini"], ["get"])
    deployment = made["Deployment", NAMESPACE, NAME]["spec"]
    pod = deployment["template"]["spec"]
    assert (deployment["replicas"], pod["nodeSelector"]) == (1, {"disk": "fast"})
    assert pod["tolerations"] == [{"operator": "Exists"}]
    [container] = pod["containers"]
    assert container["image"] == "registry.example.com/operator:1.2.3"
    environ = {each["name"]: each.get("value") for each in container["env"]}
    assert environ["AWS_REGION"] == "eu-west-1"
    assert environ["MISSYOU_NAMESPACES"] == "a,b"
    assert parse_settings(container["args"], environ).events == (
        "eu-west-1",
        "https://sqs.eu-west-1.amazonaws.com/210987654321/missyou-events-1c9a5b0e",
    )
    assert environ["MISSYOU_SHARDS"] == "6"
    assert environ["AWS_ENDPOINT_URL"] == "http://aws"


@pytest.mark.parametrize(
    "wrong", ["replica=1", "region=Virginia", "namespaces={Not_a_name}", "events={nowhere}", "crds.install=maybe"]
)
def test_wrong_values_are_refused_by_name(run: Run, wrong: str) -> None:
    done = run("template", NAME, CHART, f"--kube-version={binaries.KUBERNETES}", f"--set={wrong}")
    assert done.returncode
    assert wrong.partition("=")[0].partition(".")[2] in done.stderr
    assert wrong.partition("=")[0].partition(".")[0] in done.stderr


def test_it_is_installed_upgraded_and_removed_and_the_crd_stays(run: Run, kubectl: Kubectl) -> None:
    """In a control plane that other tests have installed the manifests in: Helm takes over what is there."""
    installed = run("install", NAME, CHART, f"--namespace={NAMESPACE}", "--create-namespace", "--take-ownership")
    assert installed.returncode == 0, installed.stderr
    upgraded = run("upgrade", NAME, CHART, f"--namespace={NAMESPACE}", "--set=replicas=1")
    assert upgraded.returncode == 0, upgraded.stderr
    found = kubectl("get", "deployment", NAME, "-n", NAMESPACE, "-o", "json")
    assert json.loads(found.stdout)["spec"]["replicas"] == 1
    removed = run("uninstall", NAME, f"--namespace={NAMESPACE}")
    assert removed.returncode == 0, removed.stderr
    assert kubectl("get", "deployment", NAME, "-n", NAMESPACE).returncode == 1
    assert kubectl("get", "crd", "missyouapps.missyou.app").returncode == 0
