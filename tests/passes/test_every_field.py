"""Every field of the spec that is accepted does something: given another value than its default, AWS shows it."""

from __future__ import annotations

import json

import pytest

from missyou_operator.aws.rds.classes import most_connections
from tests.sim.app import App, changes

from .test_domain import elsewhere

ACCOUNT = "222222222222"


def inherit(app: App) -> None:
    """Leave a snapshot of a database that is gone."""
    rds = app.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="parent",
        Engine="postgres",
        EngineVersion="16",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        StorageEncrypted=True,
        DBName="letters",
        MasterUsername="writer",
        MasterUserPassword="long-enough-1",
    )
    app.clock.now += 60.0
    rds.delete_db_instance(DBInstanceIdentifier="parent", FinalDBSnapshotIdentifier="inherited")
    app.clock.now += 60.0
    assert rds.describe_db_instances()["DBInstances"] == []


@pytest.fixture(scope="module")
def app(aws) -> App:
    """A stack in another account, with every field set."""
    app = App(aws, "every")
    app.account(ACCOUNT)
    arn = app.client("secretsmanager").create_secret(Name="shared/firebase", SecretString="{}")["ARN"]
    route53 = elsewhere(aws, "333333333333")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="every")["HostedZone"]
    topic = app.client("sns").create_topic(Name="pager")["TopicArn"]
    app.secrets["gemini"] = {"api-key": "a-key"}
    inherit(app)
    app.body["spec"] = {
        "environment": "Production",
        "region": "eu-west-1",
        "stackName": "whole",
        "credentials": {"roleARN": f"arn:aws:iam::{ACCOUNT}:role/missyou", "externalID": "nobody-else"},
        "image": {"tag": "v9"},
        "network": {
            "cidr": "10.7.0.0/20",
            "availabilityZones": ["eu-west-1b", "eu-west-1c"],
            "natGateways": 1,
            "endpoints": {"s3": False, "interfaces": True},
            "flowLogs": {"enabled": True, "retentionDays": 7},
        },
        "service": {
            "cpu": 1024,
            "memory": 3072,
            "port": 9000,
            "replicas": {"min": 3, "max": 6},
            "autoscaling": {"cpuTarget": 55, "memoryTarget": 65, "scaleOutCooldown": 30, "scaleInCooldown": 120},
            "healthCheck": {"path": "/up", "intervalSeconds": 15},
            "debug": True,
            "env": {"GREETING": "hello"},
        },
        "database": {
            "engineVersion": "16",
            "instanceClass": "db.t4g.micro",
            "storageGiB": 30,
            "maxStorageGiB": 90,
            "multiAZ": False,
            "backupRetentionDays": 3,
            "backupWindow": "01:00-02:00",
            "maintenanceWindow": "tue:02:00-tue:03:00",
            "restoreFromSnapshot": "inherited",
            "performanceInsights": False,
            "deletionProtection": False,
            "finalSnapshot": False,
            "name": "letters",
            "username": "writer",
        },
        "registry": {"keepImages": 4, "scanOnPush": False},
        "secrets": {
            "googleAPIKey": {"secretKeyRef": {"name": "gemini", "key": "api-key"}},
            "firebaseServiceAccount": {"secretARN": arn},
        },
        "loadBalancer": {"deletionProtection": False, "accessLogs": {"enabled": True, "retentionDays": 5}},
        "domain": {
            "name": "app.example.com",
            "hostedZoneID": zone["Id"].rpartition("/")[2],
            "credentials": {"roleARN": "arn:aws:iam::333333333333:role/dns", "externalID": "dns"},
        },
        "monitoring": {
            "logRetentionDays": 30,
            "alarms": {
                "serviceErrorPercent": 2,
                "serviceCPUPercent": 70,
                "databaseCPUPercent": 60,
                "databaseFreeStorageGiB": 5,
                "databaseConnectionsPercent": 50,
                "databaseFreeMemoryPercent": 10,
            },
            "notifications": {"emails": ["oncall@example.com"], "topicARN": topic},
        },
        "waf": {"enabled": True, "rateLimit": 700},
        "budget": {"monthlyUSD": 1000},
        "tags": {"team": "grief"},
    }
    # No prices are known for this region: under a budget, that waits for somebody who answers for it.
    app.until(lambda _: app.reason("Ready") == "ApprovalRequired", "held by its budget")
    assert "spec.budget.monthlyUSD (1000)" in app.condition("Ready")["message"]
    approve(app)
    app.settle()
    return app


def approve(app: App) -> None:
    app.annotate("approve", app.body["status"]["plan"]["id"])


def test_it_is_in_sync(app):
    assert changes(app.calls(app.observe_now)) == {}
    assert app.condition("InSync")["status"] == "True"


def test_access_logs(app):
    s3, name = app.client("s3"), app.body["status"]["outputs"]["accessLogBucket"]
    assert name == f"whole-alb-logs-{ACCOUNT}-eu-west-1"
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    [rule] = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert rule["Expiration"]["Days"] == 5
    assert s3.list_objects_v2(Bucket=name)["KeyCount"] == 1


def test_firewall(app):
    [balancer] = app.client("elbv2").describe_load_balancers()["LoadBalancers"]
    acl = app.client("wafv2").get_web_acl_for_resource(ResourceArn=balancer["LoadBalancerArn"])["WebACL"]
    assert acl["Name"] == "whole-waf"
    assert acl["Rules"][0]["Statement"]["RateBasedStatement"]["Limit"] == 700


def test_network(app):
    ec2 = app.client("ec2")
    mine = [{"Name": "tag:missyou.app/stack", "Values": ["default/every"]}]
    subnets = ec2.describe_subnets(Filters=mine)["Subnets"]
    assert {subnet["AvailabilityZone"] for subnet in subnets} == {"eu-west-1b", "eu-west-1c"}
    assert {subnet["CidrBlock"].rpartition("/")[2] for subnet in subnets} == {"25"}
    gateways = ec2.describe_nat_gateways(Filters=mine)["NatGateways"]
    assert len(gateways) == 1
    assert {"Key": "team", "Value": "grief"} in gateways[0]["Tags"]
    endpoints = ec2.describe_vpc_endpoints(Filters=mine)["VpcEndpoints"]
    assert {row["VpcEndpointType"] for row in endpoints} == {"Interface"}


def test_domain(app):
    assert app.body["status"]["url"] == "https://app.example.com"


def test_service(app):
    ecs = app.client("ecs")
    definition = ecs.describe_task_definition(taskDefinition="whole")["taskDefinition"]
    [container] = definition["containerDefinitions"]
    assert (definition["cpu"], definition["memory"]) == ("1024", "3072")
    assert "/whole@sha256:" in container["image"]
    assert container["dockerLabels"] == {"missyou.app/tag": "v9"}
    environment = {entry["name"]: entry["value"] for entry in container["environment"]}
    assert environment.pop("DATABASE_SECRET") == "whole/db_credentials"
    assert environment == {"GREETING": "hello", "PORT": "9000", "DEBUG": "true"}
    assert {secret["name"] for secret in container["secrets"]} == {
        "DATABASE_URL",
        "GOOGLE_API_KEY",
        "FIREBASE_SERVICE_ACCOUNT_KEY",
    }
    [service] = ecs.describe_services(cluster="whole-cluster", services=["whole-service"])["services"]
    assert service["runningCount"] == 3
    scaling = app.client("application-autoscaling")
    [target] = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (3, 6)
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    found = {
        (p["TargetValue"], p["ScaleOutCooldown"], p["ScaleInCooldown"])
        for p in (policy["TargetTrackingScalingPolicyConfiguration"] for policy in policies)
    }
    assert found == {(55.0, 30, 120), (65.0, 30, 120)}


def test_balancing(app):
    elb = app.client("elbv2")
    [group] = elb.describe_target_groups()["TargetGroups"]
    assert (group["HealthCheckPath"], group["HealthCheckIntervalSeconds"]) == ("/up", 15)
    targets = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    assert {target["Target"]["Port"] for target in targets} == {9000}  # each has its own: the group's is a default
    [balancer] = elb.describe_load_balancers()["LoadBalancers"]
    rows = elb.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])["Attributes"]
    assert {"Key": "deletion_protection.enabled", "Value": "false"} in rows


def test_database(app):
    [db] = app.client("rds").describe_db_instances()["DBInstances"]
    wanted = {
        "DBInstanceIdentifier": "whole-db",
        "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": 30,
        "MaxAllocatedStorage": 90,
        "MultiAZ": False,
        "BackupRetentionPeriod": 3,
        "PreferredBackupWindow": "01:00-02:00",
        "PreferredMaintenanceWindow": "tue:02:00-tue:03:00",
        "DeletionProtection": False,
        "DBName": "letters",
        "MasterUsername": "writer",
    }
    assert {key: db[key] for key in wanted} == wanted
    assert {"Key": "missyou.app/restored-from", "Value": "inherited"} in db["TagList"]
    assert db["EngineVersion"].startswith("16.")
    assert not db.get("PerformanceInsightsEnabled")
    assert db["DBParameterGroups"][0]["DBParameterGroupName"] == "whole-postgres16"
    secret = app.client("secretsmanager").get_secret_value(SecretId="whole/db_credentials")["SecretString"]
    assert json.loads(secret)["DATABASE_URL"].startswith("postgresql://writer:")


def test_registry_and_monitoring(app):
    ecr = app.client("ecr")
    [repository] = ecr.describe_repositories()["repositories"]
    assert repository["imageScanningConfiguration"]["scanOnPush"] is False
    policy = json.loads(ecr.get_lifecycle_policy(repositoryName="whole")["lifecyclePolicyText"])
    assert policy["rules"][-1]["selection"]["countNumber"] == 4
    groups = app.client("logs").describe_log_groups()["logGroups"]
    kept = {group["logGroupName"]: group["retentionInDays"] for group in groups}
    assert kept == {"/ecs/whole": 30, "/aws/rds/instance/whole-db/postgresql": 30, "/ecs/whole/vpc-flow": 7}
    alarms = app.client("cloudwatch").describe_alarms(AlarmNamePrefix="whole-")["MetricAlarms"]
    limits = {alarm["AlarmName"]: alarm["Threshold"] for alarm in alarms}
    assert limits == {
        "whole-alb-healthy": 1.0,
        "whole-alb-5xx": 2.0,
        "whole-alb-unhealthy": 0.0,
        "whole-ecs-cpu": 70.0,
        "whole-rds-cpu": 60.0,
        "whole-rds-storage": 5.0 * 1024**3,
        "whole-rds-connections": float(most_connections("db.t4g.micro") // 2),
        "whole-rds-memory": float(1024**3 // 10),
    }
    own = f"arn:aws:sns:eu-west-1:{ACCOUNT}:whole-alarms"
    assert all(set(alarm["AlarmActions"]) == {own, own.replace("whole-alarms", "pager")} for alarm in alarms)
    [subscription] = app.client("sns").list_subscriptions_by_topic(TopicArn=own)["Subscriptions"]
    assert subscription["Endpoint"] == "oncall@example.com"


def test_it_goes_without_a_snapshot_and_leaves_what_is_not_its_own(app):
    app.deletion_pass()
    assert "the last copy of its data: no final snapshot is taken" in app.condition("Stalled")["message"]
    approve(app)
    app.delete()
    assert app.client("rds").describe_db_instances()["DBInstances"] == []
    final = [
        s for s in app.client("rds").describe_db_snapshots()["DBSnapshots"] if "final" in s["DBSnapshotIdentifier"]
    ]
    assert final == []
    assert [s["Name"] for s in app.client("secretsmanager").list_secrets()["SecretList"]] == ["shared/firebase"]


def test_an_image_from_elsewhere_needs_no_push(aws):
    app = App(aws, "foreign", environment="Development", image={"repository": "registry.example.com/missyou"})
    app.until(lambda _: app.condition("Ready")["status"] == "True", "Ready")
    assert "registry.example.com/missyou" in app.condition("RegistryReady")["message"]
    assert app.body["status"]["image"] == "registry.example.com/missyou:latest"
    app.delete()
