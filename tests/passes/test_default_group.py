"""The VPC's default security group: without rules from the first moment, whoever adds some."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.app import App, changes
from tests.sim.aws import OPERATOR, Aws

ALL_OUT = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
TAGGED = {"Name": "tag:missyou.app/stack", "Values": ["default/denied"]}


def default(app: App) -> dict[str, Any]:
    """Return the default group of the stack's VPC."""
    ec2 = app.client("ec2")
    [vpc] = ec2.describe_vpcs(Filters=[{"Name": "tag:missyou.app/stack", "Values": [f"default/{app.name}"]}])["Vpcs"]
    where = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    [group] = ec2.describe_security_groups(Filters=where)["SecurityGroups"]
    return dict(group)


def rules(app: App) -> list[Any]:
    group = default(app)
    return [*group["IpPermissions"], *group["IpPermissionsEgress"]]


@pytest.fixture(scope="module")
def app(aws: Aws) -> App:
    app = App(aws, "bare", environment="Development")
    app.settle()
    return app


def test_a_vpc_comes_with_two_rules_in_it(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    [group] = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    assert [pair["GroupId"] for rule in group["IpPermissions"] for pair in rule["UserIdGroupPairs"]] == [
        group["GroupId"]
    ]
    assert [block["CidrIp"] for rule in group["IpPermissionsEgress"] for block in rule["IpRanges"]] == ["0.0.0.0/0"]


def test_ours_has_none_and_that_is_no_drift(app: App) -> None:
    assert rules(app) == []
    assert [entry for report in app.reports for entry in report.drift] == []
    app.stays_in_sync()


def test_nothing_of_the_stack_is_in_it(app: App) -> None:
    where = [{"Name": "group-id", "Values": [default(app)["GroupId"]]}]
    assert app.client("ec2").describe_network_interfaces(Filters=where)["NetworkInterfaces"] == []


def test_rules_that_somebody_adds_are_taken_away_and_told(app: App) -> None:
    ec2, group = app.client("ec2"), default(app)["GroupId"]
    inside = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[SSH, inside])
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[ALL_OUT])
    calls = changes(app.calls(app.observe_now))
    assert calls == {"ec2:RevokeSecurityGroupIngress": 2, "ec2:RevokeSecurityGroupEgress": 1}
    assert rules(app) == []
    told = str(app.body["status"]["drift"])
    assert "bare-vpc default ingress tcp/22 from 0.0.0.0/0" in told
    assert "bare-vpc default ingress all from bare-vpc default" in told
    app.stays_in_sync()


def test_what_a_process_that_died_left_in_it_goes_with_the_next_observation(aws: Aws) -> None:
    app = App(aws, "died", environment="Development")
    app.until(lambda _: bool(app.world), "begun")
    app.settle()
    app.client("ec2").authorize_security_group_egress(GroupId=default(app)["GroupId"], IpPermissions=[ALL_OUT])
    app.restart()
    app.settle()
    assert rules(app) == []
    app.stays_in_sync()


def test_of_a_vpc_that_is_not_ours_it_is_left_alone(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    ours = App(aws, "next", environment="Development")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    ours.settle()
    [group] = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    assert group["IpPermissions"]
    assert group["IpPermissionsEgress"]


def test_an_operator_that_may_not_empty_it_goes_on_and_says_what_to_allow(aws: Aws) -> None:
    app = App(aws, "denied", environment="Development")
    no = {"code": "UnauthorizedOperation", "status": 403, "message": "You may not"}
    app.until(lambda _: bool(app.client("ec2").describe_vpcs(Filters=[TAGGED])["Vpcs"]), "a VPC")
    app.grow()
    app.client("ec2").authorize_security_group_ingress(GroupId=default(app)["GroupId"], IpPermissions=[SSH])
    aws.faults({"match": "ec2:RevokeSecurityGroupIngress", "caller": OPERATOR, "fail": no})
    app.observe_now()
    assert app.reason("Ready") == "AccessDenied"
    assert "ec2:RevokeSecurityGroupIngress" in app.condition("Ready")["message"]
    assert app.reason("ServiceReady") == "Available"
    aws.faults()
    app.observe_now()
    app.grow()
    assert rules(app) == []


def test_it_goes_with_its_vpc(app: App) -> None:
    app.delete()
    where = [{"Name": "tag:missyou.app/stack", "Values": ["default/bare"]}]
    assert app.client("ec2").describe_vpcs(Filters=where)["Vpcs"] == []
