"""Pieces of a stack that several tests need, made with plain boto3."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.local.aws.conftest import Aws

PASSWORD = "long-enough-1"
ENI_LINGERS = 10.0
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"digest": "sha256:0"},
        "layers": [],
    }
)


@dataclass(frozen=True)
class Network:
    vpc: str
    subnets: list[str]
    group: str
    gateway: str | None


def network(aws: Aws, name: str, *, gateway: bool = True) -> Network:
    """A VPC with two subnets in two zones, a group open to itself and the web, and, attached, an internet gateway."""
    ec2 = aws.ec2
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"us-east-1{'ab'[i]}")["Subnet"][
            "SubnetId"
        ]
        for i in range(2)
    ]
    group = ec2.create_security_group(VpcId=vpc, GroupName=name, Description="of a test")["GroupId"]
    web = [
        {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        for port in (80, 443)
    ]
    alike = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[alike, *web])
    igw = None
    if gateway:
        igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    return Network(vpc, subnets, group, igw)


def database(aws: Aws, name: str, **changes: Any) -> dict[str, Any]:
    """Create a database as this stack does, with changes; returns the reply."""
    params = {
        "DBInstanceIdentifier": name,
        "Engine": "postgres",
        "EngineVersion": "15.16",
        "DBInstanceClass": "db.t3.micro",
        "AllocatedStorage": 20,
        "MasterUsername": "missyou",
        "MasterUserPassword": PASSWORD,
        **changes,
    }
    reply: dict[str, Any] = aws.rds.create_db_instance(**{k: v for k, v in params.items() if v is not None})
    return reply["DBInstance"]


def balancer(aws: Aws, name: str, net: Network) -> str:
    """A load balancer in the network; returns its ARN."""
    made = aws.elbv2.create_load_balancer(Name=name, Subnets=net.subnets, SecurityGroups=[net.group])
    return str(made["LoadBalancers"][0]["LoadBalancerArn"])


def target_group(aws: Aws, name: str, net: Network, **changes: Any) -> str:
    """A target group for addresses; returns its ARN."""
    params = {"Name": name, "Protocol": "HTTP", "Port": 8000, "VpcId": net.vpc, "TargetType": "ip", **changes}
    return str(aws.elbv2.create_target_group(**params)["TargetGroups"][0]["TargetGroupArn"])


def listen(aws: Aws, load_balancer: str, group: str) -> str:
    """A listener on port 80 that forwards to the target group; returns its ARN."""
    made = aws.elbv2.create_listener(
        LoadBalancerArn=load_balancer,
        Port=80,
        Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    return str(made["Listeners"][0]["ListenerArn"])


def role(aws: Aws, name: str) -> str:
    """A role; returns its ARN."""
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    return str(aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"])


@dataclass
class App:
    """What a service needs, and the service's own calls."""

    aws: Aws
    name: str
    net: Network
    group: str
    balancer: str
    repository: str
    secret: str
    role: str

    def push(self, tag: str) -> None:
        self.aws.ecr.put_image(repositoryName=self.name, imageTag=tag, imageManifest=MANIFEST)

    def define(self, tag: str = "v1", **container: Any) -> str:
        """Register a task definition for the image of this tag; returns its ARN."""
        made = self.aws.ecs.register_task_definition(
            family=self.name,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn=self.role,
            containerDefinitions=[
                {
                    "name": "app",
                    "image": f"{self.repository}:{tag}",
                    "portMappings": [{"containerPort": 8000}],
                    "secrets": [{"name": "DATABASE_URL", "valueFrom": f"{self.secret}:DATABASE_URL::"}],
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {
                            "awslogs-group": f"/ecs/{self.name}",
                            "awslogs-region": "us-east-1",
                            "awslogs-stream-prefix": "app",
                        },
                    },
                    **container,
                }
            ],
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def create(self, definition: str, **changes: Any) -> dict[str, Any]:
        params = {
            "cluster": self.name,
            "serviceName": self.name,
            "taskDefinition": definition,
            "desiredCount": 2,
            "launchType": "FARGATE",
            "networkConfiguration": {
                "awsvpcConfiguration": {"subnets": self.net.subnets, "securityGroups": [self.net.group]}
            },
            "loadBalancers": [{"targetGroupArn": self.group, "containerName": "app", "containerPort": 8000}],
            "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
            "healthCheckGracePeriodSeconds": 60,
            "tags": [{"key": "owner", "value": self.name}],
            **changes,
        }
        service: dict[str, Any] = self.aws.ecs.create_service(**{k: v for k, v in params.items() if v is not None})
        return service["service"]

    def update(self, **changes: Any) -> dict[str, Any]:
        updated: dict[str, Any] = self.aws.ecs.update_service(cluster=self.name, service=self.name, **changes)
        return updated["service"]

    def describe(self) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.aws.ecs.describe_services(
            cluster=self.name, services=[self.name], include=["TAGS"]
        )["services"]
        return found[0]

    def tasks(self, status: str = "RUNNING") -> list[dict[str, Any]]:
        arns = self.aws.ecs.list_tasks(cluster=self.name, serviceName=self.name, desiredStatus=status)["taskArns"]
        found: list[dict[str, Any]] = (
            self.aws.ecs.describe_tasks(cluster=self.name, tasks=arns, include=["TAGS"])["tasks"] if arns else []
        )
        return found

    def health(self) -> list[str]:
        described = self.aws.elbv2.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        return [entry["TargetHealth"]["State"] for entry in described]


def app(aws: Aws, name: str) -> App:
    """All that a service needs, its image `v1` included."""
    net = network(aws, name)
    load_balancer, group = balancer(aws, name, net), target_group(aws, name, net)
    listen(aws, load_balancer, group)
    repository = aws.ecr.create_repository(repositoryName=name)["repository"]["repositoryUri"]
    secret = aws.secretsmanager.create_secret(Name=f"{name}/db", SecretString='{"DATABASE_URL": "postgresql://"}')[
        "ARN"
    ]
    aws.logs.create_log_group(logGroupName=f"/ecs/{name}")
    aws.ecs.create_cluster(clusterName=name, tags=[{"key": "owner", "value": name}])
    made = App(aws, name, net, group, load_balancer, repository, secret, role(aws, name))
    made.push("v1")
    return made
