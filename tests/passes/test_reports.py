"""What people reported of the same resources elsewhere, tried here; docs/field-reports.md lists the reports."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from missyou_local.aws import Timing
from tests.sim.app import App, changes
from tests.sim.aws import OPERATOR

from .test_restoring import credentials, password


@pytest.fixture(scope="module")
def app(aws) -> App:
    """A settled stack of a developer."""
    app = App(aws, "report", environment="Development")
    app.settle()
    return app


def fail(app: App, call: str, code: str, message: str, **how: Any) -> None:
    """Have AWS refuse the operator's calls of one operation."""
    failure = {"code": code, "status": 400, "message": message}
    app.aws.faults({"match": call, "caller": OPERATOR, "fail": failure, **how})


def service(app: App) -> dict[str, Any]:
    name = {"cluster": f"{app.name}-cluster", "services": [f"{app.name}-service"]}
    [row] = app.client("ecs").describe_services(**name)["services"]
    return row


def database(app: App) -> dict[str, Any]:
    [row] = app.client("rds").describe_db_instances(DBInstanceIdentifier=f"{app.name}-db")["DBInstances"]
    return row


def drifted(app: App) -> Sequence[str]:
    return [entry["resource"] for entry in app.body["status"].get("drift") or ()]


def well(app: App) -> bool:
    """Return whether the app is ready and AWS as the spec says."""
    return all(app.condition(type_)["status"] == "True" for type_ in ("Ready", "InSync"))


def test_more_tasks_than_the_maximum_are_left_to_auto_scaling(app):
    """aws/containers-roadmap#525: a scaling action in a deployment sets the sum of both deployments' tasks."""
    app.client("ecs").update_service(cluster="report-cluster", service="report-service", desiredCount=9)
    assert changes(app.calls(lambda: app.passes(3))) == {}


def test_a_second_final_snapshot_has_another_name(aws):
    """terraform-aws-modules/terraform-aws-rds#445: DBSnapshotAlreadyExists, and the deletion hangs."""
    for _ in range(2):
        app = App(aws, "twice", environment="Production")
        app.grow()
        app.delete()
    found = app.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert len({row["DBSnapshotIdentifier"] for row in found}) == 2


def test_a_change_taken_back_while_it_is_being_made_is_made_and_taken_back_once(app):
    """aws-controllers-k8s/community#1376, #1107: multiAZ flips for ever; a change during `modifying` hangs."""
    app.aws.timing.update({"rds_modify": 600})
    app.edit(database={"multiAZ": True})
    app.passes(2)
    app.edit(database={"multiAZ": False})
    calls = app.calls(lambda: app.until(lambda _: well(app), "settled"))
    assert (calls["rds:ModifyDBInstance"], database(app)["MultiAZ"]) == (1, False)
    assert changes(app.calls(app.observe_now)) == {}


def test_storage_that_is_being_optimised_holds_nothing_else_up(app):
    """hashicorp/terraform-provider-aws#12493: no change of storage for six hours after the last."""
    app.aws.timing.update({"rds_optimise": 6 * 3600.0})
    app.edit(database={"storageGiB": 40})
    app.settle()
    app.edit(database={"storageGiB": 60, "backupRetentionDays": 9})
    began = app.clock.now
    calls = app.calls(lambda: app.until(lambda _: database(app)["BackupRetentionPeriod"] == 9, "kept for nine days"))
    assert app.clock.now - began < 120
    assert calls["rds:ModifyDBInstance"] == 1
    app.one_pass()
    assert app.condition("Ready")["status"] == "True", app.condition("Ready")["message"]
    assert "storageGiB 60 is asked for when that has ended" in app.condition("DatabaseReady")["message"]
    assert app.condition("InSync")["status"] == "False"
    app.clock.now += 6 * 3600
    calls = app.calls(app.settle)
    assert (calls["rds:ModifyDBInstance"], database(app)["AllocatedStorage"]) == (1, 60)


def test_a_service_that_never_was_steady_is_deleted(aws):
    """aws/copilot-cli#1180: a service whose tasks never start can neither be deployed nor deleted."""
    app = App(aws, "never", environment="Development")
    app.until(lambda _: app.reason("ServiceReady") == "ImageNotFound", "waiting for the image")
    app.delete()


def test_a_service_deleted_by_hand_is_made_again_once_it_has_drained(aws, app):
    """remind101/empire#341, aws/aws-cli#1334: "Unable to Start a service that is still Draining"."""
    aws.timing.update({"task_stop": 90.0})
    app.client("ecs").delete_service(cluster="report-cluster", service="report-service", force=True)
    app.observe_now()
    assert app.reason("ServiceReady") == "Deleting"
    calls = app.calls(app.settle)
    assert calls["ecs:CreateService"] == 1


def test_log_groups_that_an_earlier_stack_left_behind_are_told_until_somebody_deletes_them(aws):
    """DataBiosphere/azul#4532: a service writes once more after the deletion, and its log group is there again.

    Such a group bears no tags: nothing tells it from another team's, which must not lose its logs to us.
    """
    app = App(aws, "left", environment="Development")
    app.grow()
    app.delete()
    logs, late = app.client("logs"), ("/aws/rds/instance/left-db/postgresql", "/ecs/left")
    for name in late:
        logs.create_log_group(logGroupName=name)
    app = App(aws, "left", environment="Development")
    for name in late:
        app.until(lambda _, name=name: f"logs.LogGroup/{name} ({name})" in app.condition("Stalled")["message"], "told")
        # Before the first creation the preflight tells it, later the group itself does.
        assert app.reason("Stalled") == app.reason("MonitoringReady") == "PreflightFailed"
        assert "Delete it" in app.condition("Stalled")["message"]
        app.passes(3)
        [row] = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        assert "retentionInDays" not in row
        logs.delete_log_group(logGroupName=name)
    app.settle()
    rows = logs.describe_log_groups()["logGroups"]
    ours = {row["logGroupName"]: row.get("retentionInDays") for row in rows if "left" in row["logGroupName"]}
    assert ours == dict.fromkeys(late, 7)


def test_another_certificate_authority_is_left_alone(app):
    """hashicorp/terraform-provider-aws#33546, aws-controllers-k8s/community#2044: AWS rotates it."""
    app.client("rds").modify_db_instance(
        DBInstanceIdentifier="report-db", CACertificateIdentifier="rds-ca-rsa4096-g1", ApplyImmediately=True
    )
    app.clock.now += 60
    assert changes(app.calls(app.observe_now)) == {}


def test_images_that_are_pushed_during_the_deletion_do_not_hold_it_up(aws):
    """hashicorp/terraform-provider-aws#33523: RepositoryNotEmptyException at the last step."""
    app = App(aws, "pushed", environment="Development")
    app.settle()
    ecr = app.client("ecr")
    while not app.deletion_pass().done:
        if [row for row in ecr.describe_repositories()["repositories"] if row["repositoryName"] == "pushed"]:
            app.push("again")
        app.wait()


def test_a_peering_of_somebody_else_is_left_alone(aws):
    """hashicorp/terraform-provider-aws#1671: what others connect to a VPC."""
    app = App(aws, "peer", environment="Development")
    app.settle()
    ec2 = app.client("ec2")
    ours = [{"Name": "tag:missyou.app/stack", "Values": ["default/peer"]}]
    [vpc] = ec2.describe_vpcs(Filters=ours)["Vpcs"]
    other = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_vpc_peering_connection(VpcId=other, PeerVpcId=vpc["VpcId"])["VpcPeeringConnection"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=made["VpcPeeringConnectionId"])
    for table in ec2.describe_route_tables(Filters=ours)["RouteTables"]:
        ec2.create_route(
            RouteTableId=table["RouteTableId"],
            DestinationCidrBlock="10.99.0.0/16",
            VpcPeeringConnectionId=made["VpcPeeringConnectionId"],
        )
    assert changes(app.calls(app.observe_now)) == {}


@pytest.mark.parametrize("code", ["WAFNonexistentItemException", "WAFUnavailableEntityException"])
def test_a_firewall_that_does_not_know_the_balancer_yet_is_a_wait(aws, code):
    """kubernetes-sigs/aws-load-balancer-controller#2022, hashicorp/terraform-provider-aws#17527."""
    app = App(aws, "early", environment="Development", waf={"enabled": True})
    fail(app, "wafv2:AssociateWebACL", code, "the resource doesn't exist", times=3)
    assert app.calls(app.grow)["wafv2:AssociateWebACL"] == 4


def test_a_target_group_that_does_not_show_after_its_creation_gets_its_settings(aws):
    """kubernetes/cloud-provider-aws#275: TargetGroupNotFound right after CreateTargetGroup."""
    app = App(aws, "shy", environment="Development")
    fail(app, "elbv2:ModifyTargetGroupAttributes", "TargetGroupNotFound", "Target groups not found", times=3)
    calls = app.calls(app.settle)
    assert (calls["elbv2:CreateTargetGroup"], calls["elbv2:ModifyTargetGroupAttributes"]) == (1, 4)


def test_an_unconfirmed_subscription_does_not_hold_the_deletion_up(aws):
    """go-to-k/cdkd#1301, ansible/ansible#20086: "pending confirmation" and "Deleted" are no ARNs."""
    app = App(aws, "mute", environment="Development", monitoring={"notifications": {"emails": ["ann@example.com"]}})
    app.settle()
    app.delete()


def test_a_role_linked_to_ecs_that_is_still_being_made_is_a_wait(aws):
    """aws/aws-cdk and hashicorp/terraform-provider-aws: the first ECS cluster of an account."""
    app = App(aws, "first", environment="Development")
    text = "Unable to assume the service linked role. Please verify that the ECS service linked role exists."
    fail(app, "ecs:CreateCluster", "InvalidParameterException", text, times=3)
    app.settle()


def test_a_load_balancer_deleted_by_hand_is_made_again_and_the_service_stays(app):
    """hashicorp/terraform-provider-aws#29990, #3495: a target group without a load balancer."""
    elb = app.client("elbv2")
    [row] = elb.describe_load_balancers(Names=["report-alb"])["LoadBalancers"]
    elb.delete_load_balancer(LoadBalancerArn=row["LoadBalancerArn"])
    app.clock.now += 120
    calls = app.calls(app.settle)
    assert {"ecs:CreateService", "ecs:DeleteService", "elbv2:CreateTargetGroup"}.isdisjoint(calls)


def test_a_zone_made_again_gets_its_records_again(aws):
    """aws-quickstart/quickstart-aws-acm-certificate#5, manicminer/terraform-aws-acm-certificate#2."""
    app = App(aws, "zone", environment="Development", domain={"name": "app.example.com"})
    route53 = app.client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="first")["HostedZone"]["Id"]
    app.settle()
    for record in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]:
        if record["Type"] not in {"NS", "SOA"}:
            change = {"Action": "DELETE", "ResourceRecordSet": record}
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    route53.delete_hosted_zone(Id=zone)
    again = route53.create_hosted_zone(Name="example.com", CallerReference="second")["HostedZone"]["Id"]
    app.clock.now += 3600
    app.settle()
    names = {row["Name"] for row in route53.list_resource_record_sets(HostedZoneId=again)["ResourceRecordSets"]}
    assert "app.example.com." in names
    assert any(name.startswith("_") for name in names)


def test_a_task_that_aws_retires_is_no_trouble_and_no_drift(aws):
    """aws/containers-roadmap: Fargate replaces tasks for maintenance."""
    app = App(aws, "retired", environment="Production")
    app.settle()
    ecs = app.client("ecs")
    task, *_ = ecs.list_tasks(cluster="retired-cluster")["taskArns"]
    ecs.stop_task(cluster="retired-cluster", task=task, reason="ECS is performing maintenance")
    for _ in range(8):
        app.observe_now()
        assert app.condition("Ready")["status"] == "True", app.body["status"]["conditions"]
        app.clock.now += 0.3
    assert drifted(app) == []


def test_an_address_that_somebody_uses_is_told_and_waited_for(app):
    """hashicorp/terraform#8687, hashicorp/terraform-provider-aws#709: Resource.AlreadyAssociated, for ever."""
    ec2 = app.client("ec2")
    [gateway] = [row for row in ec2.describe_nat_gateways()["NatGateways"] if row["State"] == "available"]
    ec2.delete_nat_gateway(NatGatewayId=gateway["NatGatewayId"])
    app.clock.now += 600
    [address] = gateway["NatGatewayAddresses"]
    interface = ec2.create_network_interface(SubnetId=gateway["SubnetId"])["NetworkInterface"]["NetworkInterfaceId"]
    made = ec2.associate_address(AllocationId=address["AllocationId"], NetworkInterfaceId=interface)
    app.passes(3)
    message = app.condition("NetworkReady")["message"]
    assert "is already associated" in message
    assert "spec" not in message
    ec2.disassociate_address(AssociationId=made["AssociationId"])
    app.settle()


def test_a_renamed_database_is_missed_by_its_new_name(app):
    """hashicorp/terraform-provider-aws#507: people rename an instance before they put a restored one in its place."""
    app.client("rds").modify_db_instance(
        DBInstanceIdentifier="report-db", NewDBInstanceIdentifier="report-db-old", ApplyImmediately=True
    )
    app.clock.now += 60
    assert "rds:CreateDBInstance" not in app.calls(lambda: app.passes(5))
    assert app.reason("DatabaseReady") == "DataLost"
    assert "report-db-old" in app.condition("DatabaseReady")["message"]


def test_credentials_that_somebody_scheduled_for_deletion_come_back_as_they_were(app):
    """hashicorp/terraform-provider-aws#4467: the name is taken until the recovery window ends."""
    before = credentials(app)
    app.client("secretsmanager").delete_secret(SecretId="report/db_credentials", RecoveryWindowInDays=7)
    app.observe_now()
    app.settle()
    assert credentials(app)["password"] == password(app)
    assert credentials(app) == before


def test_a_creation_at_aws_own_pace_asks_for_little_while_a_quota_lasts(aws):
    """hashicorp/terraform-provider-aws: AddressLimitExceeded."""
    aws.timing.update(dataclasses.asdict(Timing.realistic()))
    app = App(aws, "limit", environment="Development")
    fail(app, "ec2:AllocateAddress", "AddressLimitExceeded", "The maximum number of addresses has been reached.")
    calls = app.calls(lambda: app.passes(40))
    assert app.reason("NetworkReady") == "QuotaExceeded"
    assert calls["ec2:AllocateAddress"] <= 40
    app.aws.calm()
    app.settle()
