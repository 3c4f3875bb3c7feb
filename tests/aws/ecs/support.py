"""A small version of a stack's compute part on the strict test AWS; its network and roles are created by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from missyou_operator.aws.autoscaling import ScalableTarget, ScalingPolicy, scaled_service
from missyou_operator.aws.cloud import Cloud, Inventory
from missyou_operator.aws.ecs.cluster import Cluster
from missyou_operator.aws.ecs.service import Service
from missyou_operator.aws.ecs.taskdefinition import TaskDefinition
from missyou_operator.aws.elbv2.listener import Listener
from missyou_operator.aws.elbv2.loadbalancer import LoadBalancer
from missyou_operator.aws.elbv2.targetgroup import TargetGroup, fingerprint
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.resource import Observed, Resource
from missyou_operator.stack.naming import CLUSTER, NAMES, SERVICE, TARGET_GROUP
from tests.aws.fake import STACK
from tests.aws.passes import PartOfStack

#: In an order in which `READ_AFTER` is kept.
KINDS: Sequence[type[Resource]] = (
    LoadBalancer,
    TargetGroup,
    Listener,
    Cluster,
    TaskDefinition,
    Service,
    ScalableTarget,
    ScalingPolicy,
)
REPOSITORY = f"{STACK.account}.dkr.ecr.{STACK.region}.amazonaws.com/missyou"


class Clock:
    """Seconds since the epoch, as the tests set them."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Clients:
    """boto3 clients of one server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._by_service: dict[str, Any] = {}

    def client_without_retries(self, service: str) -> Any:
        return self.client(service)

    def client(self, service: str) -> Any:
        if service not in self._by_service:
            self._by_service[service] = boto3.client(
                service,
                region_name=STACK.region,
                endpoint_url=self._url,
                aws_access_key_id=STACK.account,
                aws_secret_access_key="test",
                config=Config(max_pool_connections=16, retries={"total_max_attempts": 1}),
            )
        return self._by_service[service]


@dataclass(kw_only=True)
class ComputeStack(PartOfStack):
    """The compute part of one stack."""

    KINDS = KINDS
    PASSES = 30

    clock: Clock
    clients: Clients
    base: Mapping[str, Any]
    stack: StackIdentity

    @property
    def cloud(self) -> Cloud:
        return Cloud(self.clients, self.stack, Inventory(), NAMES)

    @property
    def name(self) -> str:
        return self.stack.name

    @property
    def where(self) -> dict[str, str]:
        """Return the arguments that name the service."""
        return {"cluster": f"{self.stack.name}-cluster", "service": f"{self.stack.name}-service"}

    def graph(self, **changes: Any) -> Graph:
        """Declare the compute part; see `compute`."""
        return compute(self.stack, self.base, **changes)

    def one(self, address: str) -> Observed:
        [found] = self.observe()[address]
        return found

    def client_without_retries(self, service: str) -> Any:
        return self.client(service)

    def client(self, service: str) -> Any:
        return self.clients.client(service)

    def wait(self) -> None:
        self.clock.now += 10

    def stall(self, graph: Graph, reason: str, passes: int = PASSES) -> str:
        """Run passes until something is stalled for this reason; return its message."""
        for _ in range(passes):
            self.step(graph)
            for result in self.outcome.results.values():
                if result.health.stalled:
                    assert result.health.reason == reason, result.health
                    return result.health.message
            self.wait()
        raise AssertionError(f"nothing is stalled: {self.unready()}")

    def counts(self) -> dict[str, int]:
        return dict(self.server.control.ledger.summary()["counts"])

    def service(self) -> Mapping[str, Any]:
        answer = self.client("ecs").describe_services(cluster=self.where["cluster"], services=[self.where["service"]])
        row: Mapping[str, Any] = answer["services"][0]
        return row


def prepare(clients: Clients) -> dict[str, Any]:
    """Create what the compute part needs; return the ids."""
    ec2, iam, ecr = clients.client("ec2"), clients.client("iam"), clients.client("ecr")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    subnets = tuple(
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{place}.0/24", AvailabilityZone=f"{STACK.region}{letter}")[
            "Subnet"
        ]["SubnetId"]
        for place, letter in enumerate("ab")
    )
    group = ec2.create_security_group(GroupName="all", Description="all", VpcId=vpc)["GroupId"]
    alike = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=alike)
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    roles = [
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        for name in ("execution", "task")
    ]
    clients.client("logs").create_log_group(logGroupName="/ecs/missyou")
    ecr.create_repository(repositoryName="missyou")
    push(clients, "v1")
    push(clients, "v2")
    return {"vpc": vpc, "subnets": subnets, "groups": (group,), "roles": roles}


def push(clients: Clients, tag: str) -> None:
    """Put an image into the registry."""
    media = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = {"schemaVersion": 2, "mediaType": media, "config": {"digest": f"sha256:{tag}", "size": 1}, "layers": []}
    clients.client("ecr").put_image(repositoryName="missyou", imageTag=tag, imageManifest=json.dumps(manifest))


def compute(stack: StackIdentity, base: Mapping[str, Any], **changes: Any) -> Graph:
    """Declare the compute part. `changes`: tag, port, cpu, replicas (min, max), versions (of secrets), extra (tags)."""
    graph, port, (low, high) = Graph(), changes.get("port", 8000), changes.get("replicas", (2, 4))

    def named(suffix: str = "", *, full: str = "", component: str = "Service") -> dict[str, Any]:
        name = full or f"{stack.name}{suffix}"
        return {"name": name, "component": component, "tags": stack.tags(component, name, changes.get("extra", {}))}

    balancer = graph.add(
        LoadBalancer(
            **named("-alb", component="LoadBalancer"),
            scheme="internet-facing",
            subnet_ids=base["subnets"],
            security_group_ids=base["groups"],
            deletion_protection=True,
        )
    )
    targets = graph.add(
        TargetGroup(
            **named(full=stack.fill(TARGET_GROUP, fingerprint(health_path="/health")), component="LoadBalancer"),
            vpc_id=base["vpc"],
            health_path="/health",
            health_interval=30,
        )
    )
    listener = graph.add(
        Listener(
            **named("-http", component="LoadBalancer"),
            load_balancer_arn=balancer.ref("arn"),
            port=80,
            target_group_arn=targets.ref("arn"),
        )
    )
    cluster = graph.add(Cluster(**named("-cluster")))
    definition = graph.add(
        TaskDefinition(
            **named(),
            cpu=changes.get("cpu", 512),
            memory=1024,
            execution_role_arn=base["roles"][0],
            task_role_arn=base["roles"][1],
            image_repository=REPOSITORY,
            image_tag=changes.get("tag", "v1"),
            port=port,
            environment={"PORT": str(port), "DEBUG": "false"},
            secrets={},
            secret_versions=changes.get("versions", ("1",)),
            log_group="/ecs/missyou",
            region=STACK.region,
        )
    )
    service = graph.add(
        Service(
            **named("-service"),
            cluster=cluster.ref("arn"),
            task_definition=definition.ref("arn"),
            subnet_ids=base["subnets"],
            security_group_ids=base["groups"],
            target_groups=(targets.ref("arn"),),
            container_port=port,
            min_tasks=low,
            max_tasks=high,
            grace_seconds=120,
            after=(listener.ref(),),
        )
    )
    target = graph.add(
        ScalableTarget(
            **named("-scaling"),
            resource_id=scaled_service(stack.fill(CLUSTER), stack.fill(SERVICE)),
            minimum=low,
            maximum=high,
            after=(service.ref(),),
        )
    )
    for suffix, metric in (("cpu", "CPU"), ("memory", "Memory")):
        graph.add(
            ScalingPolicy(
                name=f"{stack.name}-{suffix}",
                component="Service",
                resource_id=scaled_service(stack.fill(CLUSTER), stack.fill(SERVICE)),
                metric=f"ECSServiceAverage{metric}Utilization",
                target=70.0,
                scale_out_cooldown=60,
                scale_in_cooldown=300,
                after=(target.ref(),),
            )
        )
    return graph
