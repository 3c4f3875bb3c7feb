"""The list of what this test AWS plays beyond moto; importing a module registers its behaviours."""

from __future__ import annotations

import importlib

MODULES = (
    "interfaces",
    "network",
    "network_rules",
    "rds",
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
    "secrets",
    "iam",
)


def load() -> None:
    """Register every behaviour. Safe to repeat."""
    for name in MODULES:
        importlib.import_module(f"missyou_local.aws.{name}")
