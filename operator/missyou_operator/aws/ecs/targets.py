"""Reads the health of a service's tasks as its load balancer sees it.

Source: Elastic Load Balancing API reference, DescribeTargetHealth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from missyou_operator.aws.cloud import Reader


def targets_in(reader: Reader, attrs: Mapping[str, Any]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Read the health of a service's targets by target group; {} if no task runs that could be one."""
    if not attrs["running"]:
        return {}
    describe = reader.client("elbv2").describe_target_health
    groups = [arn for arn in (*attrs["target_groups"], attrs["alternate_target_group"]) if arn]
    return {arn: describe(TargetGroupArn=arn)["TargetHealthDescriptions"] for arn in groups}


def healthy_among(targets: Sequence[Mapping[str, Any]]) -> int:
    """Count the healthy ones of some targets."""
    return sum((target.get("TargetHealth") or {}).get("State") == "healthy" for target in targets)
