"""Deletion: everything goes, in an order that AWS accepts (the test AWS refuses what AWS refuses)."""

from __future__ import annotations

import dataclasses

import pytest

from missyou_local.aws import Timing
from tests.sim.app import App, changes


@pytest.fixture(scope="module")
def app(aws) -> App:
    app = App(aws, "whole", environment="Development")
    app.settle()
    return app


def left(app: App) -> dict[str, int]:
    """Count what AWS still shows of a stack."""
    app.restart()
    mine = [{"Name": "tag:missyou.app/stack", "Values": [f"default/{app.name}"]}]
    ec2 = app.client("ec2")
    gateways = ec2.describe_nat_gateways(Filters=mine)["NatGateways"]
    found = {
        "vpcs": ec2.describe_vpcs(Filters=mine)["Vpcs"],
        "subnets": ec2.describe_subnets(Filters=mine)["Subnets"],
        "gateways": [g for g in gateways if g["State"] != "deleted"],
        "addresses": ec2.describe_addresses(Filters=mine)["Addresses"],
        "groups": ec2.describe_security_groups(Filters=mine)["SecurityGroups"],
        "tables": ec2.describe_route_tables(Filters=mine)["RouteTables"],
        "internet gateways": ec2.describe_internet_gateways(Filters=mine)["InternetGateways"],
        "databases": named(app, app.client("rds").describe_db_instances()["DBInstances"], "DBInstanceIdentifier"),
        "subnet groups": named(
            app, app.client("rds").describe_db_subnet_groups()["DBSubnetGroups"], "DBSubnetGroupName"
        ),
        "parameter groups": named(
            app, app.client("rds").describe_db_parameter_groups()["DBParameterGroups"], "DBParameterGroupName"
        ),
        "balancers": named(app, app.client("elbv2").describe_load_balancers()["LoadBalancers"], "LoadBalancerName"),
        "target groups": named(app, app.client("elbv2").describe_target_groups()["TargetGroups"], "TargetGroupName"),
        "secrets": named(app, app.client("secretsmanager").list_secrets()["SecretList"], "Name"),
        "repositories": named(app, app.client("ecr").describe_repositories()["repositories"], "repositoryName"),
        "roles": named(app, app.client("iam").list_roles()["Roles"], "RoleName"),
        "log groups": [g for g in app.client("logs").describe_log_groups()["logGroups"] if app.name in str(g)],
        "alarms": named(app, app.client("cloudwatch").describe_alarms()["MetricAlarms"], "AlarmName"),
        "clusters": [c for c in app.client("ecs").list_clusters()["clusterArns"] if app.name in c],
        "definitions": app.client("ecs").list_task_definitions(familyPrefix=app.name)["taskDefinitionArns"],
    }
    return {what: len(rows) for what, rows in found.items() if rows}


def named(app: App, rows, key):
    return [row for row in rows if row[key].startswith(app.name)]


@pytest.mark.parametrize("environment", ["Production", "Development"])
def test_everything_goes(aws, environment):
    app = App(aws, f"gone-{environment[:4].lower()}", environment=environment)
    app.grow()
    assert len(left(app)) == 19
    app.delete()
    assert left(app) == {}
    snapshots = named(app, app.client("rds").describe_db_snapshots()["DBSnapshots"], "DBSnapshotIdentifier")
    final = [s for s in snapshots if "final" in s["DBSnapshotIdentifier"]]
    assert len(final) == (1 if environment == "Production" else 0)


def test_a_stack_that_never_finished_goes_too(aws):
    app = App(aws, "half", environment="Production")
    app.one_pass()
    app.restart()
    app.delete()
    assert left(app) == {}


def test_an_operator_that_restarts_goes_on(app):
    app.deletion_pass()
    app.restart()
    app.delete()
    assert left(app) == {}


def test_a_spec_that_cannot_be_read_is_no_obstacle(app):
    app.body["spec"] = {"environment": "Nonsense", "service": {"cpu": "many"}}
    app.delete()
    assert left(app) == {}


def test_retain_leaves_everything(app):
    app.edit(deletionPolicy="Retain")
    assert changes(app.calls(app.delete)) == {}
    assert len(left(app)) == 19


def test_what_holds_a_deletion_up_is_named(app):
    ec2 = app.client("ec2")
    [subnet] = ec2.describe_subnets(Filters=[{"Name": "tag:Name", "Values": ["whole-app-a"]}])["Subnets"]
    stranger = ec2.create_network_interface(SubnetId=subnet["SubnetId"], Description="somebody's lambda")
    id_ = stranger["NetworkInterface"]["NetworkInterfaceId"]

    def held() -> bool:
        assert not app.deletion_pass().done
        return any(id_ in blocker["message"] for blocker in app.body["status"].get("blockers", ()))

    for _ in range(100):
        if held():
            break
        app.wait()
    blockers = app.body["status"]["blockers"]
    assert any("somebody's lambda" in blocker["message"] for blocker in blockers)
    ec2.delete_network_interface(NetworkInterfaceId=id_)
    app.delete()
    assert left(app) == {}


def test_a_deletion_that_takes_long_waits_longer_and_longer(aws, app):
    """A database takes minutes to go: between two observations lies a part of the time that it has already taken."""
    aws.timing.update(dataclasses.asdict(Timing.realistic()))
    began = aws.clock.now
    calls = app.calls(app.delete)
    delays = [report.requeue_after for report in app.reports[-5:-1]]
    assert aws.clock.now - began > 200.0
    assert min(delays) >= 3.0, delays
    # Two more than before are the record that the database goes by our own hand, and fresh tags of alarms.
    assert sum(calls.values()) <= 405, calls
