"""What AWS says about a VPC and what lives in it: rows as they come, found by following references from the service."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.aws.autoscaling import DIMENSION
from missyou_operator.aws.cloud import Client, Clients, pages
from missyou_operator.aws.ecs.revisions import CONTAINER, attributes, split_image, split_secret
from missyou_operator.aws.errors import is_absent
from missyou_operator.cli.exits import Exit, Failure

Row = Mapping[str, Any]
#: What a task definition's variable for the database is called.
DATABASE_URL = "DATABASE_URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What there is around one service. A row is {} where there is none.

    `credential_keys`: the keys in the JSON of the secret that DATABASE_URL comes from; its values are not kept.
    `lifecycle`: the policy of the repository. `log_days`: the retention of the tasks' log, None for ever.
    """

    vpc: Row
    subnets: Sequence[Row]
    route_tables: Sequence[Row]
    internet_gateways: Sequence[Row]
    nat_gateways: Sequence[Row]
    groups: Sequence[Row]
    endpoints: Sequence[Row]
    service: Row
    definition: Row
    target: Row
    policies: Sequence[Row]
    target_group: Row
    balancer: Row
    balancer_attributes: Mapping[str, str]
    listeners: Sequence[Row]
    database: Row
    repository: Row
    lifecycle: Row
    credentials: Row
    credential_keys: frozenset[str]
    log_groups: Sequence[Row]
    alarms: Sequence[Row]
    addresses: Sequence[Row] = field(default=())

    @property
    def container(self) -> Row:
        """The container that the load balancer sends requests to, or the only one."""
        return _container(self.service, self.definition)

    @property
    def revision(self) -> Mapping[str, Any]:
        """The task definition in the shape of the desired fields."""
        return attributes(self.definition, self.container.get("name", CONTAINER))


def gather(clients: Clients, vpc_id: str, service: str = "", database: str = "") -> Facts:
    """Read all that there is around the service in a VPC. Raises Failure where it is not clear which is meant.

    `service`: CLUSTER/SERVICE, `database`: the identifier of an instance, where the VPC has several.
    """
    ec2, ecs = clients.client("ec2"), clients.client("ecs")
    [vpc] = _vpcs(ec2, vpc_id)
    inside = {"Filters": [{"Name": "vpc-id", "Values": [vpc_id]}]}
    subnets = pages(ec2, "describe_subnets", "Subnets", **inside)
    found = _service(ecs, {row["SubnetId"] for row in subnets}, service)
    definition = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])["taskDefinition"]
    target_group, balancer = _balancing(clients.client("elbv2"), found)
    instance = _database(clients.client("rds"), vpc_id, database)
    image = _container(found, definition).get("image", "")
    repository, lifecycle = _repository(clients.client("ecr"), image)
    credentials, keys = _credentials(clients.client("secretsmanager"), definition)
    target, policies = _scaling(clients.client("application-autoscaling"), found)
    nats = pages(ec2, "describe_nat_gateways", "NatGateways", Filter=inside["Filters"])
    return Facts(
        vpc=vpc,
        subnets=subnets,
        route_tables=pages(ec2, "describe_route_tables", "RouteTables", **inside),
        internet_gateways=pages(
            ec2,
            "describe_internet_gateways",
            "InternetGateways",
            Filters=[{"Name": "attachment.vpc-id", "Values": [vpc_id]}],
        ),
        nat_gateways=[row for row in nats if row["State"] in {"available", "pending"}],
        addresses=pages(ec2, "describe_addresses", "Addresses"),
        groups=pages(ec2, "describe_security_groups", "SecurityGroups", **inside),
        endpoints=pages(ec2, "describe_vpc_endpoints", "VpcEndpoints", **inside),
        service=found,
        definition=definition,
        target=target,
        policies=policies,
        target_group=target_group,
        balancer=balancer,
        balancer_attributes=_attributes(clients.client("elbv2"), balancer),
        listeners=_listeners(clients.client("elbv2"), balancer),
        database=instance,
        repository=repository,
        lifecycle=lifecycle,
        credentials=credentials,
        credential_keys=keys,
        log_groups=_log_groups(clients.client("logs"), definition, instance),
        alarms=pages(clients.client("cloudwatch"), "describe_alarms", "MetricAlarms", AlarmTypes=["MetricAlarm"]),
    )


def _vpcs(ec2: Client, vpc_id: str) -> list[Row]:
    try:
        return pages(ec2, "describe_vpcs", "Vpcs", VpcIds=[vpc_id])
    except ClientError as error:
        if not is_absent(error):
            raise
        raise Failure(
            Exit.NOT_FOUND,
            f"there is no VPC {vpc_id} in {ec2.meta.region_name} in this account. See which there are with: aws ec2 "
            f"describe-vpcs --region {ec2.meta.region_name}. Another region: --region; other credentials: AWS_PROFILE",
        ) from None


def _service(ecs: Client, subnets: set[str], wanted: str) -> Row:
    """Return the one service whose tasks live in some subnets."""
    found: dict[str, Row] = {}
    for cluster in pages(ecs, "list_clusters", "clusterArns"):
        names = pages(ecs, "list_services", "serviceArns", cluster=cluster)
        for start in range(0, len(names), 10):
            answer = ecs.describe_services(cluster=cluster, services=names[start : start + 10], include=["TAGS"])
            for row in answer["services"]:
                network = (row.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
                if row["status"] == "ACTIVE" and subnets.intersection(network.get("subnets") or ()):
                    found[f"{cluster.rpartition('/')[2]}/{row['serviceName']}"] = row
    return _only("service of ECS on Fargate", "--service", found, wanted)


def _database(rds: Client, vpc_id: str, wanted: str) -> Row:
    rows = pages(rds, "describe_db_instances", "DBInstances")
    inside = {
        row["DBInstanceIdentifier"]: row for row in rows if (row.get("DBSubnetGroup") or {}).get("VpcId") == vpc_id
    }
    found = _only("database of RDS", "--database", inside, wanted)
    if found["Engine"] != "postgres":
        raise Failure(
            Exit.USAGE,
            f"the database {found['DBInstanceIdentifier']} is {found['Engine']}, and a MissYouApp has PostgreSQL on "
            "RDS: move its data to an instance of that engine first, and name it with --database",
        )
    return found


def _only(what: str, option: str, found: Mapping[str, Row], wanted: str) -> Row:
    """Return the one row that is meant. Raises Failure that lists the choice."""
    chosen = {name: row for name, row in found.items() if wanted in {"", name}}
    if len(chosen) == 1:
        return next(iter(chosen.values()))
    if not found:
        raise Failure(Exit.NOT_FOUND, f"there is no {what} in this VPC: a MissYouApp has one. Is it the right VPC?")
    listed = ", ".join(sorted(found))
    raise Failure(Exit.USAGE, f"this VPC has {listed}: name the {what} that is meant with {option}")


def _balancing(elb: Client, service: Row) -> tuple[Row, Row]:
    """Return the target group that a service registers its tasks in, and the load balancer that leads to it."""
    arns = [each["targetGroupArn"] for each in service.get("loadBalancers") or () if each.get("targetGroupArn")]
    if not arns:
        raise Failure(
            Exit.USAGE,
            f"the service {service['serviceName']} is behind no application load balancer: a MissYouApp has one. "
            "Create it first, or begin anew with a MissYouApp of your own",
        )
    [group] = elb.describe_target_groups(TargetGroupArns=arns[:1])["TargetGroups"]
    balancers = group.get("LoadBalancerArns") or ()
    rows = elb.describe_load_balancers(LoadBalancerArns=list(balancers[:1]))["LoadBalancers"] if balancers else []
    if not rows or rows[0]["Type"] != "application":
        raise Failure(
            Exit.USAGE,
            f"no application load balancer leads to the target group {group['TargetGroupName']} of the service: a "
            "MissYouApp has one, with a listener on port 80",
        )
    return group, rows[0]


def _attributes(elb: Client, balancer: Row) -> dict[str, str]:
    answer = elb.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])
    return {each["Key"]: each.get("Value") or "" for each in answer["Attributes"]}


def _listeners(elb: Client, balancer: Row) -> list[Row]:
    return pages(elb, "describe_listeners", "Listeners", LoadBalancerArn=balancer["LoadBalancerArn"])


def _scaling(client: Client, service: Row) -> tuple[Row, list[Row]]:
    scaled = f"service/{service['clusterArn'].rpartition('/')[2]}/{service['serviceName']}"
    rows = pages(client, "describe_scalable_targets", "ScalableTargets", ResourceIds=[scaled], **DIMENSION)
    policies = pages(client, "describe_scaling_policies", "ScalingPolicies", ResourceId=scaled, **DIMENSION)
    return (rows[0] if rows else {}), policies


def _container(service: Row, definition: Row) -> Row:
    rows: Sequence[Row] = definition.get("containerDefinitions") or ()
    balanced = {each.get("containerName") for each in service.get("loadBalancers") or ()}
    return next((row for row in rows if row["name"] in balanced or len(rows) == 1), {})


def _repository(ecr: Client, image: str) -> tuple[Row, Row]:
    """Return the repository of an image in this account's and region's own ECR, and its lifecycle policy."""
    repository, _ = split_image(image)
    for row in pages(ecr, "describe_repositories", "repositories"):
        if row["repositoryUri"] == repository:
            try:
                text = ecr.get_lifecycle_policy(repositoryName=row["repositoryName"])["lifecyclePolicyText"]
            except ClientError as error:
                if not is_absent(error):
                    raise
                text = "{}"
            return row, json.loads(text)
    return {}, {}


def _credentials(client: Client, definition: Row) -> tuple[Row, frozenset[str]]:
    """Return the secret that DATABASE_URL comes from, and the keys in it. Its values are read, and dropped at once."""
    for secrets in _members(definition, "secrets"):
        for each in secrets:
            arn, _ = split_secret(each["valueFrom"])
            if each["name"] == DATABASE_URL and ":secretsmanager:" in arn:
                row: Row = client.describe_secret(SecretId=arn)
                return row, _keys(client.get_secret_value(SecretId=arn).get("SecretString", ""))
    return {}, frozenset()


def _keys(text: str) -> frozenset[str]:
    try:
        content = json.loads(text)
    except ValueError:
        return frozenset()
    return frozenset(content) if isinstance(content, dict) else frozenset()


def _log_groups(logs: Client, definition: Row, database: Row) -> list[Row]:
    names = {
        str((each.get("options") or {}).get("awslogs-group", "")) for each in _members(definition, "logConfiguration")
    }
    names.add(f"/aws/rds/instance/{database['DBInstanceIdentifier']}/postgresql")
    rows: list[Row] = []
    for name in sorted(names - {""}):
        rows += [
            row
            for row in pages(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=name)
            if row["logGroupName"] == name
        ]
    return rows


def _members(definition: Row, key: str) -> Iterable[Any]:
    return [row[key] for row in definition.get("containerDefinitions") or () if row.get(key)]
