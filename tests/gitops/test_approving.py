"""Argo CD's action `approve` at the door of a real API server: refused until its ServiceAccount has the verb."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes import client

from missyou_local import cluster
from missyou_local.controlplane import ControlPlane
from missyou_operator.api.status import merge_patch
from tests.integration.bench import install
from tests.manifests.people import Person, eventually, namespace, person

from .record import recorded
from .test_actions import act

HOME, NAME = "argo-approves", "asked"
RBAC = "rbac.authorization.k8s.io"
#: Source: argoproj/argo-cd, manifests/cluster-rbac/server/argocd-server-clusterrole.yaml. Actions are patches of the
#: API server of Argo CD, not of its application controller.
SERVER = {
    "apiVersion": f"{RBAC}/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "argocd-server"},
    "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["delete", "get", "patch"]}],
}


def bound(role: str) -> dict[str, Any]:
    """Return the binding of a ClusterRole to Argo CD's API server, everywhere."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"argocd-server-{role}"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": "argocd-server", "namespace": "argocd"}],
    }


@pytest.fixture
def admin(control_plane: ControlPlane) -> Person:
    """The administrator, with an app whose plan waits for approval."""
    admin = person(control_plane, "admin")
    install(admin.kube)
    namespace(admin.kube, HOME)
    assert admin.create(HOME, NAME, {"environment": "Development"}) == ""
    app = cluster.get_app(admin.kube, NAME, HOME)
    status = recorded("waiting-for-approval")["status"]
    status["observedGeneration"] = app["metadata"]["generation"]
    assert admin.patch(HOME, NAME, {"status": status}, status=True) == ""
    return admin


def test_the_action_needs_the_verb(control_plane: ControlPlane, admin: Person) -> None:
    argo = person(control_plane, "system:serviceaccount:argocd:argocd-server")
    cluster.apply(admin.kube, [SERVER, bound("argocd-server")])

    def approve() -> str:
        # A new policy is not in force at once: what got through before that is taken back.
        assert admin.annotate(HOME, NAME, approve=None) == ""
        app = cluster.get_app(admin.kube, NAME, HOME)
        return argo.patch(HOME, NAME, merge_patch(app, act("approve", app)))

    says = (
        "setting missyou.app/approve needs the verb approve on missyouapps, which system:serviceaccount:argocd:argocd"
    )
    eventually(approve, [says])
    # Other actions need no more than Argo CD has.
    app = cluster.get_app(admin.kube, NAME, HOME)
    assert argo.patch(HOME, NAME, merge_patch(app, act("reconcile", app))) == ""
    verb = bound("missyou-approve")
    cluster.apply(admin.kube, [verb])
    eventually(approve, ())
    app = cluster.get_app(admin.kube, NAME, HOME)
    assert app["metadata"]["annotations"]["missyou.app/approve"] == app["status"]["plan"]["id"]
    client.RbacAuthorizationV1Api(admin.kube).delete_cluster_role_binding(verb["metadata"]["name"])
    assert admin.delete(HOME, NAME) == ""
