"""Which resource of a stack each one is that exists. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from missyou_operator.aws.elbv2.targetgroup import fingerprint
from missyou_operator.aws.rds.versions import major
from missyou_operator.cli.importing.facts import Facts, Row
from missyou_operator.cli.importing.subnets import Subnets
from missyou_operator.stack import naming

#: The alarms of a stack, by the metric that they watch.
_ALARMS = {
    "HealthyHostCount": naming.AlarmName.HEALTHY_TASKS,
    "UnHealthyHostCount": naming.AlarmName.UNHEALTHY_TASKS,
    "AWS/ECS CPUUtilization": naming.AlarmName.SERVICE_CPU,
    "AWS/RDS CPUUtilization": naming.AlarmName.DATABASE_CPU,
    "FreeStorageSpace": naming.AlarmName.DATABASE_STORAGE,
    "DatabaseConnections": naming.AlarmName.DATABASE_CONNECTIONS,
    "FreeableMemory": naming.AlarmName.DATABASE_MEMORY,
}

_Match = tuple[str, str, str, str, str]


def matched(facts: Facts, subnets: Subnets) -> Iterator[_Match]:
    """Yield the type, the pattern of its name, what is chosen in it, the ID and the name of each resource."""
    yield from _network(facts, subnets)
    yield from _groups(facts, subnets)
    yield from _data(facts)
    yield from _serving(facts)
    yield from _watching(facts)


def _network(facts: Facts, subnets: Subnets) -> Iterator[_Match]:
    yield _tagged("ec2.Vpc", naming.VPC, facts.vpc, "VpcId")
    for row in facts.internet_gateways[:1]:
        yield _tagged("ec2.InternetGateway", naming.INTERNET_GATEWAY, row, "InternetGatewayId")
    for place, row in subnets.chosen.items():
        yield _tagged("ec2.Subnet", naming.SUBNETS[place], row, "SubnetId")
    for letter, row in subnets.nat_gateways(facts).items():
        yield _tagged("ec2.NatGateway", naming.NAT_GATEWAYS[letter], row, "NatGatewayId")
        allocated = {each.get("AllocationId") for each in row.get("NatGatewayAddresses") or ()}
        for address in facts.addresses:
            if address.get("AllocationId") in allocated:
                yield _tagged("ec2.Address", naming.ADDRESSES[letter], address, "AllocationId")
    for pattern, row in subnets.route_tables(facts):
        yield _tagged("ec2.RouteTable", pattern, row, "RouteTableId")


def _groups(facts: Facts, subnets: Subnets) -> Iterator[_Match]:
    for pattern, ids in (
        (naming.LOAD_BALANCER_GROUP, facts.balancer.get("SecurityGroups") or ()),
        (naming.TASKS_GROUP, subnets.service_network.get("securityGroups") or ()),
        (naming.DATABASE_GROUP, [each["VpcSecurityGroupId"] for each in facts.database["VpcSecurityGroups"]]),
    ):
        for row in facts.groups:
            if row["GroupId"] in ids[:1]:
                yield "ec2.SecurityGroup", pattern, "*", row["GroupId"], row["GroupName"]
    for row in facts.endpoints:
        if row["VpcEndpointType"] == "Gateway" and row["ServiceName"].endswith(".s3"):
            yield "ec2.VpcEndpoint", naming.ENDPOINT, "s3", row["VpcEndpointId"], _name_tag(row)


def _data(facts: Facts) -> Iterator[_Match]:
    database, group = facts.database, facts.database["DBSubnetGroup"]["DBSubnetGroupName"]
    identifier = database["DBInstanceIdentifier"]
    yield "rds.DBSubnetGroup", naming.DATABASE_SUBNETS, "*", group, group
    yield "rds.DBInstance", naming.DATABASE, "*", identifier, identifier
    for parameters in database.get("DBParameterGroups") or ():
        name = parameters["DBParameterGroupName"]
        # AWS's own cannot be changed, nor tagged.
        if not name.startswith("default."):
            yield "rds.DBParameterGroup", naming.PARAMETERS, str(major(database["EngineVersion"])), name, name
    if facts.credentials:
        yield "secretsmanager.Secret", naming.CREDENTIALS, "*", facts.credentials["ARN"], facts.credentials["Name"]
    if facts.repository:
        name = facts.repository["repositoryName"]
        yield "ecr.Repository", naming.REPOSITORY, "*", name, name


def _serving(facts: Facts) -> Iterator[_Match]:
    service, definition, group = facts.service, facts.definition, facts.target_group
    cluster = service["clusterArn"]
    yield "ecs.Cluster", naming.CLUSTER, "*", cluster, cluster.rpartition("/")[2]
    yield "ecs.Service", naming.SERVICE, "*", service["serviceArn"], service["serviceName"]
    yield "ecs.TaskDefinition", naming.TASK_DEFINITION, "*", definition["taskDefinitionArn"], definition["family"]
    if container := facts.container:
        yield "ecs.Container", naming.CONTAINER, "*", container["name"], container["name"]
    for pattern, key in ((naming.EXECUTION_ROLE, "executionRoleArn"), (naming.TASK_ROLE, "taskRoleArn")):
        if arn := definition.get(key):
            yield "iam.Role", pattern, "*", arn.rpartition("/")[2], arn.rpartition("/")[2]
    if facts.target:
        yield "autoscaling.ScalableTarget", naming.SCALING, "*", facts.target["ScalableTargetARN"], ""
    for row in facts.policies:
        metric = _metric(row)
        for pattern, word in ((naming.CPU_SCALING, "CPU"), (naming.MEMORY_SCALING, "Memory")):
            if metric == f"ECSServiceAverage{word}Utilization":
                yield "autoscaling.ScalingPolicy", pattern, "*", row["PolicyARN"], row["PolicyName"]
    balancer = facts.balancer
    yield "elbv2.LoadBalancer", naming.LOAD_BALANCER, "*", balancer["LoadBalancerArn"], balancer["LoadBalancerName"]
    chosen = fingerprint(health_path=group.get("HealthCheckPath") or "/health")
    yield "elbv2.TargetGroup", naming.TARGET_GROUP, chosen, group["TargetGroupArn"], group["TargetGroupName"]
    for row in facts.listeners:
        if row["Port"] in {80, 443}:
            yield "elbv2.Listener", naming.HTTP if row["Port"] == 80 else naming.HTTPS, "*", row["ListenerArn"], ""


def _watching(facts: Facts) -> Iterator[_Match]:
    database = f"/aws/rds/instance/{facts.database['DBInstanceIdentifier']}/postgresql"
    log = facts.revision["log_group"]
    present = {row["logGroupName"] for row in facts.log_groups}
    for pattern, name in ((naming.APP_LOG, log), (naming.DATABASE_LOG, database)):
        if name:
            # RDS chooses the name of its group, also of one that does not exist yet.
            yield "logs.LogGroup" if name in present else "", pattern, "*", name, name
    watched: dict[naming.AlarmName, list[Row]] = {}
    for row in facts.alarms:
        named = _ALARMS.get(f"{row.get('Namespace')} {row.get('MetricName')}") or _ALARMS.get(row.get("MetricName", ""))
        if named and _is_about(facts, row):
            watched.setdefault(named, []).append(row)
    for named, rows in watched.items():
        yield "cloudwatch.Alarm", named, "*", rows[0]["AlarmName"], rows[0]["AlarmName"]


def _is_about(facts: Facts, alarm: Row) -> bool:
    """Return whether an alarm watches the service, its target group or the database, and is not auto scaling's own."""
    values = {each["Value"] for each in alarm.get("Dimensions") or ()}
    own = {
        facts.service["serviceName"],
        facts.database["DBInstanceIdentifier"],
        facts.target_group["TargetGroupArn"].rpartition(":")[2],
    }
    return bool(values & own) and not alarm["AlarmName"].startswith("TargetTracking-")


def _metric(policy: Row) -> str:
    tracking = policy.get("TargetTrackingScalingPolicyConfiguration") or {}
    return str((tracking.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType", ""))


def _tagged(type_: str, pattern: str, row: Row, key: str) -> _Match:
    return type_, pattern, "*", row[key], _name_tag(row)


def _name_tag(row: Mapping[str, Any]) -> str:
    tags: Iterable[Mapping[str, str]] = row.get("Tags") or ()
    return next((tag["Value"] for tag in tags if tag["Key"] == "Name"), "")
