"""Reads that lag behind writes, and IDs that are not known yet.

Sources: EC2 API reference, "Eventual consistency in the Amazon EC2 API"; IAM guide, "Changes that I make are not always
immediately visible"; for ELB, RDS and ECS errors that public issues of Terraform's provider quote.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from missyou_local.aws import Timing, serve
from tests.local.aws import building
from tests.local.aws.conftest import Aws, Refused
from tests.local.aws.rules_support import ECS_TRUST


@pytest.fixture
def lagging(aws: Aws) -> Iterator[Aws]:
    aws.control(body={"lag": {"ec2": 10, "logs": 10}, "seed": 3})
    yield aws
    aws.control(body={"lag": {}})
    aws.clock.advance(60)


def listed(aws: Aws, vpc: str) -> list[bool]:
    """Ask twenty times whether a VPC is shown."""
    return [any(row["VpcId"] == vpc for row in aws.ec2.describe_vpcs()["Vpcs"]) for _ in range(20)]


def test_what_was_made_shows_later(lagging: Aws) -> None:
    vpc = lagging.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    assert not any(listed(lagging, vpc))
    lagging.clock.advance(5)
    seen = listed(lagging, vpc)
    # Some replicas know it by now.
    assert any(seen)
    assert not all(seen)
    lagging.clock.advance(5)
    assert all(listed(lagging, vpc))


def test_what_is_gone_still_shows(lagging: Aws) -> None:
    vpc = lagging.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    lagging.clock.advance(20)
    lagging.ec2.delete_vpc(VpcId=vpc)
    assert all(listed(lagging, vpc))
    lagging.clock.advance(10)
    assert not any(listed(lagging, vpc))


def test_what_changed_shows_as_it_was(lagging: Aws, name: str) -> None:
    lagging.logs.create_log_group(logGroupName=name)
    lagging.logs.put_retention_policy(logGroupName=name, retentionInDays=7)
    lagging.clock.advance(20)
    lagging.logs.put_retention_policy(logGroupName=name, retentionInDays=30)

    def retention() -> int:
        [group] = lagging.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        return int(group["retentionInDays"])

    assert retention() == 7
    lagging.clock.advance(10)
    assert retention() == 30


def test_a_read_by_id_does_not_find_it_yet(lagging: Aws, refused: Refused) -> None:
    vpc = lagging.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    with refused("InvalidVpcID.NotFound", vpc):
        lagging.ec2.describe_vpcs(VpcIds=[vpc])


def test_a_new_id_is_unknown_to_other_calls(lagging: Aws, refused: Refused, name: str) -> None:
    made = lagging.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    with refused("InvalidVpcID.NotFound", made):
        lagging.ec2.create_subnet(VpcId=made, CidrBlock="10.0.1.0/24")
    with refused("ValidationError", made):
        lagging.elbv2.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=made, TargetType="ip")
    lagging.clock.advance(10)
    subnet = lagging.ec2.create_subnet(VpcId=made, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    with refused("InvalidSubnet", subnet):
        lagging.rds.create_db_subnet_group(
            DBSubnetGroupName=name, DBSubnetGroupDescription=name, SubnetIds=[subnet, "subnet-0123456789abcdef0"]
        )


def test_services_without_a_lag_are_current(lagging: Aws, name: str) -> None:
    lagging.ecs.create_cluster(clusterName=name)
    assert lagging.ecs.describe_clusters(clusters=[name])["clusters"]


def test_the_past_leaves_no_processes() -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("counting children needs Linux")

    def count() -> int:
        found = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                found += int(stat.read_text().rpartition(")")[2].split()[1]) == os.getpid()
        return found

    before = count()
    server = serve(timing=Timing.instant())
    aws = Aws(server, server.control.clock)
    aws.control(body={"lag": {"*": 10}})
    aws.ec2.create_internet_gateway()
    assert count() == before + 1
    server.close()
    assert count() == before


def test_a_new_role_is_not_valid_yet(aws: Aws, refused: Refused, name: str) -> None:
    aws.control(body={"timing": {"iam": 15}})
    try:
        arn = aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=ECS_TRUST)["Role"]["Arn"]
        task = {
            "family": name,
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "executionRoleArn": arn,
            "containerDefinitions": [{"name": "app", "image": "nginx", "essential": True}],
        }
        with refused("ClientException", "Role is not valid"):
            aws.ecs.register_task_definition(**task)
        aws.clock.advance(15)
        aws.ecs.register_task_definition(**task)
        assert aws.iam.get_role(RoleName=name)["Role"]["CreateDate"].timestamp() == aws.clock.now - 15
    finally:
        aws.control(body={"timing": {"iam": 0}})


def test_new_rights_arrive_after_a_while(aws: Aws, name: str) -> None:
    """A task that starts before them fails as one without them does, and its deployment counts the failure."""
    app = building.app(aws, name)
    app.create(app.define())
    aws.clock.advance(10)
    aws.control(body={"timing": {"iam": 15}})
    try:
        statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        aws.iam.put_role_policy(RoleName=name, PolicyName="secrets", PolicyDocument=json.dumps(policy))
        app.update(forceNewDeployment=True)
        aws.clock.advance(aws.timing.task)
        assert "secretsmanager:GetSecretValue" in app.tasks("STOPPED")[0]["stoppedReason"]
        assert app.describe()["deployments"][0]["failedTasks"] == 2
        aws.clock.advance(60)
        assert [row["rolloutState"] for row in app.describe()["deployments"]] == ["COMPLETED"]
    finally:
        aws.control(body={"timing": {"iam": 0}})
