"""What makes Terraform forget the resources that the stack has now, and which it keeps. Pure.

Sources: Terraform CLI documentation, "Command: state rm"; Terraform language documentation, "removed block reference"
(since 1.7; OpenTofu likewise). A `removed` block names a whole resource, without the keys of instances and modules.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from missyou_operator.cli.importing.facts import Facts
from missyou_operator.cli.importing.notes import Note
from missyou_operator.cli.importing.tfstate import State, StateResource

Form = Literal["state-rm", "removed"]

#: The types of the AWS provider, and ours.
TYPES = {
    "aws_vpc": "ec2.Vpc",
    "aws_subnet": "ec2.Subnet",
    "aws_internet_gateway": "ec2.InternetGateway",
    "aws_eip": "ec2.Address",
    "aws_nat_gateway": "ec2.NatGateway",
    "aws_route_table": "ec2.RouteTable",
    "aws_security_group": "ec2.SecurityGroup",
    "aws_vpc_endpoint": "ec2.VpcEndpoint",
    "aws_db_subnet_group": "rds.DBSubnetGroup",
    "aws_db_parameter_group": "rds.DBParameterGroup",
    "aws_db_instance": "rds.DBInstance",
    "aws_ecr_repository": "ecr.Repository",
    "aws_secretsmanager_secret": "secretsmanager.Secret",
    "aws_ecs_cluster": "ecs.Cluster",
    "aws_ecs_task_definition": "ecs.TaskDefinition",
    "aws_ecs_service": "ecs.Service",
    "aws_appautoscaling_target": "autoscaling.ScalableTarget",
    "aws_appautoscaling_policy": "autoscaling.ScalingPolicy",
    "aws_lb": "elbv2.LoadBalancer",
    "aws_alb": "elbv2.LoadBalancer",
    "aws_lb_target_group": "elbv2.TargetGroup",
    "aws_alb_target_group": "elbv2.TargetGroup",
    "aws_lb_listener": "elbv2.Listener",
    "aws_alb_listener": "elbv2.Listener",
    "aws_iam_role": "iam.Role",
    "aws_cloudwatch_log_group": "logs.LogGroup",
    "aws_cloudwatch_metric_alarm": "cloudwatch.Alarm",
}
#: Types of what is part of something, and the attribute that names this.
_PARTS = {
    "aws_route": "route_table_id",
    "aws_route_table_association": "route_table_id",
    "aws_security_group_rule": "security_group_id",
    "aws_vpc_security_group_ingress_rule": "security_group_id",
    "aws_vpc_security_group_egress_rule": "security_group_id",
    "aws_internet_gateway_attachment": "internet_gateway_id",
    "aws_default_security_group": "vpc_id",
    "aws_ecr_lifecycle_policy": "repository",
    "aws_ecr_repository_policy": "repository",
    "aws_secretsmanager_secret_version": "secret_id",
    "aws_secretsmanager_secret_policy": "secret_id",
    "aws_secretsmanager_secret_rotation": "secret_id",
    "aws_iam_role_policy": "role",
    "aws_iam_role_policy_attachment": "role",
    "aws_ecs_cluster_capacity_providers": "cluster_name",
    "aws_appautoscaling_target": "resource_id",
    "aws_appautoscaling_policy": "resource_id",
    "aws_lb_listener_certificate": "listener_arn",
    "aws_alb_listener_certificate": "listener_arn",
}


def split(
    state: State, known: Mapping[str, Mapping[str, str]], used: Iterable[str]
) -> tuple[list[StateResource], list[StateResource]]:
    """Return the resources that Terraform is to forget, and those that stay with it.

    `known`: the names of what becomes the stack's, by type and ID. `used`: ARNs of what the stack uses and Terraform
    must not delete.
    """
    ids = {type_: {*rows, *map(_plain, rows), *rows.values()} for type_, rows in known.items()}
    services = {f"service/{arn.partition(':service/')[2]}" for arn in known.get("ecs.Service", {})}
    anything = {*used, *services}.union(*ids.values())
    mine, others = list[StateResource](), list[StateResource]()
    for each in state.resources:
        own = each.ids & {*ids.get(TYPES.get(each.type, ""), ()), *used}
        part = each.attributes.get(_PARTS.get(each.type, ""), "")
        (mine if own or part in anything else others).append(each)
    return mine, others


def _plain(id_: str) -> str:
    """Return an ARN without what Terraform leaves out of it."""
    return id_.removesuffix(":*")


def gone(state: State, facts: Facts) -> list[Note]:
    """Return a note for each resource of the VPC that a state lists and AWS does not have."""
    vpc = facts.vpc["VpcId"]
    there = {
        "aws_subnet": {row["SubnetId"] for row in facts.subnets},
        "aws_route_table": {row["RouteTableId"] for row in facts.route_tables},
        "aws_security_group": {row["GroupId"] for row in facts.groups},
        "aws_vpc_endpoint": {row["VpcEndpointId"] for row in facts.endpoints},
        "aws_nat_gateway": {row["NatGatewayId"] for row in facts.nat_gateways},
        "aws_eip": {row.get("AllocationId") for row in facts.addresses},
    }
    return [
        Note(
            f"{each.address} is in the state, and AWS has no {each.attributes['id']} in this VPC",
            f"have Terraform forget it, too: terraform state rm {shlex.quote(each.address)}",
        )
        for each in state.resources
        if each.type in there
        and each.attributes.get("id") not in there[each.type]
        and each.attributes.get("vpc_id", vpc) == vpc
    ]


def commands(mine: Sequence[StateResource], others: Sequence[StateResource], form: Form) -> list[str]:
    """Return the commands, or the blocks for a .tf file, that make Terraform forget some of its resources.

    What has instances on both sides cannot be a block: it comes as a command.
    """
    shared = {each.block for each in others}
    if form == "state-rm":
        return [f"terraform state rm {shlex.quote(each.address)}" for each in mine]
    blocks = dict.fromkeys(each.block for each in mine if each.block not in shared)
    lines = [
        line
        for block in blocks
        for line in ("removed {", f"  from = {block}", "", "  lifecycle {", "    destroy = false", "  }", "}", "")
    ]
    rest = [f"terraform state rm {shlex.quote(each.address)}" for each in mine if each.block in shared]
    return [*lines, *(f"# {line}" for line in rest)]
