"""All resource types, service by service."""

from __future__ import annotations

from missyou_operator.aws import (
    acm,
    autoscaling,
    cloudwatch,
    ec2,
    ecr,
    ecs,
    elbv2,
    iam,
    logs,
    rds,
    route53,
    s3,
    secretsmanager,
    sns,
    wafv2,
)
from missyou_operator.engine.resource import Resource

_ALL = (
    ec2,
    rds,
    secretsmanager,
    ecr,
    elbv2,
    route53,
    acm,
    ecs,
    iam,
    autoscaling,
    logs,
    sns,
    cloudwatch,
    wafv2,
    s3,
)
KINDS: tuple[type[Resource], ...] = tuple(kind for service in _ALL for kind in service.KINDS)
