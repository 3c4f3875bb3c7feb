"""Finds and deletes what the experiments of `confirm_on_aws` made: by their tag, and by nothing else.

It serves the end of each experiment and `--clean-up` alike, so that an interruption leaves nothing that it cannot find.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

#: On everything that an experiment makes. What has no tags is part of something that has, or begins with NAME.
TAG, NAME = "missyou.app/confirm", "missyou-confirm"
TAGS = [{"Key": TAG, "Value": "true"}, {"Key": "Name", "Value": NAME}]
ECS_TAGS = [{"key": TAG, "value": "true"}]
_TRIES, _SECONDS = 120, 15.0

#: Makes a boto3 client for a service.
Clients = Callable[[str], Any]


def _ours(tags: list[dict[str, str]]) -> bool:
    return any(tag.get("Key", tag.get("key")) == TAG for tag in tags)


def _pages(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page[key]


def _ec2(operation: str, key: str, identifier: str, delete: str, *, live: bool = False) -> tuple[Any, Any]:
    def find(aws: Clients) -> Iterator[str]:
        rows = _pages(aws("ec2"), operation, key, Filters=[{"Name": "tag-key", "Values": [TAG]}])
        return (row[identifier] for row in rows if not live or row["State"] != "deleted")

    return find, lambda aws, found: getattr(aws("ec2"), delete)(**{identifier: found})


def _addresses(aws: Clients) -> Iterator[str]:
    rows = aws("ec2").describe_addresses(Filters=[{"Name": "tag-key", "Values": [TAG]}])["Addresses"]
    return (row["AllocationId"] for row in rows)


def _delete_gateway(aws: Clients, found: str) -> None:
    ec2 = aws("ec2")
    [row] = ec2.describe_internet_gateways(InternetGatewayIds=[found])["InternetGateways"]
    for attachment in row["Attachments"]:
        ec2.detach_internet_gateway(InternetGatewayId=found, VpcId=attachment["VpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=found)


def _databases(aws: Clients) -> Iterator[str]:
    rows = _pages(aws("rds"), "describe_db_instances", "DBInstances")
    return (row["DBInstanceIdentifier"] for row in rows if _ours(row.get("TagList", [])))


def _delete_database(aws: Clients, found: str) -> None:
    aws("rds").delete_db_instance(DBInstanceIdentifier=found, SkipFinalSnapshot=True, DeleteAutomatedBackups=True)


def _subnet_groups(aws: Clients) -> Iterator[str]:
    rds = aws("rds")
    for row in _pages(rds, "describe_db_subnet_groups", "DBSubnetGroups"):
        if row["DBSubnetGroupName"].startswith(NAME) and _ours(
            rds.list_tags_for_resource(ResourceName=row["DBSubnetGroupArn"])["TagList"]
        ):
            yield row["DBSubnetGroupName"]


def _targets(aws: Clients) -> Iterator[str]:
    rows = _pages(
        aws("application-autoscaling"), "describe_scalable_targets", "ScalableTargets", ServiceNamespace="ecs"
    )
    return (row["ResourceId"] for row in rows if row["ResourceId"].startswith(f"service/{NAME}/"))


def _deregister_target(aws: Clients, found: str) -> None:
    aws("application-autoscaling").deregister_scalable_target(
        ServiceNamespace="ecs", ResourceId=found, ScalableDimension="ecs:service:DesiredCount"
    )


def _clusters(aws: Clients) -> Iterator[str]:
    rows = aws("ecs").describe_clusters(clusters=[NAME], include=["TAGS"])["clusters"]
    return (row["clusterArn"] for row in rows if row["status"] == "ACTIVE" and _ours(row.get("tags", [])))


def _delete_cluster(aws: Clients, found: str) -> None:
    ecs = aws("ecs")
    for service in ecs.list_services(cluster=found)["serviceArns"]:
        ecs.delete_service(cluster=found, service=service, force=True)
    ecs.delete_cluster(cluster=found)


def _definitions(aws: Clients) -> Iterator[str]:
    """Find ACTIVE ones; AWS keeps what is deregistered, at no cost."""
    return _pages(aws("ecs"), "list_task_definitions", "taskDefinitionArns", familyPrefix=NAME, status="ACTIVE")


def _target_groups(aws: Clients) -> Iterator[str]:
    elbv2 = aws("elbv2")
    for row in _pages(elbv2, "describe_target_groups", "TargetGroups"):
        if row["TargetGroupName"].startswith(NAME):
            [tags] = elbv2.describe_tags(ResourceArns=[row["TargetGroupArn"]])["TagDescriptions"]
            if _ours(tags["Tags"]):
                yield row["TargetGroupArn"]


#: What there may be, with how to find it and how to delete one, in the order in which AWS lets go of it.
KINDS: dict[str, tuple[Callable[[Clients], Iterator[str]], Callable[[Clients, str], Any]]] = {
    "scalable target": (_targets, _deregister_target),
    "ECS cluster": (_clusters, _delete_cluster),
    "task definition": (_definitions, lambda aws, found: aws("ecs").deregister_task_definition(taskDefinition=found)),
    "database": (_databases, _delete_database),
    "DB subnet group": (_subnet_groups, lambda aws, found: aws("rds").delete_db_subnet_group(DBSubnetGroupName=found)),
    "target group": (_target_groups, lambda aws, found: aws("elbv2").delete_target_group(TargetGroupArn=found)),
    "NAT gateway": _ec2("describe_nat_gateways", "NatGateways", "NatGatewayId", "delete_nat_gateway", live=True),
    "address": (_addresses, lambda aws, found: aws("ec2").release_address(AllocationId=found)),
    "internet gateway": (
        _ec2("describe_internet_gateways", "InternetGateways", "InternetGatewayId", "")[0],
        _delete_gateway,
    ),
    "subnet": _ec2("describe_subnets", "Subnets", "SubnetId", "delete_subnet"),
    "route table": _ec2("describe_route_tables", "RouteTables", "RouteTableId", "delete_route_table"),
    "VPC": _ec2("describe_vpcs", "Vpcs", "VpcId", "delete_vpc"),
}


def leftovers(aws: Clients) -> list[tuple[str, str]]:
    """List what there is, as kind and ID. Reads only."""
    return [(kind, found) for kind, (find, _) in KINDS.items() for found in find(aws)]


def clean_up(aws: Clients, wait: Callable[[float], object], say: Callable[[str], object]) -> list[tuple[str, str]]:
    """Delete everything, again and again until it is gone: AWS refuses what others still use. Return what remains."""
    for _ in range(_TRIES):
        found = leftovers(aws)
        if not found:
            return []
        for kind, identifier in found:
            say(f"  deleting {kind} {identifier}")
            # What is still in use, or on its way: the next round tries again.
            with contextlib.suppress(ClientError):
                KINDS[kind][1](aws, identifier)
        wait(_SECONDS)
    return leftovers(aws)
