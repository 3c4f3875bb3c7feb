"""Every row of the Terraform project that this replaces, as AWS shows it to somebody who is not the operator."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from missyou_operator.stack.alarms import ERROR_RATE
from tests.sim.app import App


@pytest.fixture(scope="module", params=["Production", "Development"])
def app(request, aws) -> App:
    """The stack of each sample, Ready."""
    app = App(aws, f"rows-{request.param[:4].lower()}", environment=request.param)
    app.grow()
    return app


def is_production(app: App) -> bool:
    return app.body["spec"]["environment"] == "Production"


def names(rows) -> dict:
    return {next(t["Value"] for t in row["Tags"] if t["Key"] == "Name"): row for row in rows}


def mine(app: App):
    return [{"Name": "tag:missyou.app/stack", "Values": [f"default/{app.name}"]}]


def test_vpc_with_dns(app):
    ec2 = app.client("ec2")
    [vpc] = ec2.describe_vpcs(Filters=mine(app))["Vpcs"]
    assert vpc["CidrBlock"] == "10.0.0.0/16"
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        answer = ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=attribute)
        assert answer[attribute[0].upper() + attribute[1:]] == {"Value": True}


def test_six_subnets_over_two_zones(app):
    subnets = names(app.client("ec2").describe_subnets(Filters=mine(app))["Subnets"])
    blocks = {name.removeprefix(f"{app.name}-"): row["CidrBlock"] for name, row in subnets.items()}
    assert blocks == {
        "public-a": "10.0.0.0/24",
        "public-b": "10.0.1.0/24",
        "app-a": "10.0.10.0/24",
        "app-b": "10.0.11.0/24",
        "db-a": "10.0.20.0/24",
        "db-b": "10.0.21.0/24",
    }
    for tier in ("public", "app", "db"):
        zones = {subnets[f"{app.name}-{tier}-{letter}"]["AvailabilityZone"] for letter in "ab"}
        assert len(zones) == 2


def test_nat_gateways_and_ways_out(app):
    ec2 = app.client("ec2")
    gateways = {g["NatGatewayId"]: g for g in ec2.describe_nat_gateways(Filters=mine(app))["NatGateways"]}
    alive = {id_ for id_, gateway in gateways.items() if gateway["State"] == "available"}
    assert len(alive) == (2 if is_production(app) else 1)
    assert all(gateways[id_]["NatGatewayAddresses"][0].get("AllocationId") for id_ in alive)
    tables = names(ec2.describe_route_tables(Filters=mine(app))["RouteTables"])
    ways = {}
    for name, table in tables.items():
        [way] = [
            r.get("NatGatewayId") or r.get("GatewayId")
            for r in table["Routes"]
            if r.get("DestinationCidrBlock") == "0.0.0.0/0"
        ] or [None]
        ways[name.removeprefix(f"{app.name}-")] = way
    assert ways["public"].startswith("igw-")
    assert ways["db"] is None
    assert {ways["app-a"], ways["app-b"]} == alive
    if is_production(app):
        subnets = {s["SubnetId"]: s["AvailabilityZone"] for s in ec2.describe_subnets(Filters=mine(app))["Subnets"]}
        for letter in "ab":
            table = tables[f"{app.name}-app-{letter}"]
            [subnet] = [a["SubnetId"] for a in table["Associations"]]
            assert subnets[subnet] == subnets[gateways[ways[f"app-{letter}"]]["SubnetId"]]


def test_security_groups_let_through_what_is_needed_and_no_more(app):
    ec2 = app.client("ec2")
    groups = {g["GroupId"]: g["GroupName"] for g in ec2.describe_security_groups(Filters=mine(app))["SecurityGroups"]}
    rows = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": list(groups)}])
    rules = set()
    for row in rows["SecurityGroupRules"]:
        peer = row.get("CidrIpv4") or groups[row["ReferencedGroupInfo"]["GroupId"]]
        direction = "out" if row["IsEgress"] else "in"
        rules.add((groups[row["GroupId"]], direction, row["IpProtocol"], row["FromPort"], peer))
    alb, ecs, rds = (f"{app.name}-{suffix}" for suffix in ("alb", "ecs", "rds"))
    assert rules == {
        (alb, "in", "tcp", 80, "0.0.0.0/0"),
        (alb, "in", "tcp", 443, "0.0.0.0/0"),
        (alb, "out", "tcp", 8000, ecs),
        (ecs, "in", "tcp", 8000, alb),
        (ecs, "out", "tcp", 443, "0.0.0.0/0"),
        (ecs, "out", "tcp", 5432, rds),
        (rds, "in", "tcp", 5432, ecs),
    }


def test_database(app):
    rds = app.client("rds")
    [db] = rds.describe_db_instances(DBInstanceIdentifier=f"{app.name}-db")["DBInstances"]
    assert db["Engine"] == "postgres"
    assert db["EngineVersion"].startswith("15.")
    wanted = {
        "DBInstanceClass": "db.t3.micro",
        "AllocatedStorage": 20,
        "MaxAllocatedStorage": 100,
        "StorageType": "gp3",
        "StorageEncrypted": True,
        "MultiAZ": is_production(app),
        "BackupRetentionPeriod": 7,
        "PerformanceInsightsEnabled": True,
        "EnabledCloudwatchLogsExports": ["postgresql"],
        "PubliclyAccessible": False,
        "CopyTagsToSnapshot": True,
        "DeletionProtection": is_production(app),
        "DBName": "missyou",
        "MasterUsername": "missyou",
    }
    assert {key: db[key] for key in wanted} == wanted
    assert db["DBSubnetGroup"]["DBSubnetGroupName"] == f"{app.name}-db"
    group = db["DBParameterGroups"][0]["DBParameterGroupName"]
    parameters = rds.describe_db_parameters(DBParameterGroupName=group, Source="user")["Parameters"]
    assert ("rds.force_ssl", "1") in {(p["ParameterName"], p.get("ParameterValue")) for p in parameters}


def test_database_credentials(app):
    value = app.client("secretsmanager").get_secret_value(SecretId=f"{app.name}/db_credentials")["SecretString"]
    secret = json.loads(value)
    url = urlsplit(secret["DATABASE_URL"])
    [db] = app.client("rds").describe_db_instances(DBInstanceIdentifier=f"{app.name}-db")["DBInstances"]
    assert (url.scheme, url.username, url.password) == ("postgresql", "missyou", secret["password"])
    assert (url.hostname, url.port, url.path) == (db["Endpoint"]["Address"], 5432, "/missyou")
    assert url.query == "sslmode=verify-full"
    assert (secret["host"], str(secret["port"]), secret["dbname"]) == (url.hostname, "5432", "missyou")
    assert len(secret["password"]) >= 32


def test_registry(app):
    ecr = app.client("ecr")
    [repository] = ecr.describe_repositories(repositoryNames=[app.name])["repositories"]
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["encryptionConfiguration"]["encryptionType"] == "AES256"
    policy = json.loads(ecr.get_lifecycle_policy(repositoryName=app.name)["lifecyclePolicyText"])
    kept, rule = policy["rules"]
    assert kept["selection"]["tagPatternList"] == ["latest"]
    assert (rule["selection"]["countType"], rule["selection"]["countNumber"]) == ("imageCountMoreThan", 10)
    assert rule["action"] == {"type": "expire"}


def test_task_definition(app):
    definition = app.client("ecs").describe_task_definition(taskDefinition=app.name)["taskDefinition"]
    size = ("512", "1024") if is_production(app) else ("256", "512")
    assert (definition["cpu"], definition["memory"]) == size
    assert definition["requiresCompatibilities"] == ["FARGATE"]
    [container] = definition["containerDefinitions"]
    assert container["name"] == "app"
    assert f"/{app.name}@sha256:" in container["image"]
    assert container["dockerLabels"] == {"missyou.app/tag": "latest"}
    assert (container["readonlyRootFilesystem"], container["user"]) == (True, "65532:65532")
    linux = container["linuxParameters"]
    assert (linux["capabilities"], linux["initProcessEnabled"]) == ({"drop": ["ALL"]}, True)
    assert [mount["containerPath"] for mount in linux["tmpfs"]] == ["/tmp"]
    assert container["portMappings"][0]["containerPort"] == 8000
    assert {(e["name"], e["value"]) for e in container["environment"]} == {
        *(("PORT", "8000"), ("DEBUG", "false")),
        # Where the app finds the next password while it is being replaced: docs/rotation.md.
        ("DATABASE_SECRET", f"{app.name}/db_credentials"),
    }
    arn = app.client("secretsmanager").describe_secret(SecretId=f"{app.name}/db_credentials")["ARN"]
    assert container["secrets"] == [{"name": "DATABASE_URL", "valueFrom": f"{arn}:DATABASE_URL::"}]
    assert container["logConfiguration"]["options"]["awslogs-group"] == f"/ecs/{app.name}"


def test_roles_may_do_little(app):
    iam = app.client("iam")
    documents = {}
    for purpose in ("execution", "task"):
        role = f"{app.name}-us-east-1-{purpose}"
        assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
        documents[purpose] = [
            iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]
        ]
    [[own]] = [document["Statement"] for document in documents["task"]]
    assert own["Action"] == ["secretsmanager:GetSecretValue"]
    assert [arn.partition(":secret:")[2] for arn in own["Resource"]] == [f"{app.name}/db_credentials-??????"]
    [document] = documents["execution"]
    for statement in document["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        assert all("*" not in action for action in actions)
        if actions != ["ecr:GetAuthorizationToken"]:
            assert all(app.name in resource for resource in resources)


def test_service(app):
    [service] = app.client("ecs").describe_services(cluster=f"{app.name}-cluster", services=[f"{app.name}-service"])[
        "services"
    ]
    tasks = 2 if is_production(app) else 1
    assert (service["status"], service["runningCount"], service["desiredCount"]) == ("ACTIVE", tasks, tasks)
    breaker = service["deploymentConfiguration"]["deploymentCircuitBreaker"]
    assert (breaker["enable"], breaker["rollback"]) == (True, True)
    assert service["healthCheckGracePeriodSeconds"] == 120
    network = service["networkConfiguration"]["awsvpcConfiguration"]
    assert network["assignPublicIp"] == "DISABLED"
    subnets = names(app.client("ec2").describe_subnets(Filters=mine(app))["Subnets"])
    assert set(network["subnets"]) == {subnets[f"{app.name}-app-{letter}"]["SubnetId"] for letter in "ab"}
    [deployment] = service["deployments"]
    assert deployment["rolloutState"] == "COMPLETED"


def test_scaling(app):
    scaling = app.client("application-autoscaling")
    resource = f"service/{app.name}-cluster/{app.name}-service"
    [target] = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[resource])["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == ((2, 10) if is_production(app) else (1, 2))
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=resource)["ScalingPolicies"]
    found = {}
    for policy in policies:
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        metric = tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
        found[metric] = (tracking["TargetValue"], tracking["ScaleOutCooldown"], tracking["ScaleInCooldown"])
    assert found == {
        "ECSServiceAverageCPUUtilization": (70.0, 60, 300),
        "ECSServiceAverageMemoryUtilization": (80.0, 60, 300),
    }


def test_load_balancer(app):
    elb = app.client("elbv2")
    [balancer] = elb.describe_load_balancers(Names=[f"{app.name}-alb"])["LoadBalancers"]
    assert (balancer["Scheme"], balancer["Type"], len(balancer["AvailabilityZones"])) == (
        "internet-facing",
        "application",
        2,
    )
    rows = elb.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])["Attributes"]
    attributes = {row["Key"]: row["Value"] for row in rows}
    assert attributes["load_balancing.cross_zone.enabled"] == "true"
    assert attributes["deletion_protection.enabled"] == str(is_production(app)).lower()
    [listener] = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert (listener["Protocol"], listener["Port"]) == ("HTTP", 80)
    group_arn = listener["DefaultActions"][0]["TargetGroupArn"]
    [group] = elb.describe_target_groups(TargetGroupArns=[group_arn])["TargetGroups"]
    assert group["TargetGroupName"].startswith(f"{app.name}-tg-")
    assert (group["HealthCheckPath"], group["HealthCheckIntervalSeconds"]) == ("/health", 30)
    states = elb.describe_target_health(TargetGroupArn=group_arn)["TargetHealthDescriptions"]
    healthy = [row for row in states if row["TargetHealth"]["State"] == "healthy"]
    assert len(healthy) == (2 if is_production(app) else 1)


def test_log_groups_expire(app):
    groups = app.client("logs").describe_log_groups()["logGroups"]
    days = {group["logGroupName"]: group.get("retentionInDays") for group in groups}
    assert days[f"/ecs/{app.name}"] == 7
    assert days[f"/aws/rds/instance/{app.name}-db/postgresql"] == 7


def test_alarms(app):
    alarms = app.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{app.name}-")["MetricAlarms"]
    found = {a["AlarmName"].removeprefix(f"{app.name}-"): (a.get("MetricName"), a["Threshold"]) for a in alarms}
    assert found == {
        "alb-healthy": ("HealthyHostCount", 1.0),
        "alb-5xx": (None, 5.0),
        "alb-unhealthy": ("UnHealthyHostCount", 0.0),
        "ecs-cpu": ("CPUUtilization", 80.0),
        "rds-cpu": ("CPUUtilization", 80.0),
        "rds-storage": ("FreeStorageSpace", 2.0 * 1024**3),
        "rds-connections": ("DatabaseConnections", 64.0),
        "rds-memory": ("FreeableMemory", float(1024**3 * 5 // 100)),
    }
    balancer = app.client("elbv2").describe_load_balancers(Names=[f"{app.name}-alb"])["LoadBalancers"][0]
    suffix = balancer["LoadBalancerArn"].partition(":loadbalancer/")[2]
    by_name = {alarm["AlarmName"]: alarm for alarm in alarms}
    watched = {d["Name"]: d["Value"] for d in by_name[f"{app.name}-alb-healthy"]["Dimensions"]}
    assert watched["LoadBalancer"] == suffix
    assert watched["TargetGroup"].startswith(f"targetgroup/{app.name}-tg-")
    [result] = [query for query in by_name[f"{app.name}-alb-5xx"]["Metrics"] if query["ReturnData"]]
    assert result["Expression"] == ERROR_RATE


def test_status_tells_all_this(app):
    status = app.body["status"]
    tasks = 2 if is_production(app) else 1
    assert status["tasks"] == f"{tasks}/{tasks}"
    assert status["image"] == f"{app.name}:latest"
    assert status["url"].startswith("http://")
    assert {c["type"] for c in status["conditions"] if c["status"] == "True"} >= {
        "Ready",
        "InSync",
        *(f"{part}Ready" for part in ("Network", "Database", "Registry", "Secrets", "Service", "Monitoring")),
        "LoadBalancerReady",
    }
    assert all(resource["id"] for resource in status["resources"])
    outputs = status["outputs"]
    assert outputs["albURL"] == status["url"]
    assert outputs["databaseEngineVersion"].startswith("15.")


def test_all_that_can_be_tagged_is(app):
    """The tags are the only state, so each kind is asked for them in its own way."""
    arns = []
    arns += [
        s["SecretARN"] if "SecretARN" in s else s["ARN"]
        for s in app.client("secretsmanager").list_secrets(Filters=[{"Key": "name", "Values": [f"{app.name}/"]}])[
            "SecretList"
        ]
    ]
    rds = app.client("rds")
    for arn in (
        rds.describe_db_instances(DBInstanceIdentifier=f"{app.name}-db")["DBInstances"][0]["DBInstanceArn"],
        rds.describe_db_subnet_groups(DBSubnetGroupName=f"{app.name}-db")["DBSubnetGroups"][0]["DBSubnetGroupArn"],
    ):
        tags = {t["Key"]: t["Value"] for t in rds.list_tags_for_resource(ResourceName=arn)["TagList"]}
        assert tags["missyou.app/stack"] == f"default/{app.name}"
        assert tags["missyou.app/cluster"] == "cluster-uid"
        assert tags["missyou.app/component"] == "Database"
        assert tags["Environment"] == app.body["spec"]["environment"]
        assert tags["Name"]
    assert arns


def test_aws_accepts_every_read(app):
    app.settle()
    refused = {"ValidationException", "ValidationError", "InvalidParameterValue", "InvalidParameterCombination"}
    reads = [e for e in app.aws.control.ledger.entries() if e["operation"].partition(":")[2].startswith("Describe")]
    assert reads
    assert not [e["operation"] for e in reads if e["error"] in refused]
