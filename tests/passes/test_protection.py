"""What is never done: data destroyed without approval, others' things touched, drift undone that is only reported."""

from __future__ import annotations

import pytest

from tests.sim.app import App, changes


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(aws, "guarded", environment="Development", database={"storageGiB": 40})
    app.settle()
    return app


def created_at(app: App):
    return app.client("rds").describe_db_instances(DBInstanceIdentifier="guarded-db")["DBInstances"][0]["DbiResourceId"]


def test_drift_is_put_right_and_told(app):
    ec2 = app.client("ec2")
    [group] = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["guarded-rds"]}])[
        "SecurityGroups"
    ]
    wide = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[wide])
    app.client("cloudwatch").delete_alarms(AlarmNames=["guarded-ecs-cpu"])
    app.observe_now()
    rows = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group["GroupId"]]}])
    assert all(row.get("CidrIpv4") != "0.0.0.0/0" for row in rows["SecurityGroupRules"])
    assert app.client("cloudwatch").describe_alarms(AlarmNames=["guarded-ecs-cpu"])["MetricAlarms"]
    told = {entry["resource"]: entry["action"] for entry in app.body["status"]["drift"]}
    assert told["ec2.SecurityGroupRule/guarded-rds ingress tcp/5432 from 0.0.0.0/0"] == "Corrected"
    assert told["cloudwatch.Alarm/guarded-ecs-cpu"] == "Corrected"


def test_drift_that_is_only_reported_stays(app):
    app.edit(driftPolicy="Report")
    app.grow()
    app.client("logs").put_retention_policy(logGroupName="/ecs/guarded", retentionInDays=30)
    assert changes(app.calls(app.observe_now)) == {}
    assert app.reason("InSync") == "Drifted"
    assert app.condition("Ready")["status"] == "True"
    assert app.body["status"]["drift"][0]["action"] == "Reported"
    app.edit(driftPolicy="Correct")
    app.grow()
    [group] = app.client("logs").describe_log_groups(logGroupNamePrefix="/ecs/guarded")["logGroups"]
    assert group["retentionInDays"] == 7


def test_a_smaller_database_waits_for_the_approval_of_exactly_this_plan(app):
    before = created_at(app)
    app.edit(database={"storageGiB": 20})
    app.until(lambda _: app.reason("Stalled") == "ApprovalRequired", "asking for approval")
    assert created_at(app) == before
    plan = app.body["status"]["plan"]
    assert [(c["action"], c["resource"], c["destroysData"]) for c in plan["changes"]] == [
        ("Replace", "rds.DBInstance/guarded-db", True)
    ]
    assert plan["id"] in app.condition("Stalled")["message"]
    app.annotate("approve", "another-plan")
    app.one_pass()
    assert created_at(app) == before
    app.edit(database={"storageGiB": 40})
    app.grow()
    assert created_at(app) == before
    assert "plan" not in app.body["status"]


def test_an_approved_replacement_is_made(app):
    before = created_at(app)
    app.edit(database={"storageGiB": 20})
    app.until(lambda _: app.reason("Stalled") == "ApprovalRequired", "asking for approval")
    app.annotate("approve", app.body["status"]["plan"]["id"])
    app.grow()
    assert created_at(app) != before


def test_a_repository_with_images_is_not_deleted_without_approval(app):
    app.edit(image={"repository": "registry.example.com/missyou"})
    app.until(lambda _: app.reason("Stalled") == "ApprovalRequired", "asking for approval")
    assert app.client("ecr").describe_repositories(repositoryNames=["guarded"])["repositories"]


def test_what_bears_our_name_and_is_not_ours_is_left_alone(aws):
    app = App(aws, "taken", environment="Development")
    logs = app.client("ecr")
    logs.create_repository(repositoryName="taken", tags=[{"Key": "owner", "Value": "somebody"}])
    app.until(lambda _: app.reason("RegistryReady") == "OwnedElsewhere", "refusing")
    assert app.condition("Stalled")["status"] == "True"
    # The preflight has found it before anything else was made.
    assert app.condition("NetworkReady")["reason"] == "PreflightFailed"
    assert app.client("ec2").describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["taken-vpc"]}])["Vpcs"] == []
    app.delete()
    assert logs.describe_repositories(repositoryNames=["taken"])["repositories"]


def test_the_remedy_for_a_taken_name_is_possible(aws):
    app = App(aws, "freed", environment="Development")
    ecr = app.client("ecr")
    ecr.create_repository(repositoryName="freed")
    app.until(lambda _: app.reason("RegistryReady") == "OwnedElsewhere", "refusing")
    assert "Delete it or rename it, and the operator makes its own" in app.condition("Stalled")["message"]
    ecr.delete_repository(repositoryName="freed")
    app.until(lambda _: app.reason("RegistryReady") == "Available", "its own")


def test_suspended_nothing_is_touched_and_ready_stays(app):
    app.edit(suspend=True, monitoring={"logRetentionDays": 14})
    assert app.calls(app.one_pass) == {}
    assert app.condition("Ready")["status"] == "True"
    assert app.body["status"]["observedGeneration"] == app.body["metadata"]["generation"]
    assert not app.deletion_pass().done


def test_an_invalid_spec_is_named_and_loses_nothing(app):
    app.edit(service={"cpu": 300})
    calls = app.calls(app.one_pass)
    assert calls == {}
    assert app.reason("Stalled") == "InvalidSpec"
    assert "spec.service" in app.condition("Stalled")["message"]
    app.body["spec"].pop("service")
    app.edit()
    app.grow()


def test_what_aws_refuses_is_told_with_the_remedy_and_the_rest_goes_on(aws):
    app = App(aws, "denied", environment="Development")
    aws.faults({"match": "rds:CreateDBInstance", "deny": True})
    app.until(lambda _: app.reason("DatabaseReady") == "AccessDenied", "denied")
    app.until(lambda _: app.reason("NetworkReady") == "Available", "going on elsewhere")
    assert "CreateDBInstance" in app.condition("Stalled")["message"]
    assert "missyou iam-policy" in app.condition("Stalled")["message"]
    aws.faults()
    app.grow()


def test_a_throttled_aws_is_waited_for_and_nothing_is_made_twice(aws):
    app = App(aws, "throttled", environment="Development")
    aws.faults({"match": "ec2:Create*", "throttle": 0.4}, {"match": "rds:Describe*", "throttle": 0.3})
    app.grow()
    aws.faults()
    app.restart()
    assert changes(app.calls(app.one_pass)) == {}
    assert app.condition("InSync")["status"] == "True"


def test_a_broken_aws_is_told_and_not_called_stalled(aws):
    app = App(aws, "outage", environment="Development")
    aws.faults({"match": "*", "fail": {"code": "ServiceUnavailable", "status": 503, "message": "try later"}})
    app.one_pass()
    assert app.condition("Ready")["status"] == "False"
    assert app.condition("Stalled")["status"] == ""
    assert app.condition("Reconciling")["status"] == "True"
    aws.faults()
    app.grow()


def test_what_cannot_be_read_is_no_drift(app):
    for service in ("ec2", "elbv2", "rds"):
        app.aws.faults({"match": f"{service}:Describe*", "throttle": 1})
        assert changes(app.calls(app.observe_now)) == {}
        app.aws.faults()
        assert "drift" not in app.body["status"], service
    app.client("logs").put_retention_policy(logGroupName="/ecs/guarded", retentionInDays=30)
    app.observe_now()
    assert [entry["resource"] for entry in app.body["status"]["drift"]] == ["logs.LogGroup//ecs/guarded"]
