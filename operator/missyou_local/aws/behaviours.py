"""The list of what this test AWS plays beyond moto; importing a module registers its behaviours."""

from __future__ import annotations

import importlib

MODULES = (
    "ec2_requests",
    "interfaces",
    "network",
    "network_rules",
    "network_routes",
    "vpc_endpoints",
    "security_groups",
    "rds",
    "rds_snapshots",
    "rds_backups",
    "rds_options",
    "rds_windows",
    "rds_groups",
    "rds_catalogue",
    "loadbalancer",
    "targets",
    "ecs_clusters",
    "ecs_definitions",
    "ecs_services",
    "ecs_reads",
    "autoscaling",
    "monitoring",
    "dashboards",
    "secrets",
    "iam",
    "iam_roles",
    "iam_propagation",
    "ecr",
    "logs",
    "names",
    "acm",
    "listener_rules",
    "target_group_rules",
    "balancer_rules",
    "ecs_network",
    "wafv2",
    "sns",
    "route53",
    "s3",
    "limits",
)


def load() -> None:
    """Register every behaviour. Safe to repeat."""
    for name in MODULES:
        importlib.import_module(f"missyou_local.aws.{name}")
