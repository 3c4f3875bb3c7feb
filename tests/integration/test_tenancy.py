"""Two teams on a real API server: what one applies to get at the other's is refused, as grants come and go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from missyou_local import cluster

from .bench import Bench, a_bench, condition, quick

TENANTS = ("missyou.app", "v1alpha1", "missyoutenants")
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:others/key-AbCdEf"


@pytest.fixture(scope="module")
def bench(control_plane, tmp_path_factory) -> Iterator[Bench]:
    with a_bench(control_plane, tmp_path_factory.mktemp("tenancy"), quick()) as bench:
        try:
            grant(bench, bench.namespace)
            bench.start()
            yield bench
        finally:
            api = client.CustomObjectsApi(bench.kube)
            for one in api.list_cluster_custom_object(*TENANTS)["items"]:
                api.delete_cluster_custom_object(*TENANTS, one["metadata"]["name"])


def grant(bench: Bench, *namespaces: str, **spec: Any) -> None:
    """Apply the MissYouTenant `team`, as an administrator does."""
    whole = {"namespaces": list(namespaces), "exposure": "Public", "stackPrefix": "team", **spec}
    body = {"apiVersion": "missyou.app/v1alpha1", "kind": "MissYouTenant", "metadata": {"name": "team"}, "spec": whole}
    cluster.apply(bench.kube, [body])


def refused(bench: Bench, name: str, *words: str) -> None:
    app = bench.until(name, lambda one: condition(one, "Stalled").get("reason") == "NotGranted", "refused")
    for word in words:
        assert word in condition(app, "Stalled")["message"]
    assert condition(app, "Ready")["reason"] == "NotGranted"


def test_what_the_other_team_owns_is_refused_and_a_grant_goes_on_at_once(bench: Bench) -> None:
    bench.apply("team-thief", environment="Development", secrets={"googleAPIKey": {"secretARN": SECRET}})
    refused(bench, "team-thief", "spec.secrets.googleAPIKey.secretARN", SECRET, "MissYouTenant/team", "spec.secrets")
    assert bench.vpcs("team-thief") == 0
    grant(bench, bench.namespace, secrets=[SECRET])
    bench.until("team-thief", lambda app: condition(app, "NetworkReady"), "goes on")
    grant(bench, bench.namespace)
    refused(bench, "team-thief", SECRET)
    bench.patch("team-thief", {"spec": {"secrets": None}})
    bench.ready("team-thief")


def test_a_grant_that_goes_tears_nothing_down_and_holds_a_deletion(bench: Bench) -> None:
    bench.have("team-stays")
    grant(bench, "somebody-else")
    refused(bench, "team-stays", "belongs to no MissYouTenant")
    before = bench.mutations()
    bench.delete("team-stays")
    app = bench.until(
        "team-stays",
        lambda one: "is not deleted" in condition(one, "Stalled").get("message", ""),
        "waiting for a grant",
    )
    assert "missyou.app/finalizer" in app["metadata"]["finalizers"]
    assert bench.mutations() == before
    assert bench.vpcs("team-stays") == 1
    grant(bench, bench.namespace)
    bench.until("team-stays", lambda one: not one, "gone")
    assert bench.vpcs("team-stays") == 0


def test_a_label_of_the_namespace_decides(bench: Bench) -> None:
    core = client.CoreV1Api(bench.kube)
    selector = {"matchLabels": {"team": "red"}}
    grant(bench, namespaceSelector=selector)
    bench.apply("team-label", environment="Development")
    refused(bench, "team-label", "belongs to no MissYouTenant")
    core.patch_namespace(bench.namespace, {"metadata": {"labels": {"team": "red"}}})
    bench.until("team-label", lambda app: condition(app, "NetworkReady"), "goes on")
    core.patch_namespace(bench.namespace, {"metadata": {"labels": {"team": None}}})
    refused(bench, "team-label", "belongs to no MissYouTenant")
    grant(bench, bench.namespace)
    bench.ready("team-label")


def test_a_token_of_a_service_account_is_no_source(bench: Bench) -> None:
    core, rights = client.CoreV1Api(bench.kube), client.RbacAuthorizationV1Api(bench.kube)
    core.create_namespaced_service_account(bench.namespace, {"metadata": {"name": "victim"}})
    meta = {"name": "token", "annotations": {"kubernetes.io/service-account.name": "victim"}}
    core.create_namespaced_secret(
        bench.namespace, {"metadata": meta, "type": "kubernetes.io/service-account-token", "data": {"token": "eA=="}}
    )
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["token"], "verbs": ["get"]}
    rights.create_namespaced_role(bench.namespace, {"metadata": {"name": "readable"}, "rules": [rule]})
    subject = {"kind": "ServiceAccount", "name": "missyou-operator", "namespace": "missyou-system"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "readable"}
    binding = {"metadata": {"name": "readable"}, "roleRef": role, "subjects": [subject]}
    rights.create_namespaced_role_binding(bench.namespace, binding)
    reference = {"secretKeyRef": {"name": "token", "key": "token"}}
    bench.apply("team-token", environment="Development", secrets={"googleAPIKey": reference})
    app = bench.until(
        "team-token", lambda one: condition(one, "SecretsReady").get("reason") == "SecretInvalid", "refused"
    )
    assert "of the type kubernetes.io/service-account-token" in condition(app, "SecretsReady")["message"]
    # And one that nobody has named in a role is not readable at all.
    reference["secretKeyRef"]["name"] = "other"
    bench.patch("team-token", {"spec": {"secrets": {"googleAPIKey": reference}}})
    told = bench.until(
        "team-token", lambda one: condition(one, "SecretsReady").get("reason") == "SecretForbidden", "forbidden"
    )
    assert "--resource-name=other" in condition(told, "SecretsReady")["message"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, "a tenant needs namespaces"),
        ({"namespaces": ["a"], "secrets": ["*"]}, "must be the ARN of a secret"),
        ({"namespaces": ["a"], "images": ["ghcr.io/team*"]}, "a * must stand alone between separators"),
        ({"namespaces": ["a"], "domains": ["*example.com"]}, "must be a domain"),
        (
            {"namespaces": ["a"], "namespaceSelector": {"matchExpressions": [{"key": "x", "operator": "In"}]}},
            "In and NotIn need values",
        ),
    ],
)
def test_a_tenant_that_grants_more_than_it_seems_to_is_refused(bench: Bench, spec: dict[str, Any], words: str) -> None:
    body = {"apiVersion": "missyou.app/v1alpha1", "kind": "MissYouTenant", "metadata": {"name": "bad"}, "spec": spec}
    with pytest.raises(client.ApiException) as refusal:
        client.CustomObjectsApi(bench.kube).create_cluster_custom_object(*TENANTS, body)
    assert words in str(refusal.value.body)


def test_no_role_for_people_writes_tenants(bench: Bench) -> None:
    """What Kubernetes aggregates into view, edit and admin has MissYouApps, and no MissYouTenants."""
    rights = client.RbacAuthorizationV1Api(bench.kube)
    ours = [role for role in rights.list_cluster_role().items if role.metadata.name.startswith("missyou-")]
    people = [role for role in ours if any("aggregate-to" in key for key in role.metadata.labels or {})]
    assert people
    for role in people:
        assert all("missyoutenants" not in rule.resources for rule in role.rules), role.metadata.name
    [operator] = [role for role in ours if role.metadata.name == "missyou-operator"]
    [tenants] = [rule for rule in operator.rules if "missyoutenants" in rule.resources]
    assert set(tenants.verbs) == {"list", "watch"}
