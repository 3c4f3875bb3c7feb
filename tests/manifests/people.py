"""People with the roles of Kubernetes, and what the API server answers them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException

from missyou_local import cluster, controlplane, processes
from missyou_local.controlplane import ControlPlane

_KIND = "missyou.app", "v1alpha1"
#: Seconds in which the API server has to act upon a new policy, binding, role or annotation of a namespace.
PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who sends requests: a user, or a ServiceAccount by its full name.

    What one asks `only_asking` is admitted or refused, and is not done (a dry run).
    """

    name: str
    kube: client.ApiClient
    only_asking: bool = False

    def create(
        self,
        namespace: str,
        name: str,
        spec: Mapping[str, Any] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> str:
        """Create an app; return why that is refused, "" if it is not."""
        meta = {"name": name, "annotations": dict(annotations or {})}
        body = {"apiVersion": "/".join(_KIND), "kind": "MissYouApp", "metadata": meta, "spec": dict(spec or {})}
        send = self._apps.create_namespaced_custom_object
        return refusal(lambda: send(*_KIND, namespace, "missyouapps", body, dry_run=self._dry_run))

    def patch(self, namespace: str, name: str, body: Mapping[str, Any], *, status: bool = False) -> str:
        """Merge a patch into an app or its status; return why that is refused, "" if it is not."""
        send = self._apps.patch_namespaced_custom_object
        if status:
            send = self._apps.patch_namespaced_custom_object_status
        return refusal(lambda: send(*_KIND, namespace, "missyouapps", name, dict(body), dry_run=self._dry_run))

    def annotate(self, namespace: str, name: str, **values: str | None) -> str:
        """Set annotations below missyou.app/; `confirm_deletion` stands for confirm-deletion."""
        annotations = {f"missyou.app/{key.replace('_', '-')}": value for key, value in values.items()}
        return self.patch(namespace, name, {"metadata": {"annotations": annotations}})

    def delete(self, namespace: str, name: str) -> str:
        """Delete an app; return why that is refused, "" if it is not."""
        send = self._apps.delete_namespaced_custom_object
        return refusal(lambda: send(*_KIND, namespace, "missyouapps", name, dry_run=self._dry_run))

    def delete_all(self, namespace: str) -> str:
        """Delete the collection, as kubectl delete --all may and the deletion of a namespace does."""
        send = self._apps.delete_collection_namespaced_custom_object
        return refusal(lambda: send(*_KIND, namespace, "missyouapps", dry_run=self._dry_run))

    @property
    def _dry_run(self) -> str | None:
        return "All" if self.only_asking else None

    @property
    def _apps(self) -> client.CustomObjectsApi:
        return client.CustomObjectsApi(self.kube)


def refusal(send: Callable[[], Any]) -> str:
    """Return the message with which the API server refuses a request, "" if it does not."""
    try:
        send()
    except ApiException as error:
        return cluster.reason(error)
    return ""


def person(plane: ControlPlane, name: str) -> Person:
    """Return somebody without any role yet; `admin` is the cluster's administrator."""
    kube = controlplane.api_client(plane.kubeconfig)
    if name != "admin":
        kube.set_default_header("Impersonate-User", name)  # type: ignore[no-untyped-call]
    return Person(name, kube)


def with_role(plane: ControlPlane, name: str, role: str, namespace: str) -> Person:
    """Return somebody to whom a ClusterRole is bound in a namespace.

    An aggregated one, like `edit`, is bound part by part: kube-controller-manager, which adds the parts up, does not
    run here.
    """
    rbac = client.RbacAuthorizationV1Api(controlplane.api_client(plane.kubeconfig))
    parts = sorted(_parts(rbac, role))
    for part in parts:
        body = {
            "metadata": {"name": f"{name}.{part}".replace(":", ".")},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": part},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}],
        }
        cluster.apply(
            rbac.api_client, [{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", **body}], namespace
        )
    # The API server has them all once it has the last.
    last: Any = rbac.read_cluster_role(parts[-1])
    somebody = person(plane, name)
    assert processes.wait_until(lambda: _may(somebody, namespace, last.rules[0]), PATIENCE, pause=0.05), (name, role)
    return somebody


def _may(somebody: Person, namespace: str, rule: Any) -> bool:
    attributes = {
        "namespace": namespace,
        "verb": rule.verbs[0],
        "group": rule.api_groups[0],
        "resource": rule.resources[0],
    }
    api = client.AuthorizationV1Api(somebody.kube)
    answer: Any = api.create_self_subject_access_review({"spec": {"resourceAttributes": attributes}})
    return bool(answer.status.allowed)


def _parts(rbac: client.RbacAuthorizationV1Api, role: str) -> set[str]:
    """Return the ClusterRoles that make up a role: itself, or what its aggregation rule selects."""
    found: Any = rbac.read_cluster_role(role)
    if found.aggregation_rule is None:
        return {role}
    names: set[str] = set()
    for selector in found.aggregation_rule.cluster_role_selectors:
        labels = ",".join(f"{key}={value}" for key, value in selector.match_labels.items())
        selected: Any = rbac.list_cluster_role(label_selector=labels)
        names |= {part for each in selected.items for part in _parts(rbac, each.metadata.name)}
    return names


def namespace(kube: client.ApiClient, name: str, **grants: str) -> None:
    """Create a namespace, or replace its annotations missyou.app/…; `role_arns` stands for role-arns."""
    annotations = {f"missyou.app/{key.replace('_', '-')}": value for key, value in grants.items()}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": annotations}}
    cluster.apply(kube, [body])


def eventually(refused: Callable[[], str], words: Iterable[str]) -> None:
    """Wait until a refusal has all the words (none: until nothing is refused), with a bound."""
    told, wanted = [""], tuple(words)

    def holds() -> bool:
        told[0] = refused()
        return all(word in told[0] for word in wanted) if wanted else not told[0]

    assert processes.wait_until(holds, PATIENCE, pause=0.1), told[0]
