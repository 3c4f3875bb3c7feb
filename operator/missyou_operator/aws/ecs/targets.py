"""Reads the health of a service's tasks as its load balancer sees it.

Source: Elastic Load Balancing API reference, DescribeTargetHealth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from missyou_operator.aws.informer import FRESH
from missyou_operator.aws.reader import Reader

#: As fresh as tasks, for as many stacks as AWS lets nine calls a second be made for.
_HEALTH = replace(FRESH, apart=0.11)


def targets_in(reader: Reader, attrs: Mapping[str, Any]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Read the health of a service's targets by target group; {} if no task runs that could be one."""
    if not attrs["running"]:
        return {}
    groups = [arn for arn in (*attrs["target_groups"], attrs["alternate_target_group"]) if arn]
    answers = {arn: reader.detail(_HEALTH, "elbv2", "describe_target_health", TargetGroupArn=arn) for arn in groups}
    return {arn: answer["TargetHealthDescriptions"] for arn, answer in answers.items()}


def healthy_among(targets: Sequence[Mapping[str, Any]]) -> int:
    """Count the healthy ones of some targets."""
    return sum((target.get("TargetHealth") or {}).get("State") == "healthy" for target in targets)
