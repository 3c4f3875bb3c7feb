"""The project that this one replaces, as Terraform leaves it in AWS, and the state that Terraform keeps of it.

The resources are those of the old project's .tf files; names with a `name_prefix` end in what Terraform makes up. The
state is of version 4, and written from what AWS answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .aws import REGION, Aws

ACCOUNT = "123456789012"
PASSWORD = "Terraform-made-1"
GEMINI_KEY, FIREBASE_KEY = "gemini-key-in-the-state", "firebase-key-in-the-state"
#: What Terraform appends to a `name_prefix`: time and a counter, in 26 digits.
UNIQUE = "20240311101530987600000001"
_DIMENSION = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
_PROVIDER = 'provider["registry.terraform.io/hashicorp/aws"]'
_ECS_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": 2,
        "digest": f"sha256:{'0' * 64}",
    },
    "layers": [],
}
_SIDECAR = "public.ecr.aws/xray/aws-xray-daemon:3.3.12"
_FROM_ANYWHERE = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


class Project:
    """The project, applied.

    `blocks`: those of its subnets, by tier, one for each zone. `nats`: the zones with a NAT gateway; those without one
    use the first. `sidecar`: whether the tasks have a second container.
    """

    def __init__(
        self,
        aws: Aws,
        blocks: Mapping[str, tuple[str, ...]] | None = None,
        *,
        name: str = "miss-you-app",
        key: str = "password",
        nats: str | None = None,
        sidecar: bool = False,
    ) -> None:
        self.aws, self.name, self._password_key, self._sidecar = aws, name, key, sidecar
        self.blocks = blocks or {
            "public": ("10.0.0.0/24", "10.0.1.0/24"),
            "app": ("10.0.10.0/24", "10.0.11.0/24"),
            "db": ("10.0.20.0/24", "10.0.21.0/24"),
        }
        self.zones = "abc"[: len(self.blocks["public"])]
        self._nats = self.zones if nats is None else nats
        self.resources: list[dict[str, Any]] = []
        self._network()
        self._groups()
        self._database()
        self._secrets()
        self._balancer()
        self._service()
        self._alarms()

    def client(self, service: str) -> Any:
        return self.aws.client(service)

    def state(self) -> dict[str, Any]:
        """Return the state of version 4: one entry for each resource block, with its instances."""
        return {
            "version": 4,
            "terraform_version": "1.9.5",
            "serial": 42,
            "lineage": "6f1c3ba2-0000-4000-8000-2f8f1d9a7e11",
            "outputs": {"rds_endpoint": {"value": self.endpoint, "type": "string"}},
            "resources": self.resources,
            "check_results": None,
        }

    def keep(
        self,
        address: str,
        instances: Sequence[Mapping[str, Any]] | Mapping[str, Any],
        *,
        module: str = "",
        sensitive: str = "",
    ) -> None:
        """Add a resource block to the state. Several instances are counted; a mapping of mappings is a `for_each`."""
        type_, _, name = address.partition(".")
        rows: list[dict[str, Any]] = []
        several = not isinstance(instances, Mapping)
        for index, attributes in enumerate([instances] if isinstance(instances, Mapping) else instances):
            paths = [[{"type": "get_attr", "value": sensitive}]] if sensitive else []
            rows.append(
                {
                    **({"index_key": index} if several else {}),
                    "schema_version": 0,
                    "attributes": dict(attributes),
                    "sensitive_attributes": paths,
                }
            )
        self.resources.append(
            {
                **({"module": module} if module else {}),
                "mode": "managed",
                "type": type_,
                "name": name,
                "provider": _PROVIDER,
                "instances": rows,
            }
        )

    def _tag(self, kind: str, name: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": self._tags(name)}]

    def _tags(self, name: str) -> list[dict[str, str]]:
        return [
            {"Key": "Name", "Value": name},
            {"Key": "Project", "Value": self.name},
            {"Key": "ManagedBy", "Value": "terraform"},
        ]

    def _network(self) -> None:
        ec2, name, module = self.client("ec2"), self.name, "module.network"
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=self._tag("vpc", f"{name}-vpc"))["Vpc"][
            "VpcId"
        ]
        ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        self.keep("aws_vpc.main", {"id": self.vpc, "cidr_block": "10.0.0.0/16"}, module=module)
        igw = ec2.create_internet_gateway(TagSpecifications=self._tag("internet-gateway", f"{name}-igw"))
        self.igw = igw["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.igw, VpcId=self.vpc)
        self.keep("aws_internet_gateway.main", {"id": self.igw, "vpc_id": self.vpc}, module=module)
        self.subnets: dict[str, list[str]] = {}
        for tier, word, block_name in (
            ("public", "public", "public"),
            ("app", "private-app", "private_app"),
            ("db", "private-db", "private_db"),
        ):
            self.subnets[tier] = [
                ec2.create_subnet(
                    VpcId=self.vpc,
                    CidrBlock=block,
                    AvailabilityZone=f"{REGION}{letter}",
                    TagSpecifications=self._tag("subnet", f"{name}-{word}-subnet-{number}"),
                )["Subnet"]["SubnetId"]
                for number, (letter, block) in enumerate(zip(self.zones, self.blocks[tier], strict=True), 1)
            ]
            rows = [{"id": id_, "vpc_id": self.vpc} for id_ in self.subnets[tier]]
            self.keep(f"aws_subnet.{block_name}", rows, module=module)
        self.addresses, self.nats = [], []
        public_subnets = dict(zip(self.zones, self.subnets["public"], strict=True))
        for number, subnet in enumerate((public_subnets[letter] for letter in self._nats), 1):
            address = ec2.allocate_address(
                Domain="vpc", TagSpecifications=self._tag("elastic-ip", f"{name}-nat-eip-{number}")
            )["AllocationId"]
            self.addresses.append(address)
            nat = ec2.create_nat_gateway(
                SubnetId=subnet,
                AllocationId=address,
                TagSpecifications=self._tag("natgateway", f"{name}-nat-{number}"),
            )
            self.nats.append(nat["NatGateway"]["NatGatewayId"])
        self.aws.clock.now += 600
        self.keep("aws_eip.nat", [{"id": id_} for id_ in self.addresses], module=module)
        self.keep("aws_nat_gateway.main", [{"id": id_} for id_ in self.nats], module=module)
        public = self._routes("public-rt", self.subnets["public"], {"GatewayId": self.igw})
        ways = dict(zip(self._nats, self.nats, strict=True))
        app = [
            self._routes(f"private-app-rt-{number}", [subnet], {"NatGatewayId": ways.get(letter, self.nats[0])})
            for number, (letter, subnet) in enumerate(zip(self.zones, self.subnets["app"], strict=True), 1)
        ]
        database = self._routes("private-db-rt", self.subnets["db"], {})
        self.route_tables = [public, *app, database]
        self.keep("aws_route_table.public", {"id": public}, module=module)
        self.keep("aws_route_table.private_app", [{"id": id_} for id_ in app], module=module)
        self.keep("aws_route_table.private_db", {"id": database}, module=module)
        for block, tier, tables in (
            ("public", "public", [public] * len(self.zones)),
            ("private_app", "app", app),
            ("private_db", "db", [database] * len(self.zones)),
        ):
            pairs = zip(self.subnets[tier], tables, strict=True)
            rows = [{"id": f"rtbassoc-{id_}", "subnet_id": id_, "route_table_id": table} for id_, table in pairs]
            self.keep(f"aws_route_table_association.{block}", rows, module=module)

    def _routes(self, name: str, subnets: Sequence[str], target: Mapping[str, str]) -> str:
        ec2 = self.client("ec2")
        made = ec2.create_route_table(VpcId=self.vpc, TagSpecifications=self._tag("route-table", f"{self.name}-{name}"))
        table = str(made["RouteTable"]["RouteTableId"])
        if target:
            ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)
        for subnet in subnets:
            ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        return table

    def _groups(self) -> None:
        ec2 = self.client("ec2")
        self.groups: dict[str, str] = {}
        for key in ("alb", "ecs", "rds"):
            made = ec2.create_security_group(
                GroupName=f"{self.name}-{key}-sg-{UNIQUE}",
                Description="Managed by Terraform",
                VpcId=self.vpc,
                TagSpecifications=self._tag("security-group", f"{self.name}-{key}-sg"),
            )
            self.groups[key] = made["GroupId"]
        web = [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **_FROM_ANYWHERE} for port in (80, 443)]
        ec2.authorize_security_group_ingress(GroupId=self.groups["alb"], IpPermissions=web)
        for group, port, peer in (("ecs", 8000, "alb"), ("rds", 5432, "ecs")):
            rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
            pair = {"UserIdGroupPairs": [{"GroupId": self.groups[peer], "Description": f"from {peer}"}]}
            ec2.authorize_security_group_ingress(GroupId=self.groups[group], IpPermissions=[{**rule, **pair}])
        for key, id_ in self.groups.items():
            self.keep(f"aws_security_group.{key}", {"id": id_, "name": f"{self.name}-{key}-sg-{UNIQUE}"})

    def _database(self) -> None:
        rds, name = self.client("rds"), self.name
        rds.create_db_subnet_group(
            DBSubnetGroupName=f"{name}-db-subnet-group",
            DBSubnetGroupDescription="Managed by Terraform",
            SubnetIds=self.subnets["db"],
            Tags=self._tags(f"{name}-db-subnet-group"),
        )
        self.keep("aws_db_subnet_group.main", {"id": f"{name}-db-subnet-group", "name": f"{name}-db-subnet-group"})
        self.database = f"{name}-postgres"
        rds.create_db_instance(
            DBInstanceIdentifier=self.database,
            Engine="postgres",
            EngineVersion="15.16",
            DBInstanceClass="db.t3.micro",
            AllocatedStorage=20,
            MaxAllocatedStorage=100,
            StorageType="gp2",
            StorageEncrypted=True,
            DBName="missyouapp",
            MasterUsername="dbadmin",
            MasterUserPassword=PASSWORD,
            DBSubnetGroupName=f"{name}-db-subnet-group",
            VpcSecurityGroupIds=[self.groups["rds"]],
            MultiAZ=True,
            BackupRetentionPeriod=7,
            PreferredBackupWindow="03:00-04:00",
            PreferredMaintenanceWindow="mon:04:00-mon:05:00",
            EnablePerformanceInsights=True,
            EnableCloudwatchLogsExports=["postgresql"],
            DeletionProtection=True,
            CopyTagsToSnapshot=True,
            Tags=self._tags(self.database),
        )
        self.aws.clock.now += 1800
        row = rds.describe_db_instances(DBInstanceIdentifier=self.database)["DBInstances"][0]
        assert row["DBInstanceStatus"] == "available", row["DBInstanceStatus"]
        self.endpoint = row["Endpoint"]["Address"]
        self.keep(
            "aws_db_instance.main",
            {
                "id": row["DbiResourceId"],
                "identifier": self.database,
                "arn": row["DBInstanceArn"],
                "password": PASSWORD,
                "username": "dbadmin",
            },
            sensitive="password",
        )

    def _secrets(self) -> None:
        url = f"postgresql://dbadmin:{PASSWORD}@{self.endpoint}:5432/missyouapp"
        credentials = {"username": "dbadmin", self._password_key: PASSWORD, "DATABASE_URL": url}
        self.secrets: dict[str, str] = {}
        for key, value in (
            ("db_credentials", json.dumps(credentials)),
            ("google_api_key", GEMINI_KEY),
            ("firebase_key", FIREBASE_KEY),
        ):
            name = f"{self.name}-{key.replace('_', '-')}-{UNIQUE}"
            made = self.client("secretsmanager").create_secret(Name=name, SecretString=value, Tags=self._tags(name))
            self.secrets[key] = made["ARN"]
            self.keep(f"aws_secretsmanager_secret.{key}", [{"id": made["ARN"], "arn": made["ARN"], "name": name}])
            self.keep(
                f"aws_secretsmanager_secret_version.{key}",
                [{"id": f"{made['ARN']}|{made['VersionId']}", "secret_id": made["ARN"], "secret_string": value}],
                sensitive="secret_string",
            )

    def _balancer(self) -> None:
        elb, name = self.client("elbv2"), self.name
        self.balancer = elb.create_load_balancer(
            Name=f"{name}-alb",
            Subnets=self.subnets["public"],
            SecurityGroups=[self.groups["alb"]],
            Tags=self._tags(f"{name}-alb"),
        )["LoadBalancers"][0]["LoadBalancerArn"]
        self.target_group = elb.create_target_group(
            Name=f"{name}-tg",
            Protocol="HTTP",
            Port=8000,
            VpcId=self.vpc,
            TargetType="ip",
            HealthCheckPath="/health",
            HealthCheckIntervalSeconds=30,
            HealthCheckTimeoutSeconds=5,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=3,
            Matcher={"HttpCode": "200"},
            Tags=self._tags(f"{name}-tg"),
        )["TargetGroups"][0]["TargetGroupArn"]
        self.listener = elb.create_listener(
            LoadBalancerArn=self.balancer,
            Port=80,
            Protocol="HTTP",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.target_group}],
        )["Listeners"][0]["ListenerArn"]
        self.aws.clock.now += 600
        self.keep("aws_lb.main", {"id": self.balancer, "arn": self.balancer, "name": f"{name}-alb"})
        self.keep("aws_lb_target_group.app", {"id": self.target_group, "arn": self.target_group})
        self.keep("aws_lb_listener.http", {"id": self.listener, "arn": self.listener})

    def serve_https(self, domain: str) -> str:
        """Have it serve a host name by HTTPS, as route53.tf does; return the ARN of the certificate."""
        elb, acm, route53 = self.client("elbv2"), self.client("acm"), self.client("route53")
        zone = route53.create_hosted_zone(Name=domain.partition(".")[2], CallerReference=self.name)["HostedZone"]["Id"]
        arn = str(acm.request_certificate(DomainName=domain, ValidationMethod="DNS")["CertificateArn"])
        self.aws.clock.now += 30
        [option] = acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]
        value = {"ResourceRecords": [{"Value": option["ResourceRecord"]["Value"]}], "TTL": 300, "Type": "CNAME"}
        change = {"Action": "CREATE", "ResourceRecordSet": {"Name": option["ResourceRecord"]["Name"], **value}}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
        for _ in range(30):
            self.aws.clock.now += 60
            if acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "ISSUED":
                break
        elb.create_listener(
            LoadBalancerArn=self.balancer,
            Port=443,
            Protocol="HTTPS",
            SslPolicy="ELBSecurityPolicy-2016-08",
            Certificates=[{"CertificateArn": arn}],
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.target_group}],
        )
        redirect = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
        actions = [{"Type": "redirect", "RedirectConfig": redirect}]
        elb.modify_listener(ListenerArn=self.listener, DefaultActions=actions)
        return arn

    def _service(self) -> None:
        self._registry_and_roles()
        ecs, scaling, name = self.client("ecs"), self.client("application-autoscaling"), self.name
        cluster = ecs.create_cluster(
            clusterName=f"{name}-cluster", settings=[{"name": "containerInsights", "value": "enabled"}]
        )["cluster"]["clusterArn"]
        self.keep("aws_ecs_cluster.main", {"id": cluster, "arn": cluster, "name": f"{name}-cluster"})
        self.client("logs").create_log_group(logGroupName=f"/ecs/{name}")
        self.client("logs").put_retention_policy(logGroupName=f"/ecs/{name}", retentionInDays=7)
        self.keep("aws_cloudwatch_log_group.ecs", {"id": f"/ecs/{name}", "name": f"/ecs/{name}"})
        options = {"awslogs-group": f"/ecs/{name}", "awslogs-region": REGION, "awslogs-stream-prefix": "ecs"}
        self.task_definition = ecs.register_task_definition(
            family=f"{name}-task",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="512",
            memory="1024",
            executionRoleArn=self.roles["execution"],
            taskRoleArn=self.roles["task"],
            containerDefinitions=[
                {
                    "name": name,
                    "image": f"{self.repository}:v1",
                    "essential": True,
                    "portMappings": [{"containerPort": 8000, "protocol": "tcp"}],
                    "environment": [
                        {"name": "PORT", "value": "8000"},
                        {"name": "DEBUG", "value": "false"},
                        {"name": "LOG_LEVEL", "value": "info"},
                    ],
                    "secrets": [
                        {"name": "DATABASE_URL", "valueFrom": f"{self.secrets['db_credentials']}:DATABASE_URL::"},
                        {"name": "GOOGLE_API_KEY", "valueFrom": self.secrets["google_api_key"]},
                        {"name": "FIREBASE_SERVICE_ACCOUNT_KEY", "valueFrom": self.secrets["firebase_key"]},
                    ],
                    "logConfiguration": {"logDriver": "awslogs", "options": options},
                },
                *([{"name": "xray", "image": _SIDECAR, "essential": False}] if self._sidecar else ()),
            ],
        )["taskDefinition"]["taskDefinitionArn"]
        self.keep("aws_ecs_task_definition.app", {"id": f"{name}-task", "arn": self.task_definition})
        service = ecs.create_service(
            cluster=cluster,
            serviceName=f"{name}-service",
            taskDefinition=self.task_definition,
            desiredCount=2,
            launchType="FARGATE",
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": self.subnets["app"],
                    "securityGroups": [self.groups["ecs"]],
                    "assignPublicIp": "DISABLED",
                }
            },
            loadBalancers=[{"targetGroupArn": self.target_group, "containerName": name, "containerPort": 8000}],
            healthCheckGracePeriodSeconds=60,
            deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        )["service"]
        self.service = service["serviceArn"]
        self.keep("aws_ecs_service.app", {"id": self.service, "name": f"{name}-service", "cluster": cluster})
        self.aws.clock.now += 600
        resource = f"service/{name}-cluster/{name}-service"
        scaling.register_scalable_target(ResourceId=resource, MinCapacity=2, MaxCapacity=10, **_DIMENSION)
        self.keep("aws_appautoscaling_target.ecs", {"id": resource, "resource_id": resource})
        for metric, target in (("CPU", 70.0), ("Memory", 80.0)):
            scaling.put_scaling_policy(
                PolicyName=f"{name}-{metric.lower()}-autoscaling",
                PolicyType="TargetTrackingScaling",
                ResourceId=resource,
                TargetTrackingScalingPolicyConfiguration={
                    "PredefinedMetricSpecification": {"PredefinedMetricType": f"ECSServiceAverage{metric}Utilization"},
                    "TargetValue": target,
                    "ScaleOutCooldown": 60,
                    "ScaleInCooldown": 300,
                },
                **_DIMENSION,
            )
            self.keep(
                f"aws_appautoscaling_policy.{metric.lower()}",
                {
                    "id": f"{name}-{metric.lower()}-autoscaling",
                    "name": f"{name}-{metric.lower()}-autoscaling",
                    "resource_id": resource,
                },
            )

    def _registry_and_roles(self) -> None:
        ecr, iam, name = self.client("ecr"), self.client("iam"), self.name
        made = ecr.create_repository(repositoryName=name, imageScanningConfiguration={"scanOnPush": True})["repository"]
        self.repository = made["repositoryUri"]
        selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}
        rule = {"rulePriority": 1, "description": "Keep last 10", "selection": selection, "action": {"type": "expire"}}
        ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps({"rules": [rule]}))
        ecr.put_image(repositoryName=name, imageTag="v1", imageManifest=json.dumps(_MANIFEST))
        self.keep("aws_ecr_repository.app", {"id": name, "arn": made["repositoryArn"], "name": name})
        self.keep("aws_ecr_lifecycle_policy.app", {"id": name, "repository": name})
        self.roles: dict[str, str] = {}
        for key, role in (("execution", f"{name}-ecs-execution-role"), ("task", f"{name}-ecs-task-role")):
            trust = json.dumps(_ECS_TRUST)
            self.roles[key] = iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
            self.keep(f"aws_iam_role.ecs_{key}", {"id": role, "arn": self.roles[key], "name": role})
        managed = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
        iam.attach_role_policy(RoleName=f"{name}-ecs-execution-role", PolicyArn=managed)
        self.keep(
            "aws_iam_role_policy_attachment.ecs_execution",
            {"id": f"{name}-ecs-execution-role-{UNIQUE}", "policy_arn": managed, "role": f"{name}-ecs-execution-role"},
        )
        statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": [*self.secrets.values()]}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=f"{name}-ecs-execution-role", PolicyName="secrets", PolicyDocument=document)
        self.keep(
            "aws_iam_role_policy.secrets",
            {"id": f"{name}-ecs-execution-role:secrets", "policy": document, "role": f"{name}-ecs-execution-role"},
        )

    def _alarms(self) -> None:
        watch, name = self.client("cloudwatch"), self.name
        service = [
            {"Name": "ClusterName", "Value": f"{name}-cluster"},
            {"Name": "ServiceName", "Value": f"{name}-service"},
        ]
        database = [{"Name": "DBInstanceIdentifier", "Value": self.database}]
        for key, space, metric, dimensions, comparison, threshold in (
            ("ecs-cpu-high", "AWS/ECS", "CPUUtilization", service, "GreaterThanThreshold", 80.0),
            ("rds-cpu-high", "AWS/RDS", "CPUUtilization", database, "GreaterThanThreshold", 80.0),
            ("rds-storage-low", "AWS/RDS", "FreeStorageSpace", database, "LessThanThreshold", 2e9),
        ):
            watch.put_metric_alarm(
                AlarmName=f"{name}-{key}",
                Namespace=space,
                MetricName=metric,
                Dimensions=dimensions,
                ComparisonOperator=comparison,
                Threshold=threshold,
                EvaluationPeriods=2,
                Period=300,
                Statistic="Average",
                Tags=self._tags(f"{name}-{key}"),
            )
            self.keep(f"aws_cloudwatch_metric_alarm.{key.replace('-', '_')}", {"id": f"{name}-{key}"})
