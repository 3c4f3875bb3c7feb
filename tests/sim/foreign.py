"""Foreign changes: what somebody else deletes or changes in a stack behind the operator's back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Cloud, Inventory
from missyou_operator.aws.errors import classify
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.informer import anew
from missyou_operator.aws.observe import observe
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.outcome import Runtime
from missyou_operator.engine.resource import Health, Observed, pending
from missyou_operator.stack.naming import NAMES

from .app import CLUSTER, UID, App
from .aws import REGION
from .seed import SEED
from .workers import Seeded


class _Clients:
    """Those of somebody who is not the operator."""

    def __init__(self, app: App) -> None:
        self.client = self.client_without_retries = app.client


def _cloud(app: App) -> Cloud:
    stack = StackIdentity(app.stack, f"default/{app.name}", CLUSTER, "123456789012", REGION, UID)
    return Cloud(_Clients(app), stack, Inventory(), NAMES)


def owned(app: App) -> Iterator[Observed]:
    """Give what the operator knows to be the stack's."""
    for found in app.world.values():
        yield from (observed for observed in found if observed.owned)


def delete_out_of_band(app: App, observed: Observed) -> bool:
    """Delete one resource as somebody else would; tell whether AWS let them."""
    cloud = _cloud(app)
    for _ in range(60):
        try:
            health = _delete(app, cloud, observed)
        except (ClientError, NotYetError):
            return False
        if health.status == "ready":
            return True
        if health.status == "failed":
            return False
        app.clock.now += 5.0
        tools = Runtime(cloud, Seeded(SEED), classify)
        world = observe(cloud, tools, desired_names={}, freshness=anew).world
        left = [found for found in world.get(observed.address, ()) if found.id == observed.id]
        if not left:
            return True
        observed = left[0]
    return False


def _delete(app: App, cloud: Cloud, observed: Observed) -> Health:
    """Delete as the operator would, except for what it does only because it is the one that deletes."""
    if observed.kind.TYPE != "rds.DBInstance" or observed.state == "deleting":
        return observed.kind.delete(cloud, observed)
    rds = app.client("rds")
    rds.modify_db_instance(DBInstanceIdentifier=observed.id, DeletionProtection=False)
    rds.delete_db_instance(DBInstanceIdentifier=observed.id, SkipFinalSnapshot=True)
    return pending("Deleting", "on its way")


def network(app: App) -> dict[str, Any]:
    """Ids that the changes below need."""
    ec2 = app.client("ec2")
    by_name = {
        tag["Value"]: row
        for row in ec2.describe_security_groups()["SecurityGroups"] + ec2.describe_route_tables()["RouteTables"]
        for tag in row.get("Tags", ())
        if tag["Key"] == "Name"
    }
    [vpc] = [row for row in ec2.describe_vpcs()["Vpcs"] if not row["IsDefault"]]
    return {"vpc": vpc["VpcId"], **by_name}


def open_to_the_world(app: App) -> None:
    group = network(app)["crash-rds"]["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    app.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


def close_the_door(app: App) -> None:
    ec2, group = app.client("ec2"), network(app)["crash-alb"]["GroupId"]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    ids = [rule["SecurityGroupRuleId"] for rule in rules if not rule["IsEgress"]]
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=ids[:1])


def lose_a_route(app: App) -> None:
    table = network(app)["crash-app-a"]["RouteTableId"]
    app.client("ec2").delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")


def no_dns(app: App) -> None:
    app.client("ec2").modify_vpc_attribute(VpcId=network(app)["vpc"], EnableDnsHostnames={"Value": False})


def fewer_backups(app: App) -> None:
    app.client("rds").modify_db_instance(
        DBInstanceIdentifier="crash-db", BackupRetentionPeriod=1, ApplyImmediately=True
    )
    app.clock.now += 60.0


def another_class(app: App) -> None:
    app.client("rds").modify_db_instance(
        DBInstanceIdentifier="crash-db", DBInstanceClass="db.t3.small", ApplyImmediately=True
    )
    app.clock.now += 60.0


def no_tls(app: App) -> None:
    parameter = {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}
    app.client("rds").modify_db_parameter_group(DBParameterGroupName="crash-postgres15", Parameters=[parameter])


def another_check(app: App) -> None:
    elb = app.client("elbv2")
    [group] = elb.describe_target_groups()["TargetGroups"]
    elb.modify_target_group(TargetGroupArn=group["TargetGroupArn"], HealthCheckPath="/else")


def one_task(app: App) -> None:
    app.client("ecs").update_service(cluster="crash-cluster", service="crash-service", desiredCount=1)


def another_revision(app: App) -> None:
    ecs = app.client("ecs")
    row = ecs.describe_task_definition(taskDefinition="crash")["taskDefinition"]
    kept = (
        "family",
        "containerDefinitions",
        "cpu",
        "memory",
        "networkMode",
        "executionRoleArn",
        "requiresCompatibilities",
    )
    ecs.register_task_definition(**{key: row[key] for key in kept})
    ecs.update_service(cluster="crash-cluster", service="crash-service", taskDefinition="crash")


def fewer_at_most(app: App) -> None:
    app.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/crash-cluster/crash-service",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=1,
        MaxCapacity=3,
    )


def deaf_alarm(app: App) -> None:
    cloudwatch = app.client("cloudwatch")
    [alarm] = cloudwatch.describe_alarms(AlarmNames=["crash-rds-cpu"])["MetricAlarms"]
    kept = ("AlarmName", "MetricName", "Namespace", "Statistic", "Dimensions", "Period", "EvaluationPeriods")
    cloudwatch.put_metric_alarm(
        **{key: alarm[key] for key in kept}, Threshold=99.0, ComparisonOperator="GreaterThanThreshold"
    )


def longer_log(app: App) -> None:
    app.client("logs").put_retention_policy(logGroupName="/ecs/crash", retentionInDays=365)


def powerless_role(app: App) -> None:
    iam = app.client("iam")
    [name, *_] = iam.list_role_policies(RoleName="crash-us-east-1-execution")["PolicyNames"]
    iam.delete_role_policy(RoleName="crash-us-east-1-execution", PolicyName=name)


def stranger_may_assume(app: App) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    app.client("iam").update_assume_role_policy(RoleName="crash-us-east-1-task", PolicyDocument=policy)


def keep_all_images(app: App) -> None:
    app.client("ecr").delete_lifecycle_policy(repositoryName="crash")


def unprotected_balancer(app: App) -> None:
    elb = app.client("elbv2")
    [balancer] = elb.describe_load_balancers()["LoadBalancers"]
    attribute = {"Key": "deletion_protection.enabled", "Value": "true"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"], Attributes=[attribute])


CHANGES: tuple[Callable[[App], None], ...] = (
    open_to_the_world,
    close_the_door,
    lose_a_route,
    no_dns,
    fewer_backups,
    another_class,
    no_tls,
    another_check,
    one_task,
    another_revision,
    fewer_at_most,
    deaf_alarm,
    longer_log,
    powerless_role,
    stranger_may_assume,
    keep_all_images,
    unprotected_balancer,
)
