"""The judge: everything that a spec names needs a grant, and each refusal names field, value and remedy."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from missyou_operator.api.tenant import InvalidTenant
from missyou_operator.tenancy.budget import Claim, exceeding
from missyou_operator.tenancy.selection import Cluster

from .cluster import EXTERNAL_ID, ROLE, body, judged, one, paths, tenant

OTHER_ROLE = "arn:aws:iam::222222222222:role/team-b"
SECRET = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:team-b/key-AbCdEf"
TOPIC = "arn:aws:sns:eu-west-1:111111111111:team-b"
#: Each thing that a spec may name: the spec, the path of the refusal, and the grant that ends it.
CASES: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "role": (
        {"credentials": {"roleARN": OTHER_ROLE}},
        "spec.credentials.roleARN",
        {"credentials": {"roleARN": OTHER_ROLE}},
    ),
    "secret": (
        {"secrets": {"googleAPIKey": {"secretARN": SECRET}}},
        "spec.secrets.googleAPIKey.secretARN",
        {"secrets": ["arn:aws:secretsmanager:eu-west-1:111111111111:secret:team-b/*"]},
    ),
    "firebase": (
        {"secrets": {"firebaseServiceAccount": {"secretARN": SECRET}}},
        "spec.secrets.firebaseServiceAccount.secretARN",
        {"secrets": [SECRET]},
    ),
    "domain": ({"domain": {"name": "pay.example.com"}}, "spec.domain.name", {"domains": ["example.com"]}),
    "zone": (
        {"domain": {"name": "a.example.com", "hostedZoneID": "ZB"}},
        "spec.domain.hostedZoneID",
        {"domains": ["example.com"], "zones": ["ZB"]},
    ),
    "zone role": (
        {"domain": {"name": "a.example.com", "credentials": {"roleARN": OTHER_ROLE}}},
        "spec.domain.credentials.roleARN",
        {"domains": ["example.com"], "zoneRoles": [OTHER_ROLE]},
    ),
    "snapshot": (
        {"database": {"restoreFromSnapshot": "team-b-db-final"}},
        "spec.database.restoreFromSnapshot",
        {"snapshots": ["team-b-*"]},
    ),
    "existing": (
        {"existing": {"names": {"database": "team-b-db"}}},
        "spec.existing.names[database]",
        {"existingNames": ["team-b-*"]},
    ),
    "image": ({"image": {"repository": "ghcr.io/b/app"}}, "spec.image.repository", {"images": ["ghcr.io/b/*"]}),
    "short image": ({"image": {"repository": "nginx"}}, "spec.image.repository", {"images": ["docker.io/library/*"]}),
    "topic": (
        {"monitoring": {"notifications": {"topicARN": TOPIC}}},
        "spec.monitoring.notifications.topicARN",
        {"topics": [TOPIC]},
    ),
    "region": ({"region": "us-east-1"}, "spec.region", {"regions": ["us-east-1"]}),
    "copy": (
        {"database": {"backupCopyRegion": "us-east-1"}},
        "spec.database.backupCopyRegion",
        {"regions": ["us-east-1", "eu-west-1"]},
    ),
    "tag": ({"tags": {"team": "payments"}}, "spec.tags[team]", {"tagKeys": ["team"]}),
    "public": ({}, "spec.loadBalancer.scheme", {"exposure": "Public"}),
    "stack": ({"stackName": "team-b-shop"}, "spec.stackName", {"stackPrefix": "team-b"}),
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_granted_that_no_tenant_grants(case: str) -> None:
    spec, path, grants = CASES[case]
    without = one(exposure="Internal" if case == "public" else "Public")
    [found] = [refusal for refusal in judged(without, body(**spec)) if refusal.path == path]
    field = next(reversed(grants))
    assert "not granted to the namespace team-a" in found.message
    assert "ask whoever administers MissYouTenant/team-a" in found.message
    assert f"spec.{field}" in found.message
    assert judged(one(**grants), body(**spec)) == ()


def test_all_refusals_are_told_at_once() -> None:
    spec = {**CASES["secret"][0], **CASES["region"][0], **CASES["tag"][0]}
    assert paths(one(), body(**spec)) == ["spec.region", CASES["secret"][1], "spec.tags[team]"]


def test_the_external_id_is_nobodys_choice() -> None:
    cluster = one(credentials={"roleARN": ROLE})
    for given, expected in (("guess", ["spec.credentials.externalID"]), (EXTERNAL_ID, [])):
        assert paths(cluster, body(credentials={"roleARN": ROLE, "externalID": given})) == expected
    assert paths(cluster, body(credentials={"roleARN": ROLE})) == []


@pytest.mark.parametrize("namespace", ["team-b", "team", "team-a-"])
def test_a_namespace_of_no_tenant_gets_nothing(namespace: str) -> None:
    [found] = judged(one(), body(namespace))
    assert "belongs to no MissYouTenant" in found.message


def test_a_namespace_of_two_tenants_gets_nothing() -> None:
    cluster = Cluster({"x": tenant(namespaces=["team-a"]), "y": tenant(namespaceSelector={})}, {"team-a": {}})
    [found] = judged(cluster, body())
    assert "MissYouTenant/x and MissYouTenant/y" in found.message


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({}, {"plain", "a", "b"}),
        ({"matchLabels": {"team": "a"}}, {"a"}),
        ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["a", "c"]}]}, {"a"}),
        ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["a"]}]}, {"plain", "b"}),
        ({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, {"a", "b"}),
        ({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, {"plain"}),
        ({"matchLabels": {"team": "a"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]}, set()),
    ],
)
def test_selectors_are_those_of_kubernetes(selector: dict[str, Any], selected: set[str]) -> None:
    namespaces: dict[str, dict[str, str]] = {"plain": {}, "a": {"team": "a"}, "b": {"team": "b"}}
    cluster = Cluster({"t": tenant(namespaceSelector=selector)}, namespaces)
    assert {name for name in namespaces if cluster.tenants_of(name)} == selected
    assert cluster.tenants_of("never-seen") == ()


def test_the_longer_prefix_is_its_owners() -> None:
    """`team` and `team-a` begin alike: what begins with team-a is not team's, though it begins with team, too."""
    cluster = Cluster(
        {name: tenant(namespaces=[name], exposure="Public") for name in ("team", "team-a")}, {"team": {}, "team-a": {}}
    )
    [found] = judged(cluster, body("team", "team-a-shop"))
    assert found.path == "metadata.name"
    assert "names that begin with team-a are team-a's" in found.message
    assert judged(cluster, body("team", "team-shop")) == ()
    assert judged(cluster, body("team-a", "team-a-shop")) == ()
    assert paths(cluster, body("team-a", "team-shop")) == ["metadata.name"]
    assert paths(cluster, body("team-a", "team-ab")) == ["metadata.name"]


def test_an_internal_tenant_takes_an_internal_load_balancer() -> None:
    app = {**body(), "spec": {}}
    assert paths(one(exposure="Internal"), app) == ["spec.loadBalancer.scheme"]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"namespaces": []},
        {"namespaces": ["a"], "secrets": ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:team*"]},
        {"namespaces": ["a"], "secrets": ["*"]},
        {"namespaces": ["a"], "secrets": ["arn:aws:secretsmanager:eu-west-1:*:secret:team-a/*"]},
        {"namespaces": ["a"], "images": ["*"]},
        {"namespaces": ["a"], "images": ["*.io/team/app"]},
        {"namespaces": ["a"], "images": ["nginx"]},
        {"namespaces": ["a"], "domains": ["com"]},
        {"namespaces": ["a"], "domains": ["*example.com"]},
        {"namespaces": ["a"], "snapshots": ["team**"]},
        {"namespaces": ["a"], "stackPrefix": "Team"},
        {"namespaces": ["a"], "maxMonthlyUSD": 0},
        {"namespaceSelector": {"matchExpressions": [{"key": "x", "operator": "In"}]}},
        {"namespaceSelector": {"matchExpressions": [{"key": "x", "operator": "Exists", "values": ["y"]}]}},
    ],
)
def test_grants_that_cover_more_than_they_seem_to_are_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(InvalidTenant):
        tenant(**spec)


def test_an_unreadable_tenant_grants_nothing_and_counts_as_there() -> None:
    cluster = Cluster(unreadable={"old": "spec.roles cannot be read"})
    assert cluster.judges
    [found] = judged(cluster, body())
    assert "MissYouTenant/old: spec.roles cannot be read" in found.message


def claim(app: str, created: int, most: int, **more: Any) -> Claim:
    return Claim(app, f"2026-01-0{created}T00:00:00Z", Decimal(most), **more)


def test_a_new_app_never_stops_an_old_one() -> None:
    new, old = claim("a/new", 2, 60), claim("b/old", 1, 60)
    found = exceeding([new, old], "t", 100)
    assert set(found) == {"a/new"}
    assert "older ones of MissYouTenant/t 60.00" in found["a/new"]


def test_what_is_refused_takes_no_room_but_what_it_spends() -> None:
    apps = [claim("a/1", 1, 500, spends=Decimal(30)), claim("a/2", 2, 60), claim("a/3", 3, 20)]
    assert set(exceeding(apps, "t", 100)) == {"a/1", "a/3"}
    refused = [claim("a/1", 1, 90, refused=True), claim("a/2", 2, 60)]
    assert exceeding(refused, "t", 100) == {}


def test_what_has_no_price_is_refused_under_a_limit() -> None:
    found = exceeding([claim("a/1", 1, 10, unpriced=("rds.db.x.single",))], "t", 1000)
    assert "rds.db.x.single has no price" in found["a/1"]
