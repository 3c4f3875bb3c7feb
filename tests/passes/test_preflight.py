"""Before anything of a new stack is created: all that AWS would refuse is said at once, and costs nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from missyou_local.aws import limits
from missyou_local.aws.services.rds import catalogue
from missyou_operator.aws.session import Accounts
from missyou_operator.cli import main, offline, plan
from missyou_operator.cli.exits import Exit
from tests.sim.app import App, changes
from tests.sim.aws import OPERATOR, Aws


@pytest.fixture(autouse=True)
def _quotas() -> Iterator[None]:
    yield
    limits.enforce({})


def problems(app: App) -> str:
    """Run passes of which none may change anything; return what Stalled says."""
    assert changes(app.calls(lambda: app.passes(3))) == {}
    stalled = app.condition("Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "PreflightFailed")
    assert app.reason("Ready") == "PreflightFailed"
    return str(stalled["message"])


def notes(app: App) -> list[str]:
    """Return what the Events of all passes say of the preflight beside its problems."""
    return [event.message for report in app.reports for event in report.events if event.reason == "PreflightNotes"]


def quota(name: str, most: int) -> Callable[[App], None]:
    return lambda _: limits.enforce({name: most})


def gateways(app: App) -> None:
    """Have somebody else's gateways use up the quota of one zone."""
    ec2 = app.client("ec2")
    subnet = next(
        row["SubnetId"] for row in ec2.describe_subnets()["Subnets"] if row["AvailabilityZone"] == "us-east-1b"
    )
    for _ in range(2):
        ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")
    limits.enforce({"nat_gateways_per_zone": 2})


def databases(app: App) -> None:
    """Have somebody else's database use up the quota."""
    app.client("rds").create_db_instance(
        DBInstanceIdentifier="theirs",
        Engine="postgres",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MasterUsername="theirs",
        MasterUserPassword="not-ours-1234",
    )
    limits.enforce({"databases": 1})


def namesake(app: App) -> None:
    app.client("ecr").create_repository(repositoryName=app.name)


def another_cluster(app: App) -> None:
    app.client("ecs").create_cluster(clusterName=f"{app.name}-cluster")


def doomed(app: App) -> None:
    secrets = app.client("secretsmanager")
    secrets.create_secret(Name=f"{app.name}/db_credentials", SecretString="theirs")
    secrets.delete_secret(SecretId=f"{app.name}/db_credentials", RecoveryWindowInDays=7)


def class_nobody_has(app: App) -> None:
    app.edit(database={"instanceClass": "db.z1d.large"})


def class_of_a_restored_one(app: App) -> None:
    app.edit(database={"instanceClass": "db.z1d.large", "restoreFromSnapshot": "monday"})


def version_nobody_has(app: App) -> None:
    app.edit(database={"engineVersion": "17.99"})


#: By what is wrong: how it comes to be, and what must be said of it.
PROBLEMS: dict[str, tuple[Callable[[App], None], tuple[str, ...]]] = {
    "VPCs": (
        quota("vpcs", 1),
        ("VPCs per Region in us-east-1: 1 of 1 are used, and this stack needs 1 more", "--quota-code L-F678F1CE"),
    ),
    "internet gateways": (quota("internet_gateways", 0), ("Internet gateways per Region", "L-A4707A72")),
    "addresses": (
        quota("addresses", 1),
        ("EC2-VPC Elastic IPs in us-east-1: 0 of 1 are used, and this stack needs 2 more", "--desired-value 2"),
    ),
    "NAT gateways": (gateways, ("NAT gateways per Availability Zone in us-east-1b: 2 of 2", "--desired-value 3")),
    "load balancers": (quota("load_balancers", 0), ("Application Load Balancers per Region", "L-53DA6B97")),
    "roles": (quota("roles", 1), ("Roles per account", "this stack needs 2 more", "L-FE177D64")),
    "databases": (databases, ("DB instances in us-east-1: 1 of 1 are used", "L-7B6409FD")),
    "database storage": (quota("database_storage", 10), ("this stack needs 20 more", "L-7ADDB58A")),
    "Fargate vCPUs": (quota("fargate_vcpus", 0), ("Fargate On-Demand vCPU", "this stack needs 1 more", "L-3032A538")),
    "repository": (
        namesake,
        ("already in use by something without the tags of a stack", "ecr.Repository/checked", "spec.stackName"),
    ),
    "cluster": (
        another_cluster,
        ("already in use by something without the tags of a stack", "ecs.Cluster/checked-cluster"),
    ),
    "secret": (doomed, ("checked/db_credentials is taken until", "--force-delete-without-recovery")),
    "class": (class_nobody_has, ("spec.database.instanceClass: RDS does not offer db.z1d.large",)),
    "class, restored": (
        class_of_a_restored_one,
        ("RDS does not offer db.z1d.large with any version of PostgreSQL in us-east-1",),
    ),
    "version": (version_nobody_has, ("spec.database.engineVersion", "17.9", "or 17 for AWS's default")),
}


@pytest.mark.parametrize("wrong", PROBLEMS)
def test_each_problem_is_found_by_itself_with_its_remedy(aws: Aws, wrong: str) -> None:
    make_wrong, words = PROBLEMS[wrong]
    app = App(aws, "checked", environment="Production")
    make_wrong(app)
    said = problems(app)
    assert "the preflight found 1 problem, and nothing was created" in said
    assert [word for word in words if word not in said] == []


def test_all_problems_are_said_at_once_and_when_they_are_gone_it_goes_on_by_itself(aws: Aws) -> None:
    app = App(aws, "checked", environment="Production")
    namesake(app)
    doomed(app)
    class_nobody_has(app)
    version_nobody_has(app)
    limits.enforce({"vpcs": 1, "addresses": 1, "fargate_vcpus": 0})
    said = problems(app)
    assert "the preflight found 7 problems" in said
    assert app.reason("InSync") == "PreflightFailed"
    assert f"{len(app.body['status']['plan']['changes'])} to add, 0 to change" in app.condition("InSync")["message"]
    account = ["ecr.Repository/checked", "checked/db_credentials", "Elastic IPs", "Fargate", "VPCs"]
    for number, words in enumerate([*account, "spec.database.engineVersion", "db.z1d.large"], 1):
        assert words in said.partition(f"({number}) ")[2].partition("; (")[0]
    limits.enforce({})
    app.client("ecr").delete_repository(repositoryName=app.name)
    app.client("secretsmanager").delete_secret(SecretId=f"{app.name}/db_credentials", ForceDeleteWithoutRecovery=True)
    app.edit(database={"instanceClass": "db.t3.micro", "engineVersion": "17"})
    app.grow()
    assert app.condition("Stalled")["status"] == ""


def test_a_quota_that_is_raised_is_seen_within_minutes_and_at_once_on_request(aws: Aws) -> None:
    app = App(aws, "checked", environment="Development")
    limits.enforce({"vpcs": 1})
    began = aws.clock.now
    calls = app.calls(lambda: app.passes(40))
    # Every two minutes, not in each pass.
    assert calls["service-quotas:ListServiceQuotas"] <= 1 + (aws.clock.now - began) / 120
    limits.enforce({})
    raised = aws.clock.now
    app.until(lambda _: app.reason("Stalled") == "", "going on")
    assert aws.clock.now - raised < 200.0
    other = App(aws, "other", environment="Development")
    limits.enforce({"vpcs": 2})
    problems(other)
    limits.enforce({})
    assert changes(other.calls(other.observe_now))["ec2:CreateVpc"] == 1


def test_what_may_not_be_read_hinders_nothing_and_is_said(aws: Aws) -> None:
    app = App(aws, "checked", environment="Development")
    denied = ("service-quotas:*", "rds:DescribeAccountAttributes", "iam:GetAccountSummary", "ec2:DescribeAddresses")
    reads = [{"match": name, "caller": OPERATOR, "deny": True, "times": 20} for name in denied[:3]]
    aws.faults(*reads, {"match": denied[3], "caller": OPERATOR, "deny": True, "skip": 1, "times": 1})
    app.one_pass()
    assert app.reason("Stalled") == ""
    [said] = notes(app)
    assert "not checked: " in said
    for what in ("VPC quotas", "Fargate quota", "address quota", "database quotas", "roles"):
        assert f"{what} (AccessDenied)" in said
    aws.calm()
    app.grow()


def test_without_the_accounts_own_quota_aws_default_only_warns(aws: Aws) -> None:
    app = App(aws, "checked", environment="Development")
    for block in ("10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16"):
        app.client("ec2").create_vpc(CidrBlock=block)
    aws.faults({"match": "service-quotas:*", "caller": OPERATOR, "deny": True})
    app.one_pass()
    assert app.reason("Stalled") == ""
    [said] = notes(app)
    assert "VPCs per Region in us-east-1: 5 are used, this stack needs 1 more, and AWS's default is 5" in said


def test_an_overlap_matters_only_with_what_is_connected(aws: Aws) -> None:
    app = App(aws, "checked", environment="Development")
    ec2 = app.client("ec2")
    ours, theirs = (ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"] for block in ("10.0.128.0/20", "10.9.0.0/16"))
    app.one_pass()
    assert not [said for said in notes(app) if "overlaps" in said]
    other = App(aws, "other", environment="Development", network={"cidr": "10.0.128.0/18"})
    peering = ec2.create_vpc_peering_connection(VpcId=ours, PeerVpcId=theirs)["VpcPeeringConnection"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering["VpcPeeringConnectionId"])
    other.one_pass()
    [said] = notes(other)
    assert f"10.0.128.0/18 overlaps 10.0.128.0/20 of {ours}, which peering connection" in said
    other.grow()


def test_a_class_that_one_zone_lacks_is_named_with_the_zone(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = catalogue._orderable  # noqa: SLF001 - AWS's offer, which no call changes

    def without_b(region: str, *rest: Any) -> dict[str, Any]:
        return {**whole(region, *rest), "AvailabilityZones": [{"Name": f"{region}a"}, {"Name": f"{region}c"}]}

    monkeypatch.setattr(catalogue, "_orderable", without_b)
    app = App(aws, "checked", environment="Production")
    assert "RDS does not offer db.t3.micro with PostgreSQL 15.13 in us-east-1b, but in us-east-1a, us-east-1c" in (
        problems(app)
    )
    # A database of one zone has room enough.
    single = App(aws, "single", environment="Development")
    single.one_pass()
    assert single.reason("Stalled") == ""


def test_it_is_run_once_for_a_new_stack_and_never_for_one_that_exists(aws: Aws) -> None:
    app = App(aws, "checked", environment="Development")
    assert app.calls(app.one_pass)["rds:DescribeAccountAttributes"] == 1
    assert app.calls(app.grow).get("rds:DescribeAccountAttributes") is None
    limits.enforce({"vpcs": 0, "databases": 0})
    app.edit(service={"port": 9000})
    app.restart()
    app.settle()
    assert app.condition("Ready")["status"] == "True"
    app.body["status"] = {"observedGeneration": -1}
    app.restart()
    assert "rds:DescribeAccountAttributes" not in app.calls(app.one_pass)


def employ(aws: Aws, monkeypatch: pytest.MonkeyPatch, *statements: dict[str, Any]) -> None:
    """Make the operator a user that may do what these statements say."""
    iam = aws.client("iam")
    iam.create_user(UserName="operator")
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_user_policy(UserName="operator", PolicyName="rights", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])


def allow(*actions: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*"}


def deny(*actions: str) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": list(actions), "Resource": "*"}


def test_rights_that_are_missing_are_listed_before_the_first_call_that_needs_them(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    employ(aws, monkeypatch, allow("ec2:*", "iam:*"), allow("rds:Describe*"), deny("ec2:CreateNatGateway"))
    said = problems(App(aws, "checked", environment="Production"))
    assert "arn:aws:iam::123456789012:user/operator may not do what this stack takes" in said
    assert "ecs:CreateCluster" in said
    assert "missyou iam-policy" in said
    assert "is denied explicitly" in said
    assert "ec2:CreateNatGateway. Remove the statement" in said


def test_a_service_linked_role_is_made_by_aws_unless_that_is_denied(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    employ(aws, monkeypatch, allow("*"), deny("iam:CreateServiceLinkedRole"))
    app = App(aws, "checked", environment="Production")
    said = problems(app)
    for service in ("ecs", "rds", "elasticloadbalancing", "ecs.application-autoscaling"):
        assert f"aws iam create-service-linked-role --aws-service-name {service}.amazonaws.com" in said
        aws.client("iam").create_service_linked_role(AWSServiceName=f"{service}.amazonaws.com")
    app.observe_now()
    assert app.reason("Stalled") == ""


def test_the_command_says_the_same_without_a_cluster_and_creates_nothing(
    aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = App(aws, "checked", environment="Development")
    namesake(app)
    limits.enforce({"vpcs": 1})
    file = tmp_path / "missyou.yaml"
    file.write_text(
        yaml.safe_dump({"kind": "MissYouApp", "metadata": {"name": app.name}, "spec": {"environment": "Development"}})
    )
    monkeypatch.setenv("AWS_REGION", "us-east-1")

    def door(request: Any, event_name: str, **event: Any) -> Any:
        offline.only_reads(event_name)
        return aws(request, event_name=event_name, **event)

    for module in (offline, plan):
        monkeypatch.setattr(module, "Accounts", lambda _: Accounts(door))

    def ends(wanted: Exit) -> str:
        assert changes(app.calls(lambda: codes.append(main(["preflight", "-f", str(file)])))) == {}
        assert codes[-1] == wanted
        return str(capsys.readouterr().out)

    codes: list[int] = []
    said = ends(Exit.STALLED)
    assert "✘ already in use by something" in said
    assert "✘ VPCs per Region in us-east-1: 1 of 1 are used" in said
    assert main(["plan", "-f", str(file)]) == Exit.TO_DO
    planned = capsys.readouterr().out
    assert "waits: the preflight found 2 problems, and nothing was created" in planned
    assert "(preflight: not checked: permissions (Unsupported))" in planned
    limits.enforce({})
    app.client("ecr").delete_repository(repositoryName=app.name)
    assert "Nothing stands in the way of the " in ends(Exit.OK)
    assert main(["preflight", "-f", str(file), "-o", "json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out)["findings"] == []
