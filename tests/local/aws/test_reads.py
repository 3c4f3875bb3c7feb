"""Reads that moto lacks or gets wrong: the catalogue, pages, states of small things."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.aws import building
from tests.local.aws.conftest import Aws, Refused


def test_engine_versions(aws: Aws) -> None:
    def versions(**params: Any) -> list[str]:
        found = aws.rds.describe_db_engine_versions(Engine="postgres", **params)["DBEngineVersions"]
        return [entry["EngineVersion"] for entry in found]

    fifteen = versions(EngineVersion="15")
    assert fifteen == ["15.13", "15.14", "15.15", "15.16", "15.17"]
    assert versions(EngineVersion="15.4") == []
    assert versions(Filters=[{"Name": "engine-version", "Values": ["15.14"]}]) == ["15.14"]
    assert len(versions(EngineVersion="15", DefaultOnly=True)) == 1
    assert {version.partition(".")[0] for version in versions()} == {"13", "14", "15", "16", "17"}
    retired = aws.rds.describe_db_engine_versions(Engine="postgres", EngineVersion="15.4", IncludeAll=True)
    assert retired["DBEngineVersions"][0]["Status"] == "deprecated"
    entry = aws.rds.describe_db_engine_versions(Engine="postgres", EngineVersion="15.16")["DBEngineVersions"][0]
    targets = {target["EngineVersion"] for target in entry["ValidUpgradeTarget"]}
    assert "15.17" in targets
    assert not targets & {"15.16", "15.15"}
    assert entry["DBParameterGroupFamily"] == "postgres15"


def test_orderable_options(aws: Aws) -> None:
    def options(**params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = aws.rds.describe_orderable_db_instance_options(Engine="postgres", **params)[
            "OrderableDBInstanceOptions"
        ]
        return found

    (option,) = [
        entry
        for entry in options(EngineVersion="15.16", DBInstanceClass="db.t4g.micro")
        if entry["StorageType"] == "gp3"
    ]
    assert all(option[key] for key in ("SupportsPerformanceInsights", "MultiAZCapable", "SupportsStorageAutoscaling"))
    assert options(EngineVersion="15.4", DBInstanceClass="db.t3.micro") == []
    assert len(options(EngineVersion="15.16", MaxRecords=20)) == 20


PAGED = [
    ("ec2", "describe_subnets", "Subnets", "MaxResults", 5),
    ("ec2", "describe_security_groups", "SecurityGroups", "MaxResults", 5),
    ("ec2", "describe_security_group_rules", "SecurityGroupRules", "MaxResults", 5),
    ("ec2", "describe_route_tables", "RouteTables", "MaxResults", 5),
    ("ec2", "describe_vpcs", "Vpcs", "MaxResults", 5),
    ("ec2", "describe_internet_gateways", "InternetGateways", "MaxResults", 5),
    ("ec2", "describe_tags", "Tags", "MaxResults", 5),
    ("elbv2", "describe_target_groups", "TargetGroups", "PageSize", 1),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "PageSize", 1),
    ("ecr", "describe_repositories", "repositories", "maxResults", 1),
    ("ecs", "list_clusters", "clusterArns", "maxResults", 1),
    ("ecs", "list_task_definitions", "taskDefinitionArns", "maxResults", 1),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "MaxRecords", 1),
]


@pytest.fixture(scope="module", autouse=True)
def _enough(_aws: Aws) -> None:
    """Two pages of everything."""
    for i in range(6):
        net = building.network(_aws, f"pages{i}")
        _aws.ec2.create_tags(Resources=[net.vpc], Tags=[{"Key": "n", "Value": str(i)}])
        _aws.ec2.create_route_table(VpcId=net.vpc)
    for i in range(2):
        building.balancer(_aws, f"pages{i}", net)
        building.target_group(_aws, f"pages{i}", net)
        _aws.ecr.create_repository(repositoryName=f"pages{i}")
        _aws.ecs.create_cluster(clusterName=f"pages{i}")
        _aws.ecs.register_task_definition(
            family=f"pages{i}", containerDefinitions=[{"name": "x", "image": "x", "memory": 128}]
        )
        _alarm(_aws, f"pages{i}")


def _alarm(aws: Aws, name: str, threshold: float = 80) -> None:
    aws.cloudwatch.put_metric_alarm(
        AlarmName=name,
        MetricName="CPUUtilization",
        Namespace="AWS/ECS",
        Period=60,
        EvaluationPeriods=2,
        Threshold=threshold,
        ComparisonOperator="GreaterThanThreshold",
        Statistic="Average",
    )


@pytest.mark.parametrize("case", PAGED, ids=lambda case: case[1])
def test_pages(aws: Aws, case: tuple[str, str, str, str, int]) -> None:
    service, operation, key, limit, size = case
    client = aws.client(service)
    everything = [item for page in client.get_paginator(operation).paginate() for item in page[key]]
    first = getattr(client, operation)(**{limit: size})
    assert first[key] == everything[:size]
    pages = list(client.get_paginator(operation).paginate(PaginationConfig={"PageSize": size}))
    assert len(pages) > 1
    assert [item for page in pages for item in page[key]] == everything


def test_a_token_that_no_page_gave(aws: Aws, refused: Refused) -> None:
    with refused("InvalidNextToken"):
        aws.ec2.describe_vpcs(NextToken="nonsense")


def test_images_are_paged(aws: Aws, name: str) -> None:
    aws.ecr.create_repository(repositoryName=name)
    for tag in ("a", "b"):
        manifest = building.MANIFEST.replace("sha256:0", f"sha256:{tag}")
        aws.ecr.put_image(
            repositoryName=name, imageTag=tag, imageManifest=manifest, imageDigest="sha256:" + tag.encode().hex() * 32
        )
    page = aws.ecr.describe_images(repositoryName=name, maxResults=1)
    assert (len(page["imageDetails"]), "nextToken" in page) == (1, True)


def test_an_alarm_begins_without_data(aws: Aws, name: str) -> None:
    def state() -> str:
        return str(aws.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"])

    _alarm(aws, name)
    assert state() == "INSUFFICIENT_DATA"
    aws.cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    _alarm(aws, name, threshold=90)
    assert state() == "ALARM"


def test_a_doomed_secret_keeps_its_name(aws: Aws, name: str, refused: Refused) -> None:
    secrets = aws.secretsmanager
    secrets.create_secret(Name=name, SecretString="x")
    secrets.delete_secret(SecretId=name)
    with refused("InvalidRequestException", "already scheduled for deletion"):
        secrets.create_secret(Name=name, SecretString="x")
    with refused("InvalidRequestException"):
        secrets.put_secret_value(SecretId=name, SecretString="y")
    with refused("InvalidRequestException"):
        secrets.tag_resource(SecretId=name, Tags=[{"Key": "a", "Value": "b"}])
    secrets.restore_secret(SecretId=name)
    secrets.put_secret_value(SecretId=name, SecretString="y")
    with refused("ValidationException"):
        secrets.create_secret(Name="no spaces", SecretString="x")


def test_log_retention(aws: Aws, name: str, refused: Refused) -> None:
    aws.logs.create_log_group(logGroupName=name)
    with refused("InvalidParameterException", "retentionInDays"):
        aws.logs.put_retention_policy(logGroupName=name, retentionInDays=8)
    aws.logs.put_retention_policy(logGroupName=name, retentionInDays=7)


def test_managed_policies_exist(aws: Aws, name: str) -> None:
    building.role(aws, name)
    arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    aws.iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    assert len(aws.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]) == 1
