"""Refusals of a service's network: unknown subnets and groups, several VPCs, too many of either."""

from __future__ import annotations

from typing import Any

from missyou_local.aws.call import Call, checks
from missyou_local.aws.errors import AwsError

_MOST_SUBNETS, _MOST_GROUPS = 16, 5
"""ECS API reference, AwsVpcConfiguration."""


@checks("ecs:CreateService", "ecs:UpdateService", "ecs:RunTask")
def network_exists(call: Call) -> None:
    """Check the subnets and security groups that the call names."""
    inner = (call.params.get("networkConfiguration") or {}).get("awsvpcConfiguration", {})
    subnets, groups = inner.get("subnets", []), inner.get("securityGroups", [])
    if len(subnets) > _MOST_SUBNETS:
        raise _invalid(f"subnets can have at most {_MOST_SUBNETS} items.")
    if len(groups) > _MOST_GROUPS:
        raise _invalid(f"securityGroups can have at most {_MOST_GROUPS} items.")
    vpcs = {_subnet(call, subnet).vpc_id for subnet in subnets}
    if len(vpcs) > 1:
        raise _invalid(f"Provided subnets belong to different VPCs: {', '.join(sorted(vpcs))}")
    for group_id in groups:
        group = call.moto("ec2").get_security_group_from_id(group_id)
        if group is None:
            message = f"The security group '{group_id}' does not exist (ErrorCode: InvalidGroup.NotFound)"
            raise _invalid(f"Error retrieving security group information for [{group_id}]: {message}")
        if vpcs and group.vpc_id not in vpcs:
            raise _invalid(f"Security group {group_id} does not appear to belong to the same VPC as the input subnets.")


def _subnet(call: Call, subnet_id: str) -> Any:
    for subnet in call.moto("ec2").describe_subnets():
        if subnet.id == subnet_id:
            return subnet
    message = f"The subnet ID '{subnet_id}' does not exist (ErrorCode: InvalidSubnetID.NotFound)"
    raise _invalid(f"Error retrieving subnet information for [{subnet_id}]: {message}")


@checks("ecs:CreateService", "ecs:UpdateService")
def counts_make_sense(call: Call) -> None:
    """Refuse a negative count, and a deployment that can neither start nor stop a task."""
    if int(call.params.get("desiredCount", 0)) < 0:
        raise _invalid("desiredCount cannot be negative.")
    deployment = call.params.get("deploymentConfiguration", {})
    low, high = deployment.get("minimumHealthyPercent", 100), deployment.get("maximumPercent", 200)
    if "maximumPercent" in deployment and high <= low and high <= 100:
        raise _invalid("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)
