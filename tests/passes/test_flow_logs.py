"""Flow logs of the VPC: written by a role that can do nothing else, kept true, and never deleted unasked."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from missyou_local.aws import backends
from tests.sim.app import REGION, App, changes
from tests.sim.aws import Aws

ACCOUNT = "123456789012"
ON = {"network": {"flowLogs": {"enabled": True, "retentionDays": 7}}}
OFF = {"network": {"flowLogs": {"enabled": False}}}
#: The calls that only this feature takes.
ITS_OWN = ("ec2:CreateFlowLogs", "ec2:DescribeFlowLogs", "ec2:DeleteFlowLogs")


@pytest.fixture(scope="module")
def app(aws: Aws) -> App:
    """A stack with flow logs."""
    app = App(aws, "flowing", environment="Development", **ON)
    app.settle()
    return app


def vpc(app: App) -> str:
    where = [{"Name": "tag:missyou.app/stack", "Values": [f"default/{app.name}"]}]
    [row] = app.client("ec2").describe_vpcs(Filters=where)["Vpcs"]
    return str(row["VpcId"])


def flow_logs(app: App) -> list[Mapping[str, Any]]:
    """Return all flow logs of the stack's VPC, whoever has made them."""
    where = [{"Name": "resource-id", "Values": [vpc(app)]}]
    return list(app.client("ec2").describe_flow_logs(Filter=where)["FlowLogs"])


def groups(app: App) -> dict[str, Any]:
    rows = app.client("logs").describe_log_groups(logGroupNamePrefix=f"/ecs/{app.stack}")["logGroups"]
    return {row["logGroupName"]: row.get("retentionInDays") for row in rows}


def roles(app: App) -> set[str]:
    rows = app.client("iam").list_roles()["Roles"]
    return {row["RoleName"] for row in rows if row["RoleName"].startswith(f"{app.stack}-")}


def role(app: App) -> str:
    return f"{app.stack}-{REGION}-flow-logs"


def write(app: App) -> None:
    """Write a line, as AWS does."""
    with backends.LOCK:
        logs = backends.backend("logs", ACCOUNT, REGION)
        group = f"/ecs/{app.stack}/vpc-flow"
        logs.create_log_stream(group, "eni-1")
        # moto refuses what is not of its own present.
        now = int(time.time() * 1000)
        logs.put_log_events(group, "eni-1", [{"timestamp": now, "message": "2 - eni-1 10.0.0.1 ACCEPT OK"}])


def test_who_has_none_pays_no_call_for_them(aws: Aws) -> None:
    app = App(aws, "silent", environment="Development")
    calls = app.calls(app.settle)
    calls = {name: calls.get(name, 0) + count for name, count in app.calls(app.observe_now).items()}
    assert [name for name in calls if name in ITS_OWN] == []
    assert calls["iam:GetAccountAuthorizationDetails"] >= 1
    assert roles(app) == {f"silent-{REGION}-execution", f"silent-{REGION}-task"}
    assert [*groups(app)] == ["/ecs/silent"]
    assert ITS_OWN[1] not in app.calls(app.delete)


def test_all_of_the_vpc_is_logged(app: App) -> None:
    [row] = flow_logs(app)
    assert (row["TrafficType"], row["LogGroupName"]) == ("ALL", "/ecs/flowing/vpc-flow")
    assert row["DeliverLogsStatus"] == "SUCCESS"
    assert row["DeliverLogsPermissionArn"] == f"arn:aws:iam::{ACCOUNT}:role/{role(app)}"
    assert {tag["Key"]: tag["Value"] for tag in row["Tags"]}["missyou.app/stack"] == "default/flowing"
    assert groups(app)["/ecs/flowing/vpc-flow"] == 7
    app.stays_in_sync()


def test_the_role_trusts_flow_logs_of_this_account_and_region_and_writes_to_one_group(app: App) -> None:
    found = app.client("iam").get_role(RoleName=role(app))["Role"]
    [trust] = found["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc-flow-log/*"},
    }
    policy = app.client("iam").get_role_policy(RoleName=role(app), PolicyName="missyou")["PolicyDocument"]
    writing = [row["Resource"] for row in policy["Statement"] if "logs:PutLogEvents" in row["Action"]]
    assert writing == [[f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/ecs/flowing/vpc-flow:*"]]
    assert "logs:CreateLogGroup" not in json.dumps(policy)


def test_one_that_somebody_deletes_is_made_again_and_told(app: App) -> None:
    [before] = flow_logs(app)
    app.client("ec2").delete_flow_logs(FlowLogIds=[before["FlowLogId"]])
    app.clock.now += 90.0
    app.observe_now()
    app.settle()
    [after] = flow_logs(app)
    assert after["FlowLogId"] != before["FlowLogId"]
    assert f"ec2.FlowLog/{role(app)}" in str(app.body["status"]["drift"])
    app.stays_in_sync()


def test_one_that_is_deleted_within_a_minute_of_its_creation_is_made_again(app: App) -> None:
    for _ in range(2):
        [row] = flow_logs(app)
        app.client("ec2").delete_flow_logs(FlowLogIds=[row["FlowLogId"]])
        app.observe_now()
        app.settle()
    app.stays_in_sync()


def test_lost_tags_are_given_back_and_nothing_is_made_beside_it(app: App) -> None:
    [row] = flow_logs(app)
    keys = [{"Key": tag["Key"]} for tag in row["Tags"]]
    app.client("ec2").delete_tags(Resources=[row["FlowLogId"]], Tags=keys)
    app.observe_now()
    app.settle()
    [after] = flow_logs(app)
    assert after["FlowLogId"] == row["FlowLogId"]
    assert after["Tags"] == row["Tags"]
    app.stays_in_sync()


def test_one_of_somebody_else_is_left_alone(app: App) -> None:
    theirs = app.client("ec2").create_flow_logs(
        ResourceType="VPC",
        ResourceIds=[vpc(app)],
        TrafficType="REJECT",
        LogGroupName="/security/vpc",
        DeliverLogsPermissionArn=f"arn:aws:iam::{ACCOUNT}:role/{role(app)}",
    )["FlowLogIds"]
    app.stays_in_sync()
    assert len(flow_logs(app)) == 2
    app.client("ec2").delete_flow_logs(FlowLogIds=theirs)


def test_a_role_that_may_not_write_is_put_right(app: App) -> None:
    app.client("iam").delete_role_policy(RoleName=role(app), PolicyName="missyou")
    [row] = flow_logs(app)
    assert (row["DeliverLogsStatus"], row["DeliverLogsErrorMessage"]) == ("FAILED", "Access error")
    app.observe_now()
    app.settle()
    [row] = flow_logs(app)
    assert row["DeliverLogsStatus"] == "SUCCESS"
    app.stays_in_sync()


def test_what_keeps_aws_from_writing_is_told(app: App) -> None:
    """A boundary that somebody sets, and that the operator has no order to remove, allows nothing."""
    iam = app.client("iam")
    denied = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "logs:*", "Resource": "*"}]}
    arn = iam.create_policy(PolicyName="no-logs", PolicyDocument=json.dumps(denied))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=role(app), PermissionsBoundary=arn)
    app.until(lambda _: app.reason("NetworkReady") == "NotDelivered", "told")
    assert "cannot write to /ecs/flowing/vpc-flow: Access error" in app.condition("NetworkReady")["message"]
    iam.delete_role_permissions_boundary(RoleName=role(app))
    app.until(lambda _: app.condition("Ready")["status"] == "True", "ready again")
    app.stays_in_sync()


def test_other_days_change_the_group_alone(app: App) -> None:
    app.edit(network={"flowLogs": {"enabled": True, "retentionDays": 14}})
    assert changes(app.calls(app.settle)) == {"logs:PutRetentionPolicy": 1}
    assert groups(app)["/ecs/flowing/vpc-flow"] == 14


def test_off_without_logs_leaves_nothing(app: App) -> None:
    app.edit(**OFF)
    app.settle()
    assert flow_logs(app) == []
    assert [*groups(app)] == ["/ecs/flowing"]
    assert role(app) not in roles(app)
    # The flow log first: it writes to the one as the other.
    last_two = ["ec2:DeleteFlowLogs", "cloudwatch-logs:DeleteLogGroup"]
    order = [call for call in app.process.calls if call in {*last_two}]
    assert order[-2:] == last_two
    app.stays_in_sync()
    assert "ec2:DescribeFlowLogs" not in app.calls(app.observe_now)


def test_logs_are_deleted_only_once_that_is_approved(app: App) -> None:
    write(app)
    app.observe_now()
    app.edit(**OFF)
    app.until(lambda _: app.reason("Stalled") == "ApprovalRequired", "held back")
    assert "the flow logs in the log group /ecs/flowing/vpc-flow" in str(app.body["status"]["plan"])
    assert flow_logs(app) == []
    assert "/ecs/flowing/vpc-flow" in groups(app)
    app.restart()
    app.observe_now()
    assert app.reason("Stalled") == "ApprovalRequired"
    app.annotate("approve", app.body["status"]["plan"]["id"])
    app.settle()
    assert [*groups(app)] == ["/ecs/flowing"]
    app.stays_in_sync()


def test_a_deletion_takes_them_along(app: App) -> None:
    write(app)
    app.observe_now()
    calls = app.calls(app.delete)
    assert (groups(app), roles(app)) == ({}, set())
    assert app.client("ec2").describe_flow_logs()["FlowLogs"] == []
    assert {name for name in calls if "FlowLog" in name} == {"ec2:DeleteFlowLogs"}
