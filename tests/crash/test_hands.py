"""Someone else's hands: each resource of the stack deleted or changed behind the operator's back, in turn."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from missyou_local.aws import Server
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.external import External
from missyou_operator.engine.resource import Observed

from .chosen import ALL, SEED
from .stepped import Clock, Stepped
from .test_crash import production, settle

#: What AWS keeps a stranger from deleting while the rest of the stack uses it.
HELD = {
    "ec2.Vpc",
    "ec2.Subnet",
    "ec2.InternetGateway",
    "ec2.Address",
    "ec2.SecurityGroup",
    "rds.DBSubnetGroup",
    "rds.DBParameterGroup",
    "elbv2.TargetGroup",
    "ecs.Cluster",
    "acm.Certificate",
}


@pytest.fixture
def app(aws: Server, clock: Clock) -> Stepped:
    made = production(aws, clock)
    settle(made)
    return made


def owned(app: Stepped) -> Iterator[Observed]:
    for found in app.memory.world.values():
        yield from (observed for observed in found if observed.owned)


def take_away(app: Stepped, observed: Observed) -> bool:
    """Delete one resource as a stranger would; tell whether AWS let them."""
    cloud = app.reconciler._cloud(app.body)
    for _ in range(60):
        try:
            health = observed.kind.delete(cloud, observed)
        except (ClientError, NotYetError):
            return False
        if health.status == "ready":
            return True
        if health.status == "failed":
            return False
        app.clock.now += 5.0
        [*left] = [found for found in _now(app, observed) if found.id == observed.id]
        if not left:
            return True
        observed = left[0]
    return False


def _now(app: Stepped, observed: Observed) -> list[Observed]:
    sight = app.reconciler._look(app.reconciler._cloud(app.body), app.memory, {}, full=True, fresh=True)
    return list(sight.world.get(observed.address, ()))


def heal(app: Stepped) -> None:
    app.clock.now += 45.0
    app.look_now()
    settle(app)


COMPONENTS = ("Network", "Database", "Registry", "Secrets", "LoadBalancer", "Service", "Monitoring", "Domain")


def components() -> tuple[str, ...]:
    """Give all components, or the one that the seed draws."""
    return COMPONENTS if ALL else (random.Random(SEED).choice(COMPONENTS),)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("component", components())
def test_each_resource_deleted_behind_its_back_comes_back(app, component):
    expected = app.everything()
    held = set()
    for address in sorted({observed.address for observed in owned(app)}):
        # What came back may have got another id.
        [observed, *_] = [found for found in owned(app) if found.address == address]
        if observed.component != component or issubclass(observed.kind, External):
            continue
        if not take_away(app, observed):
            held.add(observed.kind.TYPE)
        heal(app)
        assert app.condition("InSync")["status"] == "True", address
    # A rollout or a new secret leaves more versions behind; that is history, not drift.
    history = {"revisions", "secrets"}
    found = app.everything()
    assert {k: v for k, v in found.items() if k not in history} == {
        k: v for k, v in expected.items() if k not in history
    }
    assert held <= HELD


def network(app: Stepped) -> dict[str, Any]:
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


def open_to_the_world(app: Stepped) -> None:
    group = network(app)["crash-rds"]["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    app.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


def close_the_door(app: Stepped) -> None:
    ec2, group = app.client("ec2"), network(app)["crash-alb"]["GroupId"]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    ids = [rule["SecurityGroupRuleId"] for rule in rules if not rule["IsEgress"]]
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=ids[:1])


def lose_a_route(app: Stepped) -> None:
    table = network(app)["crash-app-a"]["RouteTableId"]
    app.client("ec2").delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")


def no_dns(app: Stepped) -> None:
    app.client("ec2").modify_vpc_attribute(VpcId=network(app)["vpc"], EnableDnsHostnames={"Value": False})


def fewer_backups(app: Stepped) -> None:
    app.client("rds").modify_db_instance(
        DBInstanceIdentifier="crash-db", BackupRetentionPeriod=1, ApplyImmediately=True
    )
    app.clock.now += 60.0


def another_class(app: Stepped) -> None:
    app.client("rds").modify_db_instance(
        DBInstanceIdentifier="crash-db", DBInstanceClass="db.t3.small", ApplyImmediately=True
    )
    app.clock.now += 60.0


def no_tls(app: Stepped) -> None:
    parameter = {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}
    app.client("rds").modify_db_parameter_group(DBParameterGroupName="crash-postgres15", Parameters=[parameter])


def another_check(app: Stepped) -> None:
    elb = app.client("elbv2")
    [group] = elb.describe_target_groups()["TargetGroups"]
    elb.modify_target_group(TargetGroupArn=group["TargetGroupArn"], HealthCheckPath="/else")


def one_task(app: Stepped) -> None:
    app.client("ecs").update_service(cluster="crash-cluster", service="crash-service", desiredCount=1)


def another_revision(app: Stepped) -> None:
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


def fewer_at_most(app: Stepped) -> None:
    app.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/crash-cluster/crash-service",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=1,
        MaxCapacity=3,
    )


def deaf_alarm(app: Stepped) -> None:
    cloudwatch = app.client("cloudwatch")
    [alarm] = cloudwatch.describe_alarms(AlarmNames=["crash-rds-cpu"])["MetricAlarms"]
    kept = ("AlarmName", "MetricName", "Namespace", "Statistic", "Dimensions", "Period", "EvaluationPeriods")
    cloudwatch.put_metric_alarm(
        **{key: alarm[key] for key in kept}, Threshold=99.0, ComparisonOperator="GreaterThanThreshold"
    )


def longer_log(app: Stepped) -> None:
    app.client("logs").put_retention_policy(logGroupName="/ecs/crash", retentionInDays=365)


def powerless_role(app: Stepped) -> None:
    iam = app.client("iam")
    [name, *_] = iam.list_role_policies(RoleName="crash-us-east-1-execution")["PolicyNames"]
    iam.delete_role_policy(RoleName="crash-us-east-1-execution", PolicyName=name)


def stranger_may_assume(app: Stepped) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    app.client("iam").update_assume_role_policy(RoleName="crash-us-east-1-task", PolicyDocument=policy)


def keep_all_images(app: Stepped) -> None:
    app.client("ecr").delete_lifecycle_policy(repositoryName="crash")


def unprotected_balancer(app: Stepped) -> None:
    elb = app.client("elbv2")
    [balancer] = elb.describe_load_balancers()["LoadBalancers"]
    attribute = {"Key": "deletion_protection.enabled", "Value": "true"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"], Attributes=[attribute])


CHANGES: tuple[Callable[[Stepped], None], ...] = (
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


def test_each_change_behind_its_back_is_put_right_and_told(app):
    for change in CHANGES:
        change(app)
        told = list(app.body["status"].get("drift", ()))
        app.clock.now += 45.0
        app.look_now()
        assert [entry for entry in app.body["status"]["drift"] if entry not in told], change.__name__
        settle(app)
        # A second look finds nothing more to do.
        before = len(app.process.calls)
        app.clock.now += 45.0
        app.look_now()
        assert len(app.process.calls) == before, change.__name__
        assert app.condition("InSync")["status"] == "True", change.__name__


def test_what_is_only_to_be_reported_is_reported_and_left(app):
    app.edit(driftPolicy="Report")
    settle(app)
    for change in CHANGES:
        change(app)
    before = len(app.process.calls)
    app.clock.now += 45.0
    app.look_now()
    told = {entry["resource"] for entry in app.body["status"]["drift"]}
    assert len(app.process.calls) == before
    assert app.condition("InSync")["status"] == "False"
    assert len(told) >= 10, told
