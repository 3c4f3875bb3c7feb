"""What the operator assumes of AWS and nobody here could look up: each with the experiment that settles it.

`python -m tools.confirm_on_aws --document` writes docs/to-confirm-on-aws.md from it. `look` reads only; `make` creates
things, each with `TAGS`, and leaves their deletion to `clean_up`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tools.confirm_cleanup import ECS_TAGS, NAME, TAGS, Clients

#: Makes the calls of an experiment and returns what AWS answered, for people.
Experiment = Callable[[Clients], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One assumption: where the operator relies on it, what the test AWS does, and how to find out.

    `usd` is what `make` costs at most, with everything deleted within the hour.
    """

    rule: str
    relied_on: str
    test_aws: str
    how: str
    look: Experiment | None = None
    make: Experiment | None = None
    usd: float = 0.0


def answered(call: Callable[..., Any], **arguments: Any) -> tuple[Any, str]:
    """Make a call; return its answer and "accepted", or None and AWS's refusal."""
    try:
        return call(**arguments), "accepted"
    except ClientError as error:
        return None, f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"


def _tagged(kind: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": TAGS}]


def _network(aws: Clients, subnets: int = 1) -> tuple[str, list[str]]:
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/24", TagSpecifications=_tagged("vpc"))["Vpc"]["VpcId"]
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    made = [
        ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.99.0.{16 * n}/28",
            AvailabilityZone=zones[n % 2],
            TagSpecifications=_tagged("subnet"),
        )["Subnet"]["SubnetId"]
        for n in range(subnets)
    ]
    return vpc, made


def _subnet_group(aws: Clients, subnets: list[str]) -> str:
    aws("rds").create_db_subnet_group(
        DBSubnetGroupName=NAME, DBSubnetGroupDescription=NAME, SubnetIds=subnets, Tags=TAGS
    )
    return NAME


def _database(aws: Clients, **changes: Any) -> tuple[Any, str]:
    _, subnets = _network(aws, 2)
    wanted = {
        "DBInstanceIdentifier": NAME,
        "Engine": "postgres",
        "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": 20,
        "StorageType": "gp3",
        "DBSubnetGroupName": _subnet_group(aws, subnets),
        "MasterUsername": "missyou",
        "ManageMasterUserPassword": True,
        "BackupRetentionPeriod": 0,
        "Tags": TAGS,
        **changes,
    }
    return answered(aws("rds").create_db_instance, **wanted)


def _delete_while_creating(aws: Clients) -> str:
    _, created = _database(aws)
    _, deleted = answered(aws("rds").delete_db_instance, DBInstanceIdentifier=NAME, SkipFinalSnapshot=True)
    return f"CreateDBInstance: {created}; DeleteDBInstance at once: {deleted}"


def _long_username(aws: Clients) -> str:
    return f"MasterUsername of 17 characters: {_database(aws, MasterUsername='a' * 17)[1]}"


def _insights_retention(aws: Clients) -> str:
    wanted = {"DatabaseInsightsMode": "advanced", "EnablePerformanceInsights": True}
    return f"advanced, 31 days: {_database(aws, **wanted, PerformanceInsightsRetentionPeriod=31)[1]}"


def _minors(aws: Clients) -> str:
    rows = aws("rds").describe_db_engine_versions(Engine="postgres")["DBEngineVersions"]
    return ", ".join(row["EngineVersion"] for row in rows if row["EngineVersion"].startswith("15"))


def _insights_offered(aws: Clients) -> str:
    rows = aws("rds").describe_orderable_db_instance_options(Engine="postgres", DBInstanceClass="db.t4g.micro")
    offered = {row.get("SupportsPerformanceInsights") for row in rows["OrderableDBInstanceOptions"]}
    return f"SupportsPerformanceInsights of db.t4g.micro: {sorted(map(str, offered))}"


def _log_mode(aws: Clients) -> str:
    answer, said = answered(aws("ecs").list_account_settings, name="defaultLogDriverMode", effectiveSettings=True)
    return f"{answer['settings']}" if answer else said


def _service_linked_role(aws: Clients) -> str:
    return f"its role: {answered(aws('iam').get_role, RoleName='AWSServiceRoleForElasticLoadBalancing')[1]}"


def _quotas(aws: Clients) -> str:
    names = []
    for code in ("monitoring", "secretsmanager"):
        answer, said = answered(aws("service-quotas").list_service_quotas, ServiceCode=code)
        rows = answer["Quotas"] if answer else []
        names += [f"{row['QuotaName']}: {row['Value']:g}" for row in rows if "rate" in row["QuotaName"].lower()]
        names += [] if answer else [f"{code}: {said}"]
    return "; ".join(names)


def _nat(aws: Clients, subnet: str, **more: Any) -> str:
    ec2 = aws("ec2")
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=_tagged("elastic-ip"))["AllocationId"]
    wanted = {"SubnetId": subnet, "AllocationId": address, "TagSpecifications": _tagged("natgateway"), **more}
    return str(ec2.create_nat_gateway(**wanted)["NatGateway"]["NatGatewayId"])


def _route_to_pending(aws: Clients) -> str:
    ec2, (vpc, [subnet]) = aws("ec2"), _network(aws)
    gateway = ec2.create_internet_gateway(TagSpecifications=_tagged("internet-gateway"))["InternetGateway"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
    nat = _nat(aws, subnet)
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=_tagged("route-table"))["RouteTable"]["RouteTableId"]
    route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": nat}
    return f"CreateRoute to the pending gateway: {answered(ec2.create_route, **route)[1]}"


def _listed_subnet(aws: Clients) -> str:
    _, subnets = _network(aws, 3)
    _subnet_group(aws, subnets)
    return f"DeleteSubnet: {answered(aws('ec2').delete_subnet, SubnetId=subnets[2])[1]}"


def _define(aws: Clients, **container: Any) -> tuple[Any, str]:
    return answered(
        aws("ecs").register_task_definition,
        family=NAME,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "app", "image": "public.ecr.aws/docker/library/busybox", **container}],
        tags=ECS_TAGS,
    )


def _autoscaling_target(aws: Clients) -> str:
    ecs, scaling, (_, [subnet]) = aws("ecs"), aws("application-autoscaling"), _network(aws)
    ecs.create_cluster(clusterName=NAME, tags=ECS_TAGS)
    answer, said = _define(aws)
    if answer is None:
        return said
    ecs.create_service(
        cluster=NAME,
        serviceName=NAME,
        taskDefinition=NAME,
        desiredCount=0,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
        tags=ECS_TAGS,
    )
    names = {"ServiceNamespace": "ecs", "ResourceId": f"service/{NAME}/{NAME}"}
    dimension = "ecs:service:DesiredCount"
    scaling.register_scalable_target(**names, ScalableDimension=dimension, MinCapacity=0, MaxCapacity=1)
    ecs.delete_service(cluster=NAME, service=NAME, force=True)
    rows = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[names["ResourceId"]])
    return f"targets after DeleteService: {len(rows['ScalableTargets'])}"


def _empty_value(aws: Clients) -> str:
    answer, said = _define(aws, environment=[{"name": "EMPTY", "value": ""}])
    return f"stored: {answer['taskDefinition']['containerDefinitions'][0]['environment']}" if answer else said


def _many_variables(aws: Clients) -> str:
    return f"101 variables: {_define(aws, environment=[{'name': f'V{n}', 'value': 'v'} for n in range(101)])[1]}"


def _hardened(aws: Clients) -> str:
    tmp = {"containerPath": "/tmp", "size": 64}  # noqa: S108 - in the container
    drop = {"capabilities": {"drop": ["ALL"]}, "initProcessEnabled": True}
    _, said = _define(aws, user="65532:65532", readonlyRootFilesystem=True, linuxParameters={**drop, "tmpfs": [tmp]})
    return f"a hardened container in {aws('ecs').meta.region_name}: {said}"


def _size(aws: Clients) -> str:
    texts = {"ASCII": "x" * 1700, "two bytes in UTF-8, six escaped": "é" * 700, "quotes": '"' * 850}
    sizes = {
        name: (
            len(json.dumps(env, ensure_ascii=False).encode()),
            len(json.dumps(env)),
            _define(aws, environment=env)[1],
        )
        for name, text in texts.items()
        for env in [[{"name": f"V{n}", "value": text} for n in range(38)]]
    }
    return "; ".join(
        f"{name}, {utf8} in UTF-8, {escaped} escaped: {said}" for name, (utf8, escaped, said) in sizes.items()
    )


def _long_image(aws: Clients) -> str:
    return f"an image of 256 characters: {_define(aws, image='i' * 256)[1]}"


def _tags_with_spaces(aws: Clients) -> str:
    vpc, _ = _network(aws)
    elbv2, tags = aws("elbv2"), [*TAGS, {"Key": " spaced ", "Value": " v "}]
    answer, said = answered(
        elbv2.create_target_group, Name=NAME, Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip", Tags=tags
    )
    if answer is None:
        return said
    arn = answer["TargetGroups"][0]["TargetGroupArn"]
    [row] = elbv2.describe_tags(ResourceArns=[arn])["TagDescriptions"]
    return f"shown as {[tag for tag in row['Tags'] if 'spaced' in tag['Key']]}"


def _rds_tags(aws: Clients) -> str:
    _, subnets = _network(aws, 2)
    group = {"DBSubnetGroupName": NAME, "DBSubnetGroupDescription": NAME, "SubnetIds": subnets}
    odd = {"no value": {"Key": "a", "Value": ""}, "rds:": {"Key": "rds:a", "Value": "v"}}
    said = []
    for name, tag in odd.items():
        said.append(f"{name}: {answered(aws('rds').create_db_subnet_group, **group, Tags=[*TAGS, tag])[1]}")
        answered(aws("rds").delete_db_subnet_group, DBSubnetGroupName=NAME)
    return "; ".join(said)


ENTRIES: dict[str, Entry] = {
    "delete-while-creating": Entry(
        rule="DeleteDBInstance without a final snapshot is accepted while the database is `creating`",
        relied_on="`aws/rds/deletion.py`: an app that is deleted at once",
        test_aws="accepts it",
        how="create a db.t4g.micro and delete it in the next call",
        make=_delete_while_creating,
        usd=0.05,
    ),
    "minors-of-15": Entry(
        rule="which minors of PostgreSQL 15 can be created",
        relied_on="`database.engineVersion`, default 15.4: the lowest creatable minor from there is taken",
        test_aws="a list of its own (`rds_catalogue`)",
        how="DescribeDBEngineVersions in each region in use",
        look=_minors,
    ),
    "insights-of-t4g-micro": Entry(
        rule="db.t4g.micro offers Performance Insights for PostgreSQL",
        relied_on="`aws/rds`: insights that are not offered are no drift",
        test_aws="offers it",
        how="DescribeOrderableDBInstanceOptions",
        look=_insights_offered,
    ),
    "route-to-pending-nat": Entry(
        rule="CreateRoute refuses a NAT gateway that is `pending`",
        relied_on="`stack/network.py`: routes wait for the gateway",
        test_aws="refuses it (InvalidNatGatewayID.NotFound), the stricter reading",
        how="create both in a VPC of its own",
        make=_route_to_pending,
        usd=0.06,
    ),
    "nat-token": Entry(
        rule="how long the client token of a failed NAT gateway returns the failed one",
        relied_on="`aws/ec2/gateways.py`: a new token for each attempt",
        test_aws="for ever",
        how="by hand: create one in a VPC without an internet gateway, repeat with the same token each hour",
    ),
    "elb-service-linked-role": Entry(
        rule="the words of CreateLoadBalancer's refusal where its service-linked role is missing and may not be made",
        relied_on="`aws/errors.py`: the remedy names the role",
        test_aws="none: the role is always there",
        how="by hand, in a new account without iam:CreateServiceLinkedRole; the look says whether the role exists",
        look=_service_linked_role,
    ),
    "default-tls-policy": Entry(
        rule="the SslPolicy that CreateListener chooses by default",
        relied_on="nothing: the operator sends its own",
        test_aws="ELBSecurityPolicy-2016-08",
        how="by hand: an HTTPS listener without SslPolicy, with any certificate",
    ),
    "flow-log-role": Entry(
        rule="a flow log needs no logs:CreateLogGroup for a log group that is there, although the guide lists it",
        relied_on="`stack/flow_logs.py`: lines that come late would create the deleted group again",
        test_aws="asks for logs:CreateLogStream and logs:PutLogEvents only",
        how="by hand: switch `network.flowLogs` on, and look at DeliverLogsStatus after ten minutes",
    ),
    "listed-subnet": Entry(
        rule="a subnet that an empty DB subnet group lists can be deleted",
        relied_on="the order of deletion: `DELETE_AFTER` of subnets",
        test_aws="accepts it",
        how="a VPC, three subnets and a group",
        make=_listed_subnet,
    ),
    "rates": Entry(
        rule="calls a second of CloudWatch's DeleteAlarms and of Secrets Manager's control plane",
        relied_on="`aws/session.py`: adaptive retries",
        test_aws="unlimited, unless a fault throttles",
        how="Service Quotas",
        look=_quotas,
    ),
    "insights-retention": Entry(
        rule="Database Insights in mode `advanced` takes 465 days of retention only",
        relied_on="`database.performanceInsights`: 7 days, standard",
        test_aws="does not know the mode",
        how="create a database with 31 days, and delete it if AWS accepts",
        make=_insights_retention,
        usd=0.1,
    ),
    "log-driver-mode": Entry(
        rule="the default mode of awslogs, `blocking` or `non-blocking`, of this account",
        relied_on="nothing: the task definition names the mode",
        test_aws="keeps what it is given",
        how="ListAccountSettings",
        look=_log_mode,
    ),
    "long-username": Entry(
        rule="RDS refuses a MasterUsername over 16 characters for PostgreSQL, too",
        relied_on="`database.username`: at most 16",
        test_aws="accepts 63",
        how="create a database with 17, and delete it if AWS accepts",
        make=_long_username,
        usd=0.05,
    ),
    "scalable-target": Entry(
        rule="a scalable target disappears with its ECS service",
        relied_on="the order of deletion: `aws/autoscaling.py` deregisters it first",
        test_aws="it stays",
        how="a cluster and a service without tasks",
        make=_autoscaling_target,
    ),
    "empty-variable": Entry(
        rule="RegisterTaskDefinition drops variables with an empty value",
        relied_on="`api/env_rules.py` refuses them",
        test_aws="drops them",
        how="register a task definition",
        make=_empty_value,
    ),
    "hundred-variables": Entry(
        rule="a container takes at most 100 variables",
        relied_on="`api/env_rules.py`: 98, beside PORT and DEBUG",
        test_aws="refuses more, the stricter reading",
        how="register a task definition with 101",
        make=_many_variables,
    ),
    "definition-size": Entry(
        rule="how the 64 KiB of a task definition are counted: UTF-8, or JSON with all but ASCII escaped",
        relied_on="`api/aws_rules.py`: escaped, the longest form",
        test_aws="counts the escaped form",
        how="register task definitions on both sides of either measure",
        make=_size,
    ),
    "hardened-container": Entry(
        rule="Fargate takes a tmpfs at /tmp beside a read-only root and dropped capabilities (AWS announced it for all "
        "commercial regions), and everybody may write to it",
        relied_on="`aws/ecs/hardening.py`; `api/resolve.py` leaves the root writable in other regions",
        test_aws="takes it everywhere, and limits no process",
        how="register a task definition in the region in question; by hand, run it and write to /tmp as user 65532",
        make=_hardened,
    ),
    "long-image": Entry(
        rule="ECS refuses an image of more than 255 characters",
        relied_on="`api/field_rules.py`: repository and tag together",
        test_aws="refuses it",
        how="register a task definition",
        make=_long_image,
    ),
    "spaces-in-tags": Entry(
        rule="what Elastic Load Balancing makes of spaces at the ends of a tag: its guide asks not to use them",
        relied_on="`api/tag_rules.py` refuses them",
        test_aws="keeps them",
        how="a target group with such a tag",
        make=_tags_with_spaces,
    ),
    "backup-copy-key": Entry(
        rule="StartDBInstanceAutomatedBackupsReplication takes the alias of the key that AWS manages, alias/aws/rds",
        relied_on="`aws/rds/backup_copy.py`; the reference shows the ARN of a key only",
        test_aws="takes any",
        how="by hand: set `database.backupCopyRegion`, once in a region without any encrypted database before",
    ),
    "backup-copy-end": Entry(
        rule="a copy of automated backups outlives its source for its own days, and can be begun anew meanwhile",
        relied_on="docs/recovery.md; `aws/rds/backup_copy.py` ends one and begins another for other days",
        test_aws="keeps it, and begins another at once",
        how="by hand: change `database.backupRetentionDays`, then delete the app, and list the backups there",
    ),
    "tags-of-backups": Entry(
        rule="DescribeDBInstanceAutomatedBackups shows the tags of retained backups, and those given to a copy",
        relied_on="`aws/rds/restore.py`: they say whose the backups are; without them, they are nobody's",
        test_aws="shows those of the database, and those of the copy",
        how="by hand: delete a database with its backups retained, and look at TagList",
    ),
    "tags-of-rds": Entry(
        rule="RDS takes tags without a value, and refuses those that start with rds:",
        relied_on="`api/tag_rules.py`",
        test_aws="as the rule says",
        how="a DB subnet group with each",
        make=_rds_tags,
    ),
}
