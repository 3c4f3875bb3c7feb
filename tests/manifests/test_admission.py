"""The base's admission policies, on a real API server: who may approve, and how a production app is deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from kubernetes import client

from missyou_local import cluster, controlplane
from missyou_local.controlplane import ControlPlane

from .conftest import ROOT, Kubectl
from .people import Person, eventually, namespace, person, with_role

HOME = "approving"
OPERATOR = "system:serviceaccount:missyou-system:missyou-operator"
LACKS = "needs the verb approve on missyouapps, which {} lacks in the namespace approving"
#: What the operator writes before it creates anything.
BEGUN = {"status": {"account": "123456789012", "region": "us-east-1"}}
NAMESPACE_CONTROLLER = "system:serviceaccount:kube-system:namespace-controller"


@pytest.fixture(scope="module")
def admin(plane: ControlPlane) -> Iterator[Person]:
    """The cluster's administrator, where the base is installed and its policies are in force."""
    admin = person(plane, "admin")
    cluster.apply(admin.kube, cluster.documents(sorted((ROOT / "crds").glob("missyouapps*.yaml"))))
    cluster.wait_for_crd(admin.kube)
    cluster.apply(admin.kube, cluster.documents([*cluster.RIGHTS, *cluster.ADMISSION]))
    namespace(admin.kube, HOME)
    # Each policy comes into force some time after it is stored. Until then all that is asked is admitted; were it also
    # done, the annotation would be set already and the app be gone, and no policy would ever have to refuse.
    probe = with_role(plane, "probe", "edit", HOME)
    eventually(lambda: probe.create(HOME, "probe"), ())
    assert admin.patch(HOME, "probe", BEGUN, status=True) == ""
    asking = replace(probe, only_asking=True)
    eventually(lambda: asking.annotate(HOME, "probe", approve="x"), ["needs the verb approve"])
    eventually(lambda: asking.delete(HOME, "probe"), ["Confirm that first"])
    yield admin
    for app in cluster.apps(admin.kube):
        if app["metadata"]["namespace"] == HOME:
            admin.annotate(HOME, app["metadata"]["name"], confirm_deletion=app["metadata"]["name"])
            admin.patch(HOME, app["metadata"]["name"], {"metadata": {"finalizers": None}})
            admin.delete(HOME, app["metadata"]["name"])


@pytest.fixture(scope="module")
def editor(admin: Person, plane: ControlPlane) -> Person:
    return with_role(plane, "ed", "edit", HOME)


@pytest.fixture(scope="module")
def owner(admin: Person, plane: ControlPlane) -> Person:
    """The namespace's administrator, by the ClusterRole `admin`."""
    return with_role(plane, "olga", "admin", HOME)


@pytest.fixture(scope="module")
def operator(admin: Person, plane: ControlPlane) -> Person:
    return person(plane, OPERATOR)


@pytest.mark.parametrize("key", ["approve", "confirm_deletion", "take_over"])
def test_an_editor_decides_nothing_and_an_approver_does(editor: Person, owner: Person, key: str) -> None:
    name = f"asks-{key}".replace("_", "-")
    assert editor.create(HOME, name) == ""
    told = editor.annotate(HOME, name, **{key: name})
    assert f"setting missyou.app/{key.replace('_', '-')} {LACKS.format('ed')}" in told
    assert "kubectl create rolebinding missyou-approve -n approving --clusterrole=missyou-approve --user=ed" in told
    assert owner.annotate(HOME, name, **{key: name}) == ""
    # What was decided stays while an editor goes on, and anybody may take it back.
    assert editor.patch(HOME, name, {"spec": {"image": {"tag": "v2"}}}) == ""
    assert editor.annotate(HOME, name, **{key: None}) == ""


def test_an_approval_with_the_app_or_with_a_change_needs_the_verb_as_well(editor: Person, owner: Person) -> None:
    approved = {"missyou.app/approve": "0123"}
    assert LACKS.format("ed") in editor.create(HOME, "with-it", annotations=approved)
    assert editor.create(HOME, "with-it") == ""
    both = {"metadata": {"annotations": approved}, "spec": {"database": {"storageGiB": 30}}}
    assert LACKS.format("ed") in editor.patch(HOME, "with-it", both)
    assert owner.patch(HOME, "with-it", both) == ""


def test_the_verb_alone_suffices_to_approve(plane: ControlPlane, editor: Person) -> None:
    """Somebody with `view` and missyou-approve has no right to patch; with edit and the verb they approve."""
    assert editor.create(HOME, "verb") == ""
    with_role(plane, "vera", "missyou-approve", HOME)
    vera = with_role(plane, "vera", "view", HOME)
    assert 'cannot patch resource "missyouapps"' in vera.annotate(HOME, "verb", approve="1")
    vera = with_role(plane, "vera", "edit", HOME)
    assert vera.annotate(HOME, "verb", approve="1") == ""


def test_nobody_forges_where_a_stack_lives(editor: Person, operator: Person, admin: Person) -> None:
    place = json.dumps({"account": "123456789012", "region": "us-east-1", "roleARN": "arn:aws:iam::1:role/team-b"})
    told = editor.create(HOME, "placed", annotations={"missyou.app/place": place})
    assert "missyou.app/place is the operator's record of where the stack lives: remove it" in told
    assert editor.create(HOME, "placed") == ""
    assert LACKS.format("ed") in editor.annotate(HOME, "placed", place=place)
    assert operator.annotate(HOME, "placed", place="{}") == ""
    assert "missyou.app/place is the operator's record" in editor.annotate(HOME, "placed", place=place)
    # A backup is restored by somebody who may.
    assert admin.annotate(HOME, "placed", place=place) == ""


def test_the_operator_writes_no_spec_and_approves_nothing(editor: Person, operator: Person) -> None:
    assert editor.create(HOME, "untouched") == ""
    told = operator.patch(HOME, "untouched", {"spec": {"deletionPolicy": "Retain"}})
    assert "the operator never writes spec" in told
    assert "needs the verb approve" in operator.annotate(HOME, "untouched", approve="1")
    assert operator.patch(HOME, "untouched", {"metadata": {"finalizers": ["missyou.app/finalizer"]}}) == ""
    assert operator.patch(HOME, "untouched", {"metadata": {"finalizers": None}}) == ""


@pytest.mark.parametrize("left", [None, [], ["example.com/other"]], ids=str)
def test_an_editor_does_not_let_an_app_go_from_its_stack(
    editor: Person, owner: Person, operator: Person, admin: Person, left: list[str] | None
) -> None:
    """Without the finalizer the app is gone at once, and its stack costs on, in no tenant's sum."""
    name = f"held-{len(left) if left is not None else 'null'}"
    held = {"metadata": {"finalizers": ["missyou.app/finalizer", "example.com/other"]}}
    assert editor.create(HOME, name, {"environment": "Development"}) == ""
    assert operator.patch(HOME, name, held) == ""
    told = editor.patch(HOME, name, {"metadata": {"finalizers": left}})
    assert "taking missyou.app/finalizer out of metadata.finalizers leaves the stack in AWS" in told
    assert f"kubectl delete missyouapp {name} -n {HOME}. Doing it by hand {LACKS.format('ed')}" in told
    # Neither does a deletion that has begun, and what others have put there is not the operator's to hold.
    assert editor.delete(HOME, name) == ""
    assert LACKS.format("ed") in editor.patch(HOME, name, {"metadata": {"finalizers": left}})
    assert editor.patch(HOME, name, {"metadata": {"finalizers": ["missyou.app/finalizer"]}}) == ""
    assert cluster.get_app(admin.kube, name, HOME)["metadata"]["finalizers"] == ["missyou.app/finalizer"]
    assert owner.patch(HOME, name, {"metadata": {"finalizers": None}}) == ""
    assert cluster.get_app(admin.kube, name, HOME) == {}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"environment": "Development"},
            "taking spec.environment away from Production ends the protection of its data",
        ),
        ({"database": {"finalSnapshot": False}}, "the database would be deleted without a final snapshot"),
    ],
    ids=["environment", "snapshot"],
)
def test_an_editor_does_not_take_the_protection_away(editor: Person, owner: Person, change: object, says: str) -> None:
    name = f"protected-{'env' if 'environment' in says else 'snap'}"
    assert editor.create(HOME, name) == ""
    told = editor.patch(HOME, name, {"spec": change})
    assert says in told
    assert LACKS.format("ed") in told
    assert owner.patch(HOME, name, {"spec": change}) == ""


def test_a_development_app_keeps_the_snapshot_that_it_asked_for(editor: Person) -> None:
    """What was never on is not taken away, and what was asked for is not taken away unasked."""
    assert editor.create(HOME, "small", {"environment": "Development"}) == ""
    assert editor.patch(HOME, "small", {"spec": {"database": {"finalSnapshot": True}}}) == ""
    assert "without a final snapshot" in editor.patch(HOME, "small", {"spec": {"database": {"finalSnapshot": False}}})
    # To Production, nothing is lost.
    assert editor.patch(HOME, "small", {"spec": {"environment": "Production"}}) == ""


def test_a_production_app_is_deleted_once_it_is_confirmed_by_its_name(
    editor: Person, owner: Person, operator: Person, admin: Person
) -> None:
    assert editor.create(HOME, "prod") == ""
    assert operator.patch(HOME, "prod", {"metadata": {"finalizers": ["missyou.app/finalizer"]}}) == ""
    assert operator.patch(HOME, "prod", BEGUN, status=True) == ""
    for somebody in (editor, owner, admin):
        told = somebody.delete(HOME, "prod")
        assert "prod is a production app, and its database is deleted with it" in told
        assert "kubectl annotate missyouapp prod -n approving --overwrite missyou.app/confirm-deletion=prod" in told
        assert (
            """kubectl patch missyouapp prod -n approving --type merge -p '{"spec":{"deletionPolicy":"Retain"}}'"""
            in told
        )
    # Another app's name confirms nothing.
    assert owner.annotate(HOME, "prod", confirm_deletion="product") == ""
    assert "Confirm that first" in editor.delete(HOME, "prod")
    assert owner.annotate(HOME, "prod", confirm_deletion="prod") == ""
    # Whoever may delete does it then, and what is being deleted is not asked about again.
    assert editor.delete(HOME, "prod") == ""
    assert owner.annotate(HOME, "prod", confirm_deletion=None) == ""
    assert editor.delete(HOME, "prod") == ""
    assert operator.patch(HOME, "prod", {"metadata": {"finalizers": None}}) == ""
    assert cluster.get_app(admin.kube, "prod", HOME) == {}


@pytest.mark.parametrize("spec", [{"environment": "Development"}, {"deletionPolicy": "Retain"}], ids=str)
def test_what_loses_nothing_is_not_asked_about(editor: Person, admin: Person, spec: dict[str, str]) -> None:
    name = f"free-{next(iter(spec.values())).lower()}"
    assert editor.create(HOME, name, spec) == ""
    assert admin.patch(HOME, name, BEGUN, status=True) == ""
    assert editor.delete(HOME, name) == ""


def test_an_app_that_was_never_begun_is_deleted_as_it_is(editor: Person) -> None:
    assert editor.create(HOME, "mistyped") == ""
    assert editor.delete(HOME, "mistyped") == ""


def test_a_lost_status_does_not_let_it_be_deleted(editor: Person, operator: Person, admin: Person) -> None:
    assert editor.create(HOME, "lost") == ""
    assert operator.annotate(HOME, "lost", place='{"account": "1", "region": "r"}') == ""
    assert admin.patch(HOME, "lost", {"status": None}, status=True) == ""
    assert "Confirm that first" in editor.delete(HOME, "lost")


def test_a_namespace_with_a_production_app_stays_until_it_is_confirmed(
    plane: ControlPlane, admin: Person, operator: Person
) -> None:
    """What kube-controller-manager does when a namespace is deleted: it deletes the collection, again and again."""
    core = client.CoreV1Api(admin.kube)
    namespace(admin.kube, "going")
    controller = person(plane, NAMESPACE_CONTROLLER)
    assert admin.create("going", "prod") == ""
    assert operator.patch("going", "prod", {"metadata": {"finalizers": ["missyou.app/finalizer"]}}) == ""
    assert operator.patch("going", "prod", BEGUN, status=True) == ""
    assert "Confirm that first" in admin.delete_all("going")
    core.delete_namespace("going")
    going: Any = core.read_namespace("going")
    assert going.status.phase == "Terminating"
    assert "Confirm that first" in controller.delete_all("going")
    assert not cluster.get_app(admin.kube, "prod", "going")["metadata"].get("deletionTimestamp")
    # In a namespace that is going, an annotation can still be set.
    assert admin.annotate("going", "prod", confirm_deletion="prod") == ""
    assert controller.delete_all("going") == ""
    assert cluster.get_app(admin.kube, "prod", "going")["metadata"]["deletionTimestamp"]
    assert operator.patch("going", "prod", {"metadata": {"finalizers": None}}) == ""


def test_who_approved_what_is_in_the_audit_log(plane: ControlPlane, editor: Person, owner: Person) -> None:
    assert editor.create(HOME, "audited") == ""
    editor.annotate(HOME, "audited", approve="plan-7")
    owner.annotate(HOME, "audited", approve="plan-7")
    lines = (plane.folder / "audit" / "audit.log").read_text().splitlines()
    entries = [json.loads(line) for line in lines if "plan-7" in line]
    told = {
        (entry["impersonatedUser"]["username"], entry["responseStatus"]["code"]): entry["annotations"][
            "missyou-approvals/approval"
        ]
        for entry in entries
    }
    assert told == {
        ("ed", 403): "ed sets missyou.app/approve=plan-7",
        ("olga", 200): "olga sets missyou.app/approve=plan-7",
    }


def test_only_an_operator_elsewhere_is_taken_for_the_operator(plane: ControlPlane, admin: Person) -> None:
    """Nobody gets the operator's rights by the name of an account in a namespace of their own."""
    namesake = with_role(plane, "system:serviceaccount:approving:missyou-operator", "edit", HOME)
    assert "the operator's record" in namesake.create(HOME, "namesake", annotations={"missyou.app/place": "{}"})


def test_whoever_is_not_let_in_by_rbac_does_not_get_as_far(plane: ControlPlane, admin: Person) -> None:
    stranger = person(plane, "stranger")
    assert "cannot create resource" in stranger.create(HOME, "mine")
    assert controlplane.running(plane.folder)


@pytest.mark.parametrize("path", ["base/admission.yaml", "tenancy/policy.yaml"])
def test_two_tools_apply_the_policies_without_a_conflict(admin: Person, kubectl: Kubectl, path: str) -> None:
    """Flux and a person, say: what the API server fills in is no difference between them."""
    policies = [each for each in cluster.documents([ROOT / "manifests" / path]) if each["kind"].endswith("Policy")]
    assert policies
    for policy in policies:
        # Without a binding, it is in force nowhere.
        policy["metadata"]["name"] += "-twice"
        for manager in ("one", "another"):
            words = ("--server-side", f"--field-manager={manager}", "-f", "-")
            applied = kubectl("apply", *words, given=json.dumps(policy))
            assert applied.returncode == 0, applied.stderr
    cluster.delete(admin.kube, [{**each, "metadata": {"name": each["metadata"]["name"]}} for each in policies])
