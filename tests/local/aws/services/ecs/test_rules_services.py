"""What ECS refuses of services and clusters, and the nearest that it accepts."""

from __future__ import annotations

from typing import Any

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import Place, Rule, each, hold, steps
from tests.local.aws.services.ecs.rules_services import service

PARAMETER = "InvalidParameterException"


def _network(s: Place, **changes: Any) -> dict[str, Any]:
    inner = {"subnets": s.app.net.subnets, "securityGroups": [s.app.net.group], **changes}
    return {"networkConfiguration": {"awsvpcConfiguration": inner}}


def _stop(s: Place) -> None:
    s.aws.ecs.delete_service(cluster=s.name, service=s.name, force=True)


def _drained(s: Place) -> None:
    s.aws.clock.advance(s.aws.timing.task_stop)
    s.app.describe()


def _with_balancer(s: Place, **changes: Any) -> dict[str, Any]:
    entry = {"targetGroupArn": s.app.group, "containerName": "app", "containerPort": 8000, **changes}
    return {"loadBalancers": [entry]}


def _loose(s: Place) -> str:
    made = s.aws.elbv2.create_target_group(
        Name=s.name + "-loose", Protocol="HTTP", Port=8000, VpcId=s.app.net.vpc, TargetType="ip"
    )
    return str(made["TargetGroups"][0]["TargetGroupArn"])


def _six(s: Place) -> list[str]:
    make = s.aws.ec2.create_security_group
    groups = [make(VpcId=s.app.net.vpc, GroupName=f"{s.name}-{i}", Description="x")["GroupId"] for i in range(6)]
    return list(s.keep("six", groups))


RULES = [
    Rule(
        "ecs:CreateService",
        "the name is taken",
        PARAMETER,
        "aws-behaviour 5.3",
        service(),
        service(serviceName="other", loadBalancers=[], healthCheckGracePeriodSeconds=None),
        service(),
        words="not idempotent",
    ),
    Rule(
        "ecs:CreateService",
        "the service of this name is draining",
        PARAMETER,
        "aws-behaviour 5.3",
        service(),
        steps(_drained, service()),
        steps(service(), lambda s: s.aws.clock.advance(s.aws.timing.task), lambda s: s.app.describe(), _stop),
        words="still Draining",
    ),
    Rule(
        "ecs:CreateService",
        "the target group has no load balancer",
        PARAMETER,
        "aws-behaviour 5.3",
        lambda s: service(**_with_balancer(s, targetGroupArn=_loose(s)))(s),
        service(),
        words="does not have an associated load balancer",
    ),
    Rule(
        "ecs:CreateService",
        "the container is not in the task definition",
        PARAMETER,
        "aws-behaviour 5.3",
        lambda s: service(**_with_balancer(s, containerName="web"))(s),
        service(),
    ),
    Rule(
        "ecs:CreateService",
        "the port is not in the task definition",
        PARAMETER,
        "aws-behaviour 5.3",
        lambda s: service(**_with_balancer(s, containerPort=80))(s),
        service(),
    ),
    Rule(
        "ecs:CreateService",
        "a grace period without load balancer",
        PARAMETER,
        "API CreateService",
        service(loadBalancers=[]),
        service(loadBalancers=[], healthCheckGracePeriodSeconds=None),
    ),
    Rule(
        "ecs:CreateService",
        "no network",
        PARAMETER,
        "API CreateService",
        service(networkConfiguration=None),
        service(),
    ),
    Rule(
        "ecs:CreateService",
        "an unknown subnet",
        PARAMETER,
        "API AwsVpcConfiguration",
        lambda s: service(**_network(s, subnets=["subnet-0123456789abcdef0"]))(s),
        service(),
        words="InvalidSubnetID.NotFound",
    ),
    Rule(
        "ecs:CreateService",
        "an unknown security group",
        PARAMETER,
        "API AwsVpcConfiguration",
        lambda s: service(**_network(s, securityGroups=["sg-0123456789abcdef0"]))(s),
        service(),
        words="InvalidGroup.NotFound",
    ),
    Rule(
        "ecs:CreateService",
        "a security group of another VPC",
        PARAMETER,
        "API AwsVpcConfiguration",
        lambda s: service(**_network(s, securityGroups=[Place(s.aws, s.name + "o").net.group]))(s),
        service(),
    ),
    Rule(
        "ecs:CreateService",
        "six security groups",
        PARAMETER,
        "API AwsVpcConfiguration",
        lambda s: service(**_network(s, securityGroups=_six(s)))(s),
        lambda s: service(**_network(s, securityGroups=s.kept["six"][:5]))(s),
    ),
    Rule(
        "ecs:CreateService",
        "a deployment that can neither start nor stop a task",
        PARAMETER,
        "ECS guide, Deployment configuration",
        service(deploymentConfiguration={"minimumHealthyPercent": 100, "maximumPercent": 100}),
        service(deploymentConfiguration={"minimumHealthyPercent": 50, "maximumPercent": 100}),
    ),
    Rule(
        "ecs:CreateService",
        "a dot in the name",
        PARAMETER,
        "API CreateService",
        service(serviceName="a.b"),
        service(serviceName="a_b"),
    ),
    Rule(
        "ecs:UpdateService",
        "it is draining",
        "ServiceNotActiveException",
        "API UpdateService",
        lambda s: s.app.update(desiredCount=1),
        lambda s: s.app.describe(),
        steps(service(), lambda s: s.aws.clock.advance(s.aws.timing.task), lambda s: s.app.describe(), _stop),
    ),
    Rule(
        "ecs:DeleteService",
        "tasks are wanted",
        PARAMETER,
        "API DeleteService",
        lambda s: s.aws.ecs.delete_service(cluster=s.name, service=s.name),
        steps(
            lambda s: s.app.update(desiredCount=0),
            lambda s: s.aws.ecs.delete_service(cluster=s.name, service=s.name),
        ),
        service(),
    ),
    Rule(
        "ecs:DeleteCluster",
        "a service is in it, be it draining",
        "ClusterContainsServicesException",
        "API DeleteCluster",
        lambda s: s.aws.ecs.delete_cluster(cluster=s.name),
        steps(_drained, lambda s: s.aws.ecs.delete_cluster(cluster=s.name)),
        steps(service(), lambda s: s.aws.clock.advance(s.aws.timing.task), lambda s: s.app.describe(), _stop),
    ),
    Rule(
        "ecs:CreateCluster",
        "a dot in the name",
        PARAMETER,
        "API CreateCluster",
        lambda s: s.aws.ecs.create_cluster(clusterName="a.b"),
        lambda s: s.aws.ecs.create_cluster(clusterName=s.name + "_b"),
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)
