"""What somebody else does to the stack, so that the operator has to use every action that it ever uses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.sim.app import App
from tests.sim.aws import REGION
from tests.sim.foreign import CHANGES
from tests.sim.settings import SETTINGS, Hands

ForeignChange = Callable[[App], None]


def _named(app: App, operation: str, result: str) -> dict[str, dict[str, Any]]:
    """Return EC2's rows of one kind by their names."""
    rows = getattr(app.client("ec2"), operation)()[result]
    return {tag["Value"]: row for row in rows for tag in row.get("Tags", ()) if tag["Key"] == "Name"}


def _balancer(app: App) -> str:
    [row] = app.client("elbv2").describe_load_balancers()["LoadBalancers"]
    return str(row["LoadBalancerArn"])


def way_out_for_the_database(app: App) -> None:
    table = _named(app, "describe_route_tables", "RouteTables")[f"{app.stack}-db"]["RouteTableId"]
    gateway = _named(app, "describe_internet_gateways", "InternetGateways")[f"{app.stack}-igw"]["InternetGatewayId"]
    app.client("ec2").create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def other_words(app: App) -> None:
    rule = _named(app, "describe_security_group_rules", "SecurityGroupRules")
    row = next(row for name, row in rule.items() if "ingress" in name and "CidrIpv4" in row)
    app.client("ec2").modify_security_group_rules(
        GroupId=row["GroupId"],
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": row["SecurityGroupRuleId"],
                "SecurityGroupRule": {
                    **{key: row[key] for key in ("IpProtocol", "FromPort", "ToPort", "CidrIpv4")},
                    "Description": "who wrote this",
                },
            }
        ],
    )


def another_table(app: App) -> None:
    ec2, ours = app.client("ec2"), _named(app, "describe_route_tables", "RouteTables")[f"{app.stack}-app-a"]
    theirs = ec2.create_route_table(VpcId=ours["VpcId"])["RouteTable"]["RouteTableId"]
    [association] = ours["Associations"]
    ec2.replace_route_table_association(AssociationId=association["RouteTableAssociationId"], RouteTableId=theirs)


def their_table_goes(app: App) -> None:
    ec2, vpc = app.client("ec2"), _named(app, "describe_vpcs", "Vpcs")[f"{app.stack}-vpc"]["VpcId"]
    for row in ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]:
        if not row.get("Tags") and not row["Associations"]:
            ec2.delete_route_table(RouteTableId=row["RouteTableId"])


def lost_way_to_s3(app: App) -> None:
    row = _named(app, "describe_vpc_endpoints", "VpcEndpoints")[f"{app.stack}-s3"]
    app.client("ec2").modify_vpc_endpoint(
        VpcEndpointId=row["VpcEndpointId"], RemoveRouteTableIds=row["RouteTableIds"][:1]
    )


def half_an_upload(app: App) -> None:
    s3 = app.client("s3")
    [bucket] = s3.list_buckets()["Buckets"]
    s3.create_multipart_upload(Bucket=bucket["Name"], Key="AWSLogs/half")


def open_balancer(app: App) -> None:
    group = _named(app, "describe_security_groups", "SecurityGroups")[f"{app.stack}-ecs"]["GroupId"]
    app.client("elbv2").set_security_groups(LoadBalancerArn=_balancer(app), SecurityGroups=[group])


def moved_balancer(app: App) -> None:
    subnets = _named(app, "describe_subnets", "Subnets")
    app.client("elbv2").set_subnets(
        LoadBalancerArn=_balancer(app), Subnets=[subnets[f"{app.stack}-app-{letter}"]["SubnetId"] for letter in "ab"]
    )


def mighty_role(app: App) -> None:
    app.client("iam").attach_role_policy(
        RoleName=f"{app.stack}-us-east-1-task", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"
    )


def unbounded_role(app: App) -> None:
    app.client("iam").delete_role_permissions_boundary(RoleName=f"{app.stack}-us-east-1-execution")


def moved_database(app: App) -> None:
    subnets = _named(app, "describe_subnets", "Subnets")
    ids = [subnets[f"{app.stack}-{tier}"]["SubnetId"] for tier in ("db-a", "db-b", "app-a")]
    app.client("rds").modify_db_subnet_group(DBSubnetGroupName=f"{app.stack}-db", SubnetIds=ids)


def doomed_secret(app: App) -> None:
    app.client("secretsmanager").delete_secret(SecretId=f"{app.stack}/google_api_key", RecoveryWindowInDays=7)


def described_secret(app: App) -> None:
    app.client("secretsmanager").update_secret(SecretId=f"{app.stack}/firebase_key", Description="mine")


def other_secret(app: App) -> None:
    app.client("secretsmanager").put_secret_value(SecretId=f"{app.stack}/firebase_key", SecretString="mine")


def stranger_on_the_topic(app: App) -> None:
    """Subscribe somebody whom nobody wants, who confirms."""
    sns, arn = app.client("sns"), f"arn:aws:sns:{REGION}:123456789012:{app.stack}-alarms"
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="stranger@example.com")
    mail = json.loads(app.aws.control.answer("GET", "/_control/mail", b"").body)[-1]
    sns.confirm_subscription(TopicArn=arn, Token=mail["token"])


def closed_topic(app: App) -> None:
    app.client("sns").set_topic_attributes(
        TopicArn=f"arn:aws:sns:{REGION}:123456789012:{app.stack}-alarms",
        AttributeName="KmsMasterKeyId",
        AttributeValue="alias/aws/sns",
    )


def stopped_tasks(app: App) -> None:
    """Stop all tasks with words that point to their log, and have the operator observe it before others run."""
    ecs, cluster = app.client("ecs"), f"{app.stack}-cluster"
    for task in ecs.list_tasks(cluster=cluster)["taskArns"]:
        ecs.stop_task(cluster=cluster, task=task, reason="Task failed ELB health checks")
    app.observe_now()


def their_revision_goes(app: App) -> None:
    """Take away the one revision that `CHANGES` has registered: with it alone, the family is foreign to the next app.

    A deletion leaves it, and it alone.
    """
    ecs = app.client("ecs")
    [theirs] = ecs.list_task_definitions(familyPrefix=app.stack, status="ACTIVE")["taskDefinitionArns"]
    assert not ecs.describe_task_definition(taskDefinition=theirs, include=["TAGS"])["tags"]
    ecs.deregister_task_definition(taskDefinition=theirs)


def movable_tags(app: App) -> None:
    """Let tags move, which production's do not."""
    app.client("ecr").put_image_tag_mutability(repositoryName=app.stack, imageTagMutability="MUTABLE")


def other_settings(app: App) -> None:
    """Change what takes an action of its own to put right."""
    for setting in (
        ("elbv2.LoadBalancer", "addresses"),
        ("secretsmanager.Secret", "rotation"),
    ):
        for change in SETTINGS[setting]:
            change(Hands(app))


#: Rounds: what happens in one is put right together. Passes are what a life takes its time for.
ROUNDS: tuple[tuple[ForeignChange, ...], ...] = (
    CHANGES,
    (
        way_out_for_the_database,
        other_words,
        another_table,
        lost_way_to_s3,
        half_an_upload,
        open_balancer,
        moved_balancer,
        mighty_role,
        unbounded_role,
        moved_database,
        doomed_secret,
        described_secret,
        other_secret,
        stranger_on_the_topic,
        closed_topic,
        movable_tags,
        other_settings,
    ),
    (their_table_goes, stopped_tasks),
)
