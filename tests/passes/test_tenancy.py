"""Two teams in one cluster, and one tries to get at what is the other's: each attack is refused, with its reason."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from missyou_operator.aws.tenant_session import trust
from missyou_operator.controller.reconcile import Reconciler
from tests.sim.app import CLUSTER, App, changes

ACCOUNT = "123456789012"
TEAM_B_SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:team-b/key-AbCdEf"
TEAM_B_ROLE = f"arn:aws:iam::{ACCOUNT}:role/team-b"


def tenant(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"namespaces": [name], "exposure": "Public", **spec}}


def admit(app: App, *tenants: dict[str, Any]) -> list[tuple[str, str]]:
    """Put tenants in place of those that there are, as the watch shows them; return the apps to wake."""
    app.tenants.set_namespaces([{"metadata": {"name": name}} for name in ("team-a", "team-b")])
    return app.tenants.set_tenants(tenants)


def an_app(aws: Any, namespace: str = "team-a", name: str = "team-a-shop", **spec: Any) -> App:
    app = App(aws, name, **{"environment": "Development", **spec})
    app.body["metadata"] |= {"namespace": namespace, "creationTimestamp": "2026-01-01T00:00:00Z"}
    show(app)
    return app


def show(app: App) -> None:
    """Show an app to the operator, as the watch does."""
    app.tenants.app_seen(copy.deepcopy(app.body))


def refused(app: App, path: str, *words: str) -> str:
    """Check that a pass is refused, with the field and the words, and without a single call to AWS."""
    assert app.calls(lambda: app.passes(3)) == {}
    for type_ in ("Stalled", "Ready"):
        assert app.reason(type_) == "NotGranted", app.body["status"]
    message = str(app.condition("Stalled")["message"])
    for word in (path, *words):
        assert word in message
    return message


@pytest.mark.parametrize(
    ("path", "spec"),
    [
        ("spec.secrets.googleAPIKey.secretARN", {"secrets": {"googleAPIKey": {"secretARN": TEAM_B_SECRET}}}),
        ("spec.credentials.roleARN", {"credentials": {"roleARN": TEAM_B_ROLE, "externalID": "guess"}}),
        ("spec.credentials.externalID", {"credentials": {"roleARN": TEAM_B_ROLE, "externalID": "guess"}}),
        ("spec.domain.name", {"domain": {"name": "pay.team-b.example"}}),
        ("spec.domain.hostedZoneID", {"domain": {"name": "a.example.com", "hostedZoneID": "ZTEAMB"}}),
        (
            "spec.domain.credentials.roleARN",
            {"domain": {"name": "x.team-b.example", "credentials": {"roleARN": TEAM_B_ROLE}}},
        ),
        ("spec.database.restoreFromSnapshot", {"database": {"restoreFromSnapshot": "team-b-shop-db-final"}}),
        ("spec.image.repository", {"image": {"repository": "ghcr.io/miner/miner"}}),
        ("spec.region", {"region": "ap-southeast-2"}),
        ("spec.tags[team]", {"tags": {"team": "payments"}}),
        ("spec.stackName", {"stackName": "team-b-shop"}),
        (
            "spec.monitoring.notifications.topicARN",
            {"monitoring": {"notifications": {"topicARN": f"arn:aws:sns:us-east-1:{ACCOUNT}:team-b"}}},
        ),
    ],
)
def test_what_is_another_teams_is_refused_before_the_first_call(aws, path, spec):
    app = an_app(aws, **spec)
    admit(app, tenant("team-a"), tenant("team-b"))
    refused(app, path, "team-a", "MissYouTenant/team-a")


def test_a_public_load_balancer_needs_a_grant(aws):
    app = an_app(aws)
    admit(app, tenant("team-a", exposure="Internal"))
    refused(app, "spec.loadBalancer.scheme", "internet-facing", "spec.exposure to Public")


def test_a_namespace_without_a_tenant_gets_nothing(aws):
    app = an_app(aws, "team-c", "team-c-shop")
    admit(app, tenant("team-a"))
    refused(app, "metadata.namespace", "team-c belongs to no MissYouTenant")


def test_a_namespace_with_two_tenants_gets_nothing(aws):
    app = an_app(aws)
    admit(app, tenant("team-a"), tenant("everybody", namespaceSelector={}))
    refused(app, "metadata.namespace", "MissYouTenant/everybody and MissYouTenant/team-a")


def test_without_tenants_all_is_granted_unless_one_is_required(aws):
    app = an_app(aws)
    app.one_pass()
    assert app.reason("Stalled") != "NotGranted"
    app.tenants.required = True
    admit(app)
    refused(app, "metadata.namespace", "belongs to no MissYouTenant")


@pytest.fixture(scope="module")
def settled(aws) -> App:
    aws.reset()
    app = an_app(aws)
    admit(app, tenant("team-a"))
    app.settle()
    return app


def test_a_grant_that_goes_tears_nothing_down_and_one_that_comes_goes_on(aws, settled):
    app, before = settled, settled.everything()
    assert admit(app) == [("team-a", "team-a-shop")]
    admit(app, tenant("team-b"))
    app.edit(service={"port": 9000})
    components = [c for c in app.body["status"]["conditions"] if c["type"].endswith("Ready") and c["type"] != "Ready"]
    refused(app, "metadata.namespace")
    assert [c for c in app.body["status"]["conditions"] if c in components] == components
    assert app.everything() == before
    assert admit(app, tenant("team-a")) == [("team-a", "team-a-shop")]
    app.settle()
    assert (
        app.client("ecs").describe_task_definition(taskDefinition="team-a-shop")["taskDefinition"][
            "containerDefinitions"
        ][0]["portMappings"][0]["containerPort"]
        == 9000
    )


def test_only_the_apps_whose_grant_changes_are_woken(aws, settled):
    app = settled
    other = {**app.body, "metadata": {**app.body["metadata"], "namespace": "team-b", "name": "team-b-shop"}}
    app.tenants.app_seen(other)
    assert admit(app, tenant("team-a"), tenant("team-b")) == [("team-b", "team-b-shop")]
    assert admit(app, tenant("team-a"), tenant("team-b", zones=["ZB"])) == [("team-b", "team-b-shop")]
    # A namespace that gets a label, and thereby a second tenant.
    selecting = tenant("red", namespaces=[], namespaceSelector={"matchLabels": {"team": "red"}})
    assert app.tenants.tenant_seen(selecting, there=True) == []
    labelled = {"metadata": {"name": "team-b", "labels": {"team": "red"}}}
    assert app.tenants.namespace_seen(labelled, there=True) == [("team-b", "team-b-shop")]
    assert app.tenants.namespace_seen(labelled, there=True) == []


def test_a_deletion_waits_for_a_grant_and_then_goes_on(aws, settled):
    app, before = settled, settled.everything()
    admit(app, tenant("team-b"))
    assert app.calls(lambda: [app.deletion_pass() for _ in range(3)]) == {}
    assert not app.reports[-1].done
    assert app.reason("Stalled") == "NotGranted"
    message = app.condition("Stalled")["message"]
    assert "the stack is not deleted" in message
    assert "spec.deletionPolicy to Retain" in message
    assert app.everything() == before
    admit(app, tenant("team-a"))
    app.delete()
    assert app.everything()["vpcs"] == []


def test_the_stack_of_a_retained_app_is_left_whatever_is_granted(aws, settled):
    app, before = settled, settled.everything()
    admit(app, tenant("team-b"))
    app.edit(deletionPolicy="Retain")
    assert app.calls(app.deletion_pass) == {}
    assert app.reports[-1].done
    assert app.everything() == before


def test_what_was_refused_from_the_beginning_can_be_deleted(aws):
    app = an_app(aws, "team-c", "team-c-shop")
    admit(app, tenant("team-a"))
    refused(app, "metadata.namespace")
    assert app.calls(app.deletion_pass) == {}
    assert app.reports[-1].done


def test_a_forged_place_leads_to_no_role(aws, settled):
    """The annotation is the tenant's to write: a deletion must not use the role that it names."""
    app = settled
    place = {
        "account": ACCOUNT,
        "region": "us-east-1",
        "roleARN": TEAM_B_ROLE,
        "externalID": f"missyou:{CLUSTER}:team-b",
    }
    app.annotate("place", json.dumps(place))
    app.restart()
    assert "sts:AssumeRole" not in app.calls(app.delete)
    assert app.everything()["vpcs"] == []


def test_a_foreign_snapshot_needs_a_grant_also_under_a_name_of_ones_own(aws):
    """The name says nothing about whose it is: here team b's snapshot, copied under a name of team a's."""
    theirs = an_app(aws, "team-b", "team-b-shop", database={"finalSnapshot": False})
    admit(theirs, tenant("team-a"), tenant("team-b"))
    theirs.settle()
    rds = theirs.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier="team-b-shop-db", DBSnapshotIdentifier="taken")
    theirs.clock.now += 3600
    rds.copy_db_snapshot(
        SourceDBSnapshotIdentifier="taken", TargetDBSnapshotIdentifier="team-a-heir-db-final", KmsKeyId="alias/aws/rds"
    )
    theirs.clock.now += 3600
    app = an_app(aws, name="team-a-heir", database={"restoreFromSnapshot": "team-a-heir-db-final", "username": "guess"})
    admit(app, tenant("team-a"), tenant("team-b"))
    app.until(lambda _: app.reason("Stalled") != "", "stalled")
    message = app.resource("rds.DBInstance", "team-a-heir-db")["message"]
    assert "not granted to the namespace team-a" in message
    assert "MissYouTenant/team-a" in message
    # What it would take to ask with is told to nobody whose it is not.
    assert "username" not in message
    assert "missyou" not in message.replace("MissYouTenant", "")
    admit(app, tenant("team-a", snapshots=["team-a-heir-db-final"]), tenant("team-b"))
    app.edit(database={"username": "missyou"})
    app.until(lambda _: app.condition("DatabaseReady")["status"] == "True", "restored")


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_foreign_automated_backups_need_a_grant_and_tell_nothing(aws, region):
    """A prefix that was team b's is team a's now; RDS still has backups of the database that had its name.

    In the second region they are a copy, as one remains when the app of team b is gone.
    """
    theirs = an_app(aws, "team-b", "team-a-heir", database={"finalSnapshot": False, "backupCopyRegion": "eu-central-1"})
    regions = ["us-east-1", "eu-central-1"]
    admit(theirs, tenant("team-b", stackPrefix="team-a-", regions=regions))
    theirs.settle()
    theirs.clock.now += 3600
    rds = theirs.client("rds")
    rds.delete_db_instance(DBInstanceIdentifier="team-a-heir-db", SkipFinalSnapshot=True, DeleteAutomatedBackups=False)
    theirs.clock.now += 3600
    theirs.delete()
    spec = {"restoreToTime": "latest", "username": "guess"}
    app = an_app(aws, name="team-a-heir", region=region, database=spec)
    app.region = region
    admit(app, tenant("team-a", regions=regions), tenant("team-b"))
    for time in ("latest", "2020-01-01T00:00:00Z"):
        app.edit(database={"restoreToTime": time})
        app.until(lambda _: app.reason("Stalled") == "NotGranted", "stalled")
        message = app.resource("rds.DBInstance", "team-a-heir-db")["message"]
        assert "not granted to the namespace team-a" in message
        assert "MissYouTenant/team-a" in message
        # Neither what it would take to ask with, nor when there was such a database.
        assert "username" not in message
        assert "choose a time from" not in message
    there = aws.client("rds", region=region)
    filters = [{"Name": "db-instance-id", "Values": ["team-a-heir-db"]}]
    [backup] = there.describe_db_instance_automated_backups(Filters=filters)["DBInstanceAutomatedBackups"]
    arn = backup["DBInstanceAutomatedBackupsArn"]
    admit(app, tenant("team-a", regions=regions, snapshots=[arn]), tenant("team-b"))
    app.edit(database={"username": "missyou", "restoreToTime": "latest"})
    calls = app.calls(lambda: app.until(lambda _: app.condition("DatabaseReady")["status"] == "True", "restored"))
    assert calls["rds:RestoreDBInstanceToPointInTime"] == 1


def make_zone(app: App, name: str) -> str:
    made = app.client("route53").create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
    return str(made.rpartition("/")[2])


def test_a_zone_that_is_found_by_its_name_needs_a_grant(aws):
    app = an_app(aws, domain={"name": "shop.example.com"})
    zone = make_zone(app, "example.com")
    admit(app, tenant("team-a", domains=["example.com"]))
    calls = app.calls(lambda: app.passes(3))
    assert changes(calls) == {}, "nothing may be made before the zone is granted"
    assert app.reason("Stalled") == "NotGranted"
    assert f"{zone} (example.com)" in app.condition("Stalled")["message"]
    admit(app, tenant("team-a", domains=["example.com"], zones=[zone]))
    app.settle()
    # Taken back: the records stay, and nothing goes on.
    before = app.everything()
    admit(app, tenant("team-a", domains=["example.com"]))
    app.edit(service={"port": 9000})
    assert changes(app.calls(lambda: app.passes(3))) == {}
    assert app.everything() == before


def test_a_zone_role_in_a_tag_of_the_certificate_needs_a_grant(aws):
    """Who may tag certificates could name any role there, and have the operator assume it in a deletion."""
    app = an_app(aws, domain={"name": "shop.example.com"})
    zone = make_zone(app, "example.com")
    admit(app, tenant("team-a", domains=["example.com"], zones=[zone]))
    app.settle()
    acm = app.client("acm")
    [row] = acm.list_certificates()["CertificateSummaryList"]
    tag = {"Key": "missyou.app/zone-role", "Value": TEAM_B_ROLE}
    acm.add_tags_to_certificate(CertificateArn=row["CertificateArn"], Tags=[tag])
    assert "sts:AssumeRole" not in app.calls(lambda: [app.deletion_pass() for _ in range(5)])


def test_tags_of_a_tenant_are_on_no_role(aws):
    app = an_app(aws, tags={"team": "payments"})
    admit(app, tenant("team-a", tagKeys=["team"]))
    app.settle()
    tagged = {
        row["RoleName"]: [tag["Key"] for tag in row.get("Tags", ())]
        for row in app.client("iam").get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    }
    assert tagged
    assert all("team" not in keys for keys in tagged.values()), tagged
    [vpc] = [row for row in app.client("ec2").describe_vpcs()["Vpcs"] if not row["IsDefault"]]
    assert {"Key": "team", "Value": "payments"} in vpc["Tags"]


@pytest.mark.parametrize("type_", ["kubernetes.io/service-account-token", "kubernetes.io/tls", "helm.sh/release.v1"])
def test_a_secret_of_another_type_is_no_source(aws, type_):
    app = an_app(aws, secrets={"googleAPIKey": {"secretKeyRef": {"name": "stolen", "key": "token"}}})
    app.secrets, app.secret_types = {"stolen": {"token": "value"}}, {"stolen": type_}
    app.until(lambda _: app.reason("SecretsReady") == "SecretInvalid", "refused")
    message = app.condition("SecretsReady")["message"]
    assert f"the Secret stolen is of the type {type_}" in message
    assert "kubectl create secret generic" in message


def test_the_sum_of_a_tenant_is_limited_and_the_oldest_app_counts_first(aws):
    old = an_app(aws, name="team-a-old")
    admit(old, tenant("team-a", maxMonthlyUSD=250))
    old.settle()
    costs = float(old.body["status"]["cost"]["monthlyUSD"])
    assert 60 < costs < 100, "two of them fit, three do not"
    new = {
        **old.body,
        "metadata": {**old.body["metadata"], "name": "team-a-new", "creationTimestamp": "2026-02-01T00:00:00Z"},
    }
    big = {"service": {"cpu": 4096, "memory": 8192, "replicas": {"min": 1, "max": 100}}}
    app = an_app(aws, name="team-a-new", **big)
    app.tenants = old.tenants
    app.restart()
    app.body["metadata"]["creationTimestamp"] = new["metadata"]["creationTimestamp"]
    show(app)
    refused(app, "spec.maxMonthlyUSD (250)", "MissYouTenant/team-a", "Lower service.replicas.max")
    # The old one goes on.
    old.edit(service={"port": 9000})
    old.settle()
    # One that has room is let in, and one that has no price is not.
    app.body["spec"].pop("service")
    app.edit(database={"maxStorageGiB": 20})
    show(app)
    app.one_pass()
    assert app.reason("Stalled") != "NotGranted", app.condition("Stalled")
    app.edit(database={"instanceClass": "db.x9.huge"})
    show(app)
    refused(app, "has no price", "spec.maxMonthlyUSD")


def test_room_that_an_app_leaves_wakes_who_waits_for_it(aws):
    old = an_app(aws, name="team-a-old")
    admit(old, tenant("team-a", maxMonthlyUSD=150))
    meta = {**old.body["metadata"], "name": "team-a-new", "creationTimestamp": "2026-02-01T00:00:00Z"}
    old.tenants.app_seen({**old.body, "metadata": meta})
    assert old.tenants.app_gone(("team-a", "team-a-old")) == [("team-a", "team-a-new")]


def test_a_stack_does_not_leave_the_sum_by_being_retained(aws):
    """An editor creates, retains and deletes again and again: four stacks cost on, and the tenant's sum says zero."""
    app = an_app(aws, name="team-a-left", environment="Production", deletionPolicy="Retain")
    admit(app, tenant("team-a", maxMonthlyUSD=500), tenant("team-b"))
    app.settle()
    before, app.confirms = app.everything(), False
    for switched_off in (False, True):
        # The limit counts as well where production apps are deleted without a confirmation.
        app.asks_to_confirm = not switched_off
        app.restart()
        assert app.calls(lambda: [app.deletion_pass() for _ in range(3)]) == {}
        assert not app.reports[-1].done
        assert (app.reason("Stalled"), app.reason("Ready")) == ("ApprovalRequired", "ApprovalRequired")
        message = app.condition("Stalled")["message"]
        assert "goes on costing and is no longer counted by spec.maxMonthlyUSD (500) of MissYouTenant/team-a" in message
        assert (
            "kubectl annotate missyouapp team-a-left -n team-a --overwrite missyou.app/confirm-deletion=team-a-left"
            in message
        )
        assert """-p '{"spec":{"deletionPolicy":"Delete"}}'""" in message
    # It counts as long as it waits, and a limit that goes wakes it.
    assert app.tenants.limit("team-a")
    app.annotate("confirm-deletion", "team-a-other")
    assert not app.deletion_pass().done, "another app's name confirms nothing"
    assert admit(app, tenant("team-a"), tenant("team-b")) == [("team-a", "team-a-left")]
    assert app.tenants.limit("team-a") == ""
    # Of two tenants of a namespace, each one's limit holds.
    admit(app, tenant("everybody", namespaceSelector={}, maxMonthlyUSD=9), tenant("team-a"))
    assert not app.deletion_pass().done
    admit(app, tenant("team-a", maxMonthlyUSD=500), tenant("team-b"))
    app.annotate("confirm-deletion", "team-a-left")
    assert app.calls(app.deletion_pass) == {}
    assert app.reports[-1].done
    assert app.everything() == before


def test_what_never_began_is_retained_without_a_word(aws):
    app = an_app(aws, deletionPolicy="Retain", region="ap-southeast-2")
    admit(app, tenant("team-a", maxMonthlyUSD=500))
    refused(app, "spec.region")
    app.confirms = False
    assert app.calls(app.deletion_pass) == {}
    assert app.reports[-1].done


def test_the_operator_has_no_other_door(aws):
    """Whatever runs a pass asks the judge: the two ways in are the reconciler's, and both are tried above."""
    assert {name for name in vars(Reconciler) if not name.startswith("_")} == {"reconcile", "teardown"}


def create_role(app: App, name: str, namespaces: list[str]) -> str:
    """Create a tenant's role with the trust policy that `missyou iam-policy --trust` prints for it."""
    document = json.dumps(trust(f"arn:aws:iam::{ACCOUNT}:user/operator", CLUSTER, namespaces))
    iam = app.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=json.dumps(everything))
    return str(arn)


def test_each_call_for_an_app_bears_its_name_and_namespace(aws):
    app = an_app(aws, name="team-a-role")
    admit(app, tenant("team-a", credentials={"roleARN": create_role(app, "team-a", ["team-a"])}))
    since = len(aws.control.ledger.entries())
    app.settle()
    entries = [entry for entry in aws.control.ledger.entries()[since:] if entry["caller"] != "somebody"]
    [session] = {json.dumps(entry["session"]) for entry in entries if entry["operation"] != "sts:AssumeRole"}
    assert json.loads(session) == {
        "role": f"arn:aws:iam::{ACCOUNT}:role/team-a",
        "name": "team-a.team-a-role",
        "source": "missyou.team-a",
        "tags": {"missyou-cluster": CLUSTER, "missyou-namespace": "team-a", "missyou-app": "team-a-role"},
    }
    assert {entry["caller"] for entry in entries if entry["operation"] == "sts:AssumeRole"} == {"operator"}
    app.delete()
    # The stack of another app may be there.
    assert not any(name == "team-a-role-vpc" for name, _ in app.everything()["vpcs"])


def test_a_role_that_trusts_another_namespace_says_no_to_this_one(aws):
    """Even where an administrator grants the wrong role by mistake, AWS refuses it: the external ID is derived."""
    app = an_app(aws, name="team-a-role")
    admit(app, tenant("team-a", credentials={"roleARN": create_role(app, "team-b", ["team-b"])}))
    assert changes({k: v for k, v in app.calls(lambda: app.passes(3)).items() if k != "sts:AssumeRole"}) == {}
    assert app.reason("Stalled") == "AccessDenied"
    assert "team-b" in app.condition("Stalled")["message"]
    # What never began is not held by the role that refuses.
    app.deletion_pass()
    assert app.reports[-1].done


def test_a_role_that_refuses_by_now_does_not_make_an_operator_forget_a_stack(aws, settled):
    app = settled
    trusted = create_role(app, "team-a-gone", ["team-b"])
    admit(app, tenant("team-a", credentials={"roleARN": trusted}))
    # Whoever edits the app may take the record of its place away, but not the status.
    app.body["metadata"]["annotations"].pop("missyou.app/place", None)
    for _ in range(3):
        assert not app.deletion_pass().done
        app.wait()


def test_a_grant_that_comes_is_no_longer_said_to_be_missing_although_the_role_refuses(aws):
    app = an_app(aws, name="team-a-role", region="ap-southeast-2")
    role = create_role(app, "team-b", ["team-b"])
    admit(app, tenant("team-a", credentials={"roleARN": role}))
    refused(app, "spec.region")
    admit(app, tenant("team-a", credentials={"roleARN": role}, regions=["ap-southeast-2"]))
    app.one_pass()
    assert app.reason("Stalled") == "AccessDenied"


def test_without_tenants_a_role_is_told_whose_calls_these_are(aws):
    role = "arn:aws:iam::210987654321:role/missyou"
    app = App(aws, "plain", environment="Development", credentials={"roleARN": role, "externalID": "chosen"})
    app.passes(2)
    sessions = {entry["session"]["name"] for entry in aws.control.ledger.entries() if entry["session"]}
    assert sessions == {"default.plain"}
