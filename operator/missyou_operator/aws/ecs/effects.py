"""What changes of service and task definition mean to the app.

Source: ECS Developer Guide, "Update an Amazon ECS service": which parameters start a deployment. In a rolling
deployment, a task is stopped only when a new one is healthy, and the load balancer lets its requests end.
"""

from __future__ import annotations

from missyou_operator.engine.effects import Effect, Effects

ROLLING = "a rolling deployment: new tasks take over before old ones are stopped"
_ROLLOUT = Effect("UpdateService", 240, ROLLING, restarts=True)
_REVISION = Effect("RegisterTaskDefinition")

SERVICE = Effects(
    Effect("CreateService", 150),
    Effect("UpdateService, DeleteService", 60, "no task answers any more"),
    fields={
        **dict.fromkeys(
            (
                *("task_definition", "container_port", "target_groups", "subnet_ids", "security_group_ids"),
                *("settings", "failed_rollout", "alternate_target_group", "listener_rule", "balancing_role"),
            ),
            _ROLLOUT,
        ),
        "grace_seconds": Effect("UpdateService"),
        **dict.fromkeys(("circuit_breaker", "strategy", "alarms"), Effect("UpdateService")),
        "min_tasks": Effect("UpdateService", 90),
    },
)
#: A revision changes nothing by itself: the change of the service that follows rolls it out.
TASK_DEFINITION = Effects(_REVISION, Effect("DeregisterTaskDefinition"), update=_REVISION)
