"""Statuses for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from missyou_operator.api.status import (
    Blocker,
    ComponentCost,
    Condition,
    Cost,
    DatabasePassword,
    Drift,
    Outputs,
    PlannedChange,
    PlannedCost,
    PlanStatus,
    ResourceStatus,
    Status,
)

NOON = datetime(2026, 1, 2, 12, 0, 0, 999, tzinfo=UTC)
READY = Condition(
    type="Ready", status="True", reason="Available", message="", observed_generation=3, last_transition_time=NOON
)
#: With something in every field.
FULL_STATUS = Status(
    observed_generation=3,
    conditions=(READY,),
    url="http://alb",
    outputs=Outputs(
        alb_url="http://alb",
        rds_endpoint="db:5432",
        ecr_repository_url="ecr/shop",
        vpc_id="vpc-1",
        ecs_cluster="shop-cluster",
        ecs_service="shop-service",
        log_group="/ecs/shop",
        database_engine_version="15.8",
        snapshot_arn="arn:aws:rds:eu-west-1:123456789012:snapshot:shop-db-before-v2",
    ),
    image="ecr/shop:1",
    running_tasks=0,
    desired_tasks=2,
    tasks="0/2",
    resources=(ResourceStatus(component="Network", type="VPC", name="shop-vpc", id="vpc-1", state="available"),),
    plan=PlanStatus(
        id="ab",
        changes=(PlannedChange(action="Replace", resource="RDS shop-db", destroys_data=True),),
        cost=PlannedCost(monthly_usd="200.00", difference_usd="+29.43"),
    ),
    cost=Cost(
        monthly_usd="170.57",
        components=(ComponentCost(component="Network", monthly_usd="73.45"),),
        prices_from="2026-08-31",
        not_priced=(),
    ),
    drift=(Drift(resource="VPC shop-vpc", fields=("tags",), found_at=NOON, action="corrected"),),
    last_sync_time=NOON,
    last_handled_reconcile_at="now",
    last_handled_snapshot="before-v2",
    database_password=DatabasePassword(last_handled="1", last_rotated_at=NOON, next_rotation_at=NOON),
    blockers=(Blocker(resource="ENI", id="eni-1", owner="amazon-elb", message="wait"),),
)
