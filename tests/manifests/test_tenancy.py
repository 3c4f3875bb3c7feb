"""The tenancy policy on a real API server: every attack of one team's editor upon another's things in AWS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from missyou_local import cluster
from missyou_local.controlplane import ControlPlane

from .conftest import ROOT
from .people import Person, eventually, namespace, person, refusal, with_role

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:"
#: Spaces, line breaks and empty entries, as people write them.
GRANTS = {
    "role_arns": f" {ROLE}/team-a , ,{ROLE}/team-a-dns",
    "secret_arns": f"{SECRET}team-a/, {SECRET}shared-AbCdEf,\n {SECRET}plain,{SECRET}starred/*,{SECRET}open*",
    "domains": "a.example.com, *.apps.example.org",
    "zones": "Z0A",
    "snapshots": "team-a-db-final, golden-*, half*",
    "existing_names": "/ecs/old-shop, old-shop-*",
    "images": "ghcr.io/team-a, docker.io/shared/, ghcr.io/starred/*,",
    "topics": f"{TOPIC}team-a",
    "regions": "eu-west-1,us-east-1",
    "tag_keys": "cost-centre, owner",
}
OPERATOR = "system:serviceaccount:missyou-system:missyou-operator"


@pytest.fixture(scope="module")
def admin(plane: ControlPlane) -> Iterator[Person]:
    admin = person(plane, "admin")
    kube = admin.kube
    cluster.apply(kube, cluster.documents(sorted((ROOT / "crds").glob("missyouapps*.yaml"))))
    cluster.wait_for_crd(kube)
    policy = cluster.documents([ROOT / "manifests/tenancy/policy.yaml"])
    cluster.apply(kube, cluster.documents([*cluster.RIGHTS, *cluster.ADMISSION]) + policy)
    namespace(kube, "team-a", **GRANTS)
    for name in ("team", "team-b"):
        namespace(kube, name)
    # What other tests of this control plane do not expect is gone when they come.
    probe = {"image": {"repository": "docker.io/evil/app"}}
    eventually(lambda: admin.create("team-b", "team-b-probe", probe), ["may not run the image"])
    eventually(lambda: admin.create("team-a", "team-a-probe", {"region": "us-east-1"}), ())
    yield admin
    for app in cluster.apps(kube):
        if app["metadata"]["namespace"].startswith("team"):
            admin.delete(app["metadata"]["namespace"], app["metadata"]["name"])
    cluster.delete(kube, [{**item, "metadata": {"name": item["metadata"]["name"]}} for item in reversed(policy)])
    eventually(lambda: admin.create("team-b", "team-b-probe", probe), ())
    admin.delete("team-b", "team-b-probe")


@pytest.fixture(scope="module")
def ann(admin: Person, plane: ControlPlane) -> Person:
    """An editor of team-a."""
    return with_role(plane, "ann", "edit", "team-a")


def named(text: str) -> str:
    """Return a name of a stack of team-a."""
    return f"team-a-{text}"


def spec(**fields: Any) -> dict[str, Any]:
    return fields


def domain(name: str, **fields: Any) -> dict[str, Any]:
    return {"domain": {"name": name, **fields}}


def secret(name: str, key: str = "googleAPIKey") -> dict[str, Any]:
    return {"secrets": {key: {"secretARN": f"{SECRET}{name}"}}}


def image(repository: str) -> dict[str, Any]:
    return {"image": {"repository": repository}}


def snapshot(name: str) -> dict[str, Any]:
    return {"database": {"restoreFromSnapshot": name}}


def existing(name: str) -> dict[str, Any]:
    return {"existing": {"names": {"database": "old-shop-db", "appLog": name}}}


def tenant_id(team: str) -> str:
    return f"missyou:0f1e2d3c-0000-4000-8000-000000000000:{team}"


def role(name: str, external_id: str = "") -> dict[str, Any]:
    return {"credentials": {"roleARN": f"{ROLE}/{name}", **({"externalID": external_id} if external_id else {})}}


ATTACKS = [
    # A role of another team's, and an external ID that opens one.
    (role("team-b"), f"may not use the role of credentials.roleARN: {ROLE}/team-b", "role-arns"),
    (role("team-a-dns-admin"), "may not use the role", "role-arns"),
    (domain("x.a.example.com", **role("team-b")), "may not use the role", "role-arns"),
    (role("team-a", tenant_id("team-b")), "credentials.externalID is not this namespace's", "external-ids"),
    (role("team-a", tenant_id("b:team-a")), "credentials.externalID is not this namespace's", "external-ids"),
    (role("team-a", "anything"), "missyou:<UID of the namespace kube-system>:team-a", "external-ids"),
    (domain("x.a.example.com", credentials=role("team-a-dns", "stolen")["credentials"]), "externalID", "external-ids"),
    # A secret of somebody else's: the neighbour's folder, a longer name, an entry with a star amid a word.
    (secret("team-b/key-AbCdEf"), f"may not read the secret of secrets.*.secretARN: {SECRET}team-b/", "secret-arns"),
    (secret("team-a-prod/key-AbCdEf"), "may not read the secret", "secret-arns"),
    (secret("plain-secret"), "may not read the secret", "secret-arns"),
    (secret("opened-AbCdEf"), "may not read the secret", "secret-arns"),
    (secret("b/key-AbCdEf", "firebaseServiceAccount"), "may not read the secret", "secret-arns"),
    # Host names.
    (domain("www.example.com"), "may not have the host name www.example.com", "domains"),
    (domain("evila.example.com"), "may not have the host name", "domains"),
    (domain("a.example.com.evil.org"), "may not have the host name", "domains"),
    (domain("apps.example.org"), "may not have the host name", "domains"),
    (domain("xapps.example.org"), "may not have the host name", "domains"),
    (domain("x.a.example.com", hostedZoneID="Z0B"), "may not write into the hosted zone Z0B", "zones"),
    (domain("x.a.example.com", hostedZoneID="Z0AB"), "may not write into the hosted zone", "zones"),
    # Somebody's database.
    (snapshot("team-b-db-final"), "may not restore the snapshot team-b-db-final", "snapshots"),
    (snapshot("team-a-db-final-2"), "may not restore the snapshot", "snapshots"),
    (snapshot("goldeneye"), "may not restore the snapshot", "snapshots"),
    (snapshot("half-of-it"), "may not restore the snapshot", "snapshots"),
    (snapshot(f"arn:aws:rds:us-east-1:{ACCOUNT}:snapshot:team-a-db-final"), "may not restore", "snapshots"),
    # What another team made, by its name.
    (existing("team-b-db"), "existing.names names what this namespace may not: team-b-db", "existing-names"),
    (existing("old-shopping-db"), "existing.names names what this namespace may not", "existing-names"),
    (existing("/ecs/old-shop-b"), "existing.names names what this namespace may not", "existing-names"),
    # Images that are not theirs to run.
    (image("docker.io/evil/app"), "may not run the image docker.io/evil/app", "images"),
    (image("ghcr.io/team-a-evil/app"), "may not run the image", "images"),
    (image("ghcr.io/team-ab"), "may not run the image", "images"),
    (image("evil.org/ghcr.io/team-a/app"), "may not run the image", "images"),
    (image("docker.io/sharedx"), "may not run the image", "images"),
    # Other people's topics, regions, and tags that open policies.
    (spec(monitoring={"notifications": {"topicARN": f"{TOPIC}team-b"}}), "may not notify the topic", "topics"),
    (spec(region="ap-southeast-2"), "may not use the region ap-southeast-2", "regions"),
    (spec(database={"backupCopyRegion": "ap-southeast-2"}), "may not copy backups to the region", "regions"),
    (spec(tags={"team": "payments"}), "may set only these tags: cost-centre, owner", "tag-keys"),
    (spec(tags={"owner": "a", "aws-team": "payments"}), "may set only these tags", "tag-keys"),
]


@pytest.fixture(scope="module")
def harmless(ann: Person) -> str:
    """Name an app of team-a's that names nothing outside."""
    assert ann.create("team-a", named("harmless")) == ""
    return named("harmless")


@pytest.mark.parametrize(("fields", "says", "grant"), ATTACKS)
def test_an_attack_is_refused_at_creation_and_by_a_change(
    ann: Person, harmless: str, fields: dict[str, Any], says: str, grant: str
) -> None:
    told = ann.create("team-a", named("attack"), fields)
    assert "'missyou-tenancy'" in told
    assert says in told
    assert f"annotation missyou.app/{grant}" in told
    if "region" in fields:
        return  # immutable
    assert says in ann.patch("team-a", harmless, {"spec": fields})


GRANTED = [
    role("team-a"),
    role("team-a", tenant_id("team-a")),
    secret("team-a/key-AbCdEf"),
    secret("shared-AbCdEf", "firebaseServiceAccount"),
    secret("starred/key-AbCdEf"),
    domain("a.example.com"),
    domain("x.a.example.com", hostedZoneID="Z0A", **role("team-a-dns")),
    domain("x.apps.example.org"),
    snapshot("team-a-db-final"),
    snapshot("golden-2026"),
    existing("/ecs/old-shop"),
    image("ghcr.io/team-a"),
    image("ghcr.io/team-a/app/api"),
    image("docker.io/shared/base"),
    image("ghcr.io/starred/app"),
    spec(monitoring={"notifications": {"topicARN": f"{TOPIC}team-a"}}, region="us-east-1"),
    spec(tags={"owner": "ann", "cost-centre": "7"}),
    spec(region="eu-west-1"),
    {},
]


@pytest.mark.parametrize("fields", GRANTED)
def test_what_is_granted_is_let_through(ann: Person, fields: dict[str, Any]) -> None:
    assert ann.create("team-a", named("granted"), fields) == ""
    assert ann.delete("team-a", named("granted")) == ""


@pytest.mark.parametrize(
    ("home", "stack", "allowed"),
    [
        ("team", "team-x", True),
        # Both prefixes fit the text; only one has the name.
        ("team", "team-a-x", False),
        ("team-a", "team-a-x", True),
        ("team-a", "team-x", False),
        # The app `a` of team, and nothing of team-a's.
        ("team", "team-a", True),
        ("team-a", "team-a", False),
        ("team", "teamx", False),
        ("team", "team", False),
        ("team-a", "team-a-shop-api", False),
        ("team-b", "shop", True),
        ("team-b", "b-x", True),
        ("team-b", "team-b-x", False),
    ],
)
def test_two_teams_share_no_names(admin: Person, home: str, stack: str, allowed: bool) -> None:
    if home == "team-b":
        namespace(admin.kube, "team-b", stack_prefix="shop , b-")
        eventually(lambda: admin.create("team-b", "b-probe"), ())
        admin.delete("team-b", "b-probe")
    # By its own name, and by spec.stackName.
    for name, fields in ((stack, {}), ("named", {"stackName": stack})):
        told = admin.create(home, name, fields)
        if allowed:
            assert told == ""
            assert admin.delete(home, name) == ""
        else:
            assert f"the stack name {stack} does not belong to this namespace" in told
            assert "annotation missyou.app/stack-prefix" in told


def test_without_grants_nothing_outside_is_named(admin: Person) -> None:
    """The namespace `team` has no annotation: what is granted elsewhere is not granted here. A plain app needs none."""
    for fields in (*(fields for fields, _, _ in ATTACKS), *GRANTED):
        told = admin.create("team", "team-none", fields)
        if fields:
            assert "'missyou-tenancy'" in told
            assert "An administrator" in told
    assert admin.delete("team", "team-none") == ""


@pytest.mark.parametrize("who", ["edit", "admin"])
def test_nobody_of_the_team_grants_themselves_anything(plane: ControlPlane, admin: Person, who: str) -> None:
    somebody = with_role(plane, f"{who}-of-b", who, "team-a")
    core = client.CoreV1Api(somebody.kube)
    body = {"metadata": {"annotations": {"missyou.app/images": "docker.io/evil"}}}
    assert 'cannot patch resource "namespaces"' in refusal(lambda: core.patch_namespace("team-a", body))


def test_a_grant_that_is_taken_back_holds_up_no_deletion(plane: ControlPlane, admin: Person) -> None:
    namespace(admin.kube, "team-back", images="ghcr.io/back")
    editor = with_role(plane, "bob", "edit", "team-back")
    owner = with_role(plane, "bea", "admin", "team-back")
    operator = person(plane, OPERATOR)
    home, name = "team-back", "team-back-x"
    eventually(lambda: editor.create(home, name, image("ghcr.io/back/app")), ())
    namespace(admin.kube, home)
    told = "may not run the image ghcr.io/back/app"
    eventually(lambda: editor.create(home, "team-back-y", image("ghcr.io/back/app")), [told])
    # The operator's own record keeping, approvals, and what makes things safer.
    assert operator.patch(home, name, {"metadata": {"finalizers": ["missyou.app/finalizer"]}}) == ""
    assert operator.annotate(home, name, place="{}") == ""
    assert operator.patch(home, name, {"status": {"account": "1"}}, status=True) == ""
    assert owner.annotate(home, name, approve="plan-1") == ""
    assert editor.patch(home, name, {"spec": {"suspend": True}}) == ""
    assert editor.patch(home, name, {"spec": {"deletionPolicy": "Retain"}}) == ""
    assert editor.patch(home, name, {"spec": {"database": {"storageGiB": 30}}}) == ""
    # Not what the grant was about, by another name or another tag.
    assert told in editor.patch(home, name, {"spec": {"image": {"tag": "v2"}}})
    assert editor.patch(home, name, {"spec": {"image": {"repository": None}}}) == ""
    assert editor.delete(home, name) == ""
    assert operator.patch(home, name, {"metadata": {"finalizers": None}}) == ""
    assert cluster.get_app(admin.kube, name, home) == {}


def test_the_operator_reads_no_secret_for_somebody_who_may_not(plane: ControlPlane, admin: Person) -> None:
    namespace(admin.kube, "team-s")
    reference = {"secrets": {"googleAPIKey": {"secretKeyRef": {"name": "tls", "key": "tls.key"}}}}
    with_role(plane, "sam", "missyou-edit", "team-s")
    sam, eve = person(plane, "sam"), with_role(plane, "eve", "edit", "team-s")
    eventually(lambda: sam.create("team-s", "team-s-plain"), ())
    told = sam.create("team-s", "team-s-x", reference)
    assert "sam may not get Secrets in the namespace team-s" in told
    assert "sam may not get Secrets" in sam.patch("team-s", "team-s-plain", {"spec": reference})
    variable = {"service": {"envFrom": {"TOKEN": {"name": "tls", "key": "tls.key"}}}}
    assert "sam may not get Secrets" in sam.create("team-s", "team-s-y", variable)
    assert "sam may not get Secrets" in sam.patch("team-s", "team-s-plain", {"spec": variable})
    assert eve.create("team-s", "team-s-x", reference) == ""
    # A reference that is there already opens nothing for another.
    assert "sam may not get Secrets" in sam.patch("team-s", "team-s-x", {"spec": variable})
    # It is theirs who set it, and others go on.
    assert sam.patch("team-s", "team-s-x", {"spec": {"service": {"debug": True}}}) == ""


def test_sizes_and_slips_of_the_pen(admin: Person) -> None:
    namespace(admin.kube, "team-max", max_vcpus="16")
    large = {"service": {"cpu": 16384, "memory": 32768, "replicas": {"max": 100}}}
    eventually(lambda: admin.create("team-max", "team-max-x", large), ["is 1638400 CPU units", "allows 16 vCPUs"])
    # The defaults count: 10 tasks of half a vCPU.
    assert admin.create("team-max", "team-max-x") == ""
    grown = {"spec": {"service": {"cpu": 2048, "memory": 4096}}}
    assert "is 20480 CPU units" in admin.patch("team-max", "team-max-x", grown)
    namespace(admin.kube, "team-max", max_vcpus="sixteen")
    eventually(lambda: admin.create("team-max", "team-max-y"), ["allows sixteen vCPUs"])


@pytest.mark.parametrize("grant", ["internal", "Public", "internal "])
def test_an_internal_namespace_has_no_app_on_the_internet(admin: Person, grant: str) -> None:
    namespace(admin.kube, "team-in", exposure=grant)
    words = ["not for the internet", "set loadBalancer.scheme to internal"]
    eventually(lambda: admin.create("team-in", "team-in-x"), words)
    told = admin.create("team-in", "team-in-x", {"loadBalancer": {"scheme": "internet-facing"}})
    assert "not for the internet" in told
    assert admin.create("team-in", "team-in-x", {"loadBalancer": {"scheme": "internal"}}) == ""
    assert admin.delete("team-in", "team-in-x") == ""


def test_hundreds_of_grants_are_within_the_limits_of_cel(admin: Person) -> None:
    """The API server ends an evaluation that costs too much, and refuses the request then."""
    many = 250
    grants = {
        key: ",".join(pattern.format(n) for n in range(many))
        for key, pattern in {
            "stack_prefix": "team-huge-{}-",
            "role_arns": f"{ROLE}/team-huge-{{}}",
            "secret_arns": f"{SECRET}team-huge-{{}}/",
            "domains": "team-huge-{}.example.com",
            "snapshots": "team-huge-{}-",
            "existing_names": "team-huge-{}-",
            "images": "ghcr.io/team-huge-{}",
            "topics": f"{TOPIC}team-huge-{{}}",
            "tag_keys": "key-{}",
        }.items()
    }
    namespace(admin.kube, "team-huge", **grants)
    last = many - 1
    largest = {
        **role(f"team-huge-{last}"),
        **domain(f"x.team-huge-{last}.example.com", **role(f"team-huge-{last}")),
        **snapshot(f"team-huge-{last}-final"),
        **image(f"ghcr.io/team-huge-{last}/app"),
        "existing": {"names": {f"endpoint-{n}": f"team-huge-{last}-{n}" for n in range(64)}},
        "secrets": {
            key: secret(f"team-huge-{last}/x-AbCdEf", key)["secrets"][key]
            for key in ("googleAPIKey", "firebaseServiceAccount")
        },
        "tags": {f"key-{n}": "v" for n in range(40)},
        "stackName": f"team-huge-{last}-x",
    }
    eventually(lambda: admin.create("team-huge", "largest", largest), ())
    refused = {**largest, "tags": {"key-250": "v"}}
    assert "may set only these tags" in admin.create("team-huge", "refused", refused)
