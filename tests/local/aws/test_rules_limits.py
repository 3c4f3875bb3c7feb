"""Quotas of an account: each refuses the one thing too many, and is not in force unless asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

from missyou_local.aws import limits
from tests.local.aws import building
from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import ACCOUNT, ECS_TRUST, Act, Place, steps

SOURCES = {
    "ec2": "VPC guide, Quotas",
    "rds": "RDS guide, Quotas and constraints",
    "elbv2": "ALB guide, Quotas",
    "iam": "IAM guide, IAM and AWS STS quotas",
}
"""Service -> where its defaults are written; of the others in `GENERAL`."""
GENERAL = "AWS general reference, Endpoints and quotas"


def _rules(count: int) -> list[dict[str, Any]]:
    ranges = [{"CidrIp": f"10.9.{number}.0/24"} for number in range(count)]
    return [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": ranges}]


def _policy(name: str, metric: str) -> Act:
    return lambda s: s.aws.application_autoscaling.put_scaling_policy(
        ServiceNamespace="ecs",
        ResourceId=f"service/{s.name}/{s.name}",
        ScalableDimension="ecs:service:DesiredCount",
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 70.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
        },
    )


def _scalable(s: Place) -> None:
    s.app.create(s.app.define())
    s.aws.application_autoscaling.register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId=f"service/{s.name}/{s.name}",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=1,
        MaxCapacity=2,
    )
    _policy("a", "ECSServiceAverageCPUUtilization")(s)


def _alarm(s: Place) -> None:
    s.aws.cloudwatch.put_metric_alarm(
        AlarmName=s.name,
        MetricName="x",
        Namespace="y",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Statistic="Sum",
    )


def _acl(s: Place) -> None:
    s.aws.wafv2.create_web_acl(
        Name=s.name,
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig={"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "x"},
    )


def _listener_rule(s: Place) -> None:
    condition = {"Field": "path-pattern", "Values": ["/x"]}
    action = {"Type": "forward", "TargetGroupArn": s.group}
    s.aws.elbv2.create_rule(ListenerArn=s.listener, Priority=1, Conditions=[condition], Actions=[action])


LIMITED: dict[str, tuple[Callable[[Place], object], Act]] = {
    "vpcs": (lambda s: s.net, lambda s: s.aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")),
    "subnets_per_vpc": (lambda s: s.net, lambda s: s.aws.ec2.create_subnet(VpcId=s.net.vpc, CidrBlock="10.0.9.0/24")),
    "internet_gateways": (lambda s: s.net, lambda s: s.aws.ec2.create_internet_gateway()),
    "addresses": (lambda s: s.address, lambda s: s.aws.ec2.allocate_address(Domain="vpc")),
    "nat_gateways_per_zone": (
        lambda s: s.nat,
        lambda s: s.aws.ec2.create_nat_gateway(SubnetId=s.net.subnets[0], ConnectivityType="private"),
    ),
    "route_tables_per_vpc": (lambda s: s.table, lambda s: s.aws.ec2.create_route_table(VpcId=s.net.vpc)),
    "routes_per_table": (
        lambda s: s.aws.ec2.create_route(
            RouteTableId=s.table, DestinationCidrBlock="10.8.0.0/16", GatewayId=s.net.gateway
        ),
        lambda s: s.aws.ec2.create_route(
            RouteTableId=s.table, DestinationCidrBlock="10.9.0.0/16", GatewayId=s.net.gateway
        ),
    ),
    "security_groups": (lambda s: s.net, lambda s: s.security_group("2")),
    "rules_per_group": (
        lambda s: s.net,
        lambda s: s.aws.ec2.authorize_security_group_ingress(GroupId=s.net.group, IpPermissions=_rules(2)),
    ),
    "databases": (lambda s: s.database(), lambda s: s.database(s.name + "-2")),
    "database_storage": (
        lambda s: s.database(),
        lambda s: s.database(s.name + "-2"),
    ),
    "db_snapshots": (
        steps(
            lambda s: s.aws.rds.create_db_snapshot(DBInstanceIdentifier=s.database(), DBSnapshotIdentifier=s.name),
            lambda s: s.aws.clock.advance(s.aws.timing.rds_snapshot),
        ),
        lambda s: s.aws.rds.create_db_snapshot(DBInstanceIdentifier=s.name, DBSnapshotIdentifier=s.name + "-2"),
    ),
    "backup_copies": (
        lambda s: s.database(BackupRetentionPeriod=1),
        lambda s: s.aws.client("rds", "eu-central-1").start_db_instance_automated_backups_replication(
            SourceDBInstanceArn=f"arn:aws:rds:us-east-1:{ACCOUNT}:db:{s.name}"
        ),
    ),
    "db_subnet_groups": (
        lambda s: s.subnet_group,
        lambda s: s.aws.rds.create_db_subnet_group(
            DBSubnetGroupName=s.name + "2", DBSubnetGroupDescription="x", SubnetIds=s.net.subnets
        ),
    ),
    "subnets_per_db_subnet_group": (lambda s: s.net, lambda s: s.subnet_group),
    "db_parameter_groups": (
        lambda s: s.parameter_group,
        lambda s: s.aws.rds.create_db_parameter_group(
            DBParameterGroupName=s.name + "2", DBParameterGroupFamily="postgres15", Description="x"
        ),
    ),
    "load_balancers": (lambda s: s.balancer, lambda s: building.balancer(s.aws, s.name + "-2", s.net)),
    "target_groups": (lambda s: s.group, lambda s: s.another_group()),
    "listeners_per_balancer": (
        lambda s: s.listener,
        lambda s: s.aws.elbv2.create_listener(
            LoadBalancerArn=s.balancer,
            Port=81,
            Protocol="HTTP",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": s.group}],
        ),
    ),
    "rules_per_balancer": (lambda s: s.listener, _listener_rule),
    "secrets": (lambda s: s.net, lambda s: s.aws.secretsmanager.create_secret(Name=s.name, SecretString="x")),
    "repositories": (lambda s: s.net, lambda s: s.aws.ecr.create_repository(repositoryName=s.name)),
    "roles": (
        lambda s: s.role,
        lambda s: s.aws.iam.create_role(RoleName=s.name + "2", AssumeRolePolicyDocument=ECS_TRUST),
    ),
    "log_groups": (lambda s: s.net, lambda s: s.aws.logs.create_log_group(logGroupName=s.name)),
    "alarms": (lambda s: s.net, _alarm),
    "policies_per_target": (_scalable, _policy("b", "ECSServiceAverageMemoryUtilization")),
    "certificates": (lambda s: s.net, lambda s: s.aws.acm.request_certificate(DomainName=f"{s.name}.example.com")),
    "topics": (lambda s: s.net, lambda s: s.aws.sns.create_topic(Name=s.name)),
    "web_acls": (lambda s: s.net, _acl),
}


def test_every_limit_is_tried() -> None:
    assert set(LIMITED) == set(limits.LIMITS)


@pytest.mark.parametrize("limit", LIMITED)
def test_one_too_many_is_refused(aws: Aws, name: str, limit: str) -> None:
    given, one_more = LIMITED[limit]
    place = Place(aws, name)
    given(place)
    allowed = 0
    with pytest.raises(botocore.exceptions.ClientError) as refusal, limits.enforced(**{limit: allowed}):
        one_more(place)
    response = refusal.value.response
    wanted = limits.LIMITS[limit]
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (wanted.code, wanted.status)
    one_more(place)  # the limit is not in force any more


def test_a_limit_counts_what_is_there(aws: Aws, name: str) -> None:
    place = Place(aws, name)
    group = place.net.group
    # Three rules are there: they let in the group itself, and the web on two ports.
    with limits.enforced(rules_per_group=6):
        aws.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=_rules(3))
        with pytest.raises(botocore.exceptions.ClientError, match="RulesPerSecurityGroupLimitExceeded"):
            aws.ec2.authorize_security_group_ingress(
                GroupId=group, IpPermissions=[{**_rules(1)[0], "FromPort": 2, "ToPort": 2}]
            )


def test_the_defaults_are_awss() -> None:
    assert limits.DEFAULTS["vpcs"] == limits.DEFAULTS["addresses"] == limits.DEFAULTS["internet_gateways"] == 5
    assert limits.DEFAULTS["databases"] == 40


def test_an_unknown_limit() -> None:
    with pytest.raises(ValueError, match="the names are vpcs"):
        limits.enforce({"vpc": 1})
