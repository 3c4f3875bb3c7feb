"""The modules with behaviours beyond moto's. Importing one registers its behaviours."""

from __future__ import annotations

import importlib

MODULES = (
    "services.ec2.requests",
    "services.ec2.interfaces",
    "services.ec2.vpcs",
    "services.ec2.refusals",
    "services.ec2.routes",
    "services.ec2.endpoints",
    "services.ec2.flow_logs",
    "services.ec2.security_groups",
    "services.rds.instances",
    "services.rds.maintenance",
    "services.rds.snapshots",
    "services.rds.backups",
    "services.rds.automated",
    "services.rds.copies",
    "services.rds.options",
    "services.rds.windows",
    "services.rds.groups",
    "services.rds.catalogue",
    "services.elbv2.load_balancers",
    "services.elbv2.targets",
    "services.ecs.clusters",
    "services.ecs.definitions",
    "services.ecs.services",
    "services.ecs.reads",
    "services.ecs.deployments",
    "services.autoscaling",
    "services.cloudwatch.alarms",
    "services.cloudwatch.dashboards",
    "services.secretsmanager",
    "services.iam.roles",
    "services.iam.propagation",
    "services.sts",
    "services.ecr",
    "services.logs",
    "services.tagging",
    "services.names",
    "services.acm",
    "services.elbv2.listeners",
    "services.elbv2.target_groups",
    "services.elbv2.refusals",
    "services.ecs.network",
    "services.wafv2",
    "services.sns.topics",
    "services.route53",
    "services.s3",
    "limits",
    "services.quotas",
    "services.iam.simulating",
    "services.events.bus",
    "services.events.cloudtrail",
    "services.events.states",
    "services.events.queues",
)


def load() -> None:
    """Register every behaviour. Safe to repeat."""
    for name in MODULES:
        importlib.import_module(f"missyou_local.aws.{name}")
