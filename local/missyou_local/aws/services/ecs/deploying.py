"""How deployments begin, complete, fail and are rolled back, and how tasks are told to stop."""

from __future__ import annotations

import uuid

from missyou_local.aws.call import Call
from missyou_local.aws.services.ecs import shifting
from missyou_local.aws.services.ecs.model import Deployment, Service, Task, moment
from missyou_local.aws.services.elbv2 import targets

#: The most events, and deployments that have ended, that a service shows.
_KEPT = 100
_ROLLED_BACK = ("networkConfiguration", "loadBalancers", "platformVersion", "serviceRegistries")


def say(service: Service, at: float, message: str) -> None:
    """Add an event, newest first."""
    service.events.insert(
        0, {"id": str(uuid.uuid4()), "createdAt": moment(at), "message": f"(service {service.name}) {message}"}
    )
    del service.events[_KEPT:]


def deploy(call: Call, service: Service, at: float, definition: str, failed: Deployment | None = None) -> Deployment:
    """Begin a new deployment, or the rollback of one that `failed`.

    The tasks of the present one that have not started are abandoned.
    One that moves requests is taken back first: ECS API reference, ServiceDeployment, the stage RECONCILE_SERVICE.
    """
    for former in service.deployments:
        if former.status == "PRIMARY" and former.outcome == "IN_PROGRESS":
            _take_back(call, service, former, at)
            former.outcome, former.finished = "STOPPED", at
        former.status, former.desired, former.stage_due = "ACTIVE", 0, None
    new_id = f"ecs-svc/{uuid.uuid4().int % 10**19:019d}"
    made = Deployment(new_id, definition, at, at, service.desired, service.settings)
    made.is_rollback = failed is not None
    made.reason = f"ECS deployment {new_id} in progress."
    if failed is not None:
        made.reason = f"ECS deployment circuit breaker: rolling back from {failed.id}."
    shifting.begin(call, made)
    service.deployments.insert(0, made)
    service.history.insert(0, made)
    del service.history[_KEPT:]
    service.definition, service.retry_at, service.steady = definition, None, False
    return made


def complete(service: Service, deployment: Deployment, at: float) -> None:
    """Complete a deployment, and with it the rollback that it is."""
    deployment.rollout, deployment.updated = "COMPLETED", at
    deployment.outcome, deployment.finished = "SUCCESSFUL", at
    for failed in service.history:
        if failed.outcome == "ROLLBACK_IN_PROGRESS":
            failed.outcome, failed.finished = "ROLLBACK_SUCCESSFUL", at
    deployment.reason = f"ECS deployment {deployment.id} completed."
    service.last_good = deployment
    say(service, at, f"(deployment {deployment.id}) deployment completed.")


def heed_alarms(call: Call, service: Service) -> bool:
    """Fail the deployment under way if an alarm has gone off, and return whether one has."""
    deployment = service.primary
    if deployment.rollout != "IN_PROGRESS" or not (names := shifting.fired(call, deployment)):
        return False
    deployment.fired = names
    fail(call, service, deployment, call.now, "alarm detected")
    return True


def fail(call: Call, service: Service, deployment: Deployment, at: float, why: str) -> None:
    """Fail a deployment, and roll back to the last one that worked, if any.

    A rollback restores all that a service revision holds, load balancers and network included. Tasks that still run
    beside those that get the requests are given the requests back at once, the others are started anew. Source: ECS API
    reference, ServiceRevision; ECS developer guide, "How the Amazon ECS deployment circuit breaker detects failures".
    """
    deployment.rollout, deployment.updated, deployment.stage_due = "FAILED", at, None
    deployment.reason = f"ECS deployment circuit breaker: {why}."
    deployment.outcome, deployment.finished = "STOPPED", at
    service.retry_at = None
    say(service, at, f"(deployment {deployment.id}) deployment failed: {why}.")
    good, configuration = service.last_good, deployment.settings["deploymentConfiguration"]
    rollback = configuration["alarms" if deployment.fired else "deploymentCircuitBreaker"]["rollback"]
    if not rollback or good is None or deployment.is_rollback:
        return
    deployment.outcome = "ROLLBACK_IN_PROGRESS"
    service.settings = {**service.settings, **{key: good.settings[key] for key in _ROLLED_BACK}}
    if _take_back(call, service, deployment, at):
        deployment.status, deployment.desired = "ACTIVE", 0
        deployment.outcome = "ROLLBACK_SUCCESSFUL"
        service.deployments.remove(good)
        service.deployments.insert(0, good)
        good.status, good.desired, service.definition = "PRIMARY", service.desired, good.definition
        say(service, at, f"rolling back to (deployment {good.id}).")
        return
    made = deploy(call, service, at, good.definition, deployment)
    made.images = good.images
    say(service, at, f"rolling back to (deployment {made.id}).")


def _take_back(call: Call, service: Service, deployment: Deployment, at: float) -> bool:
    """Give all requests back to the tasks that a deployment was to replace, and stop its own; return whether it can."""
    if not deployment.shifts or deployment.stage == shifting.CLEAN_UP or replaced(service) is None:
        return False
    shifting.to(call, deployment, 0.0)
    stop_all(call, service, deployment, at)
    return True


def replaced(service: Service) -> Deployment | None:
    """Return the deployment whose tasks serve on until those of the present one have taken over all requests."""
    return next((each for each in service.deployments[1:] if each is service.last_good), None)


def stop(call: Call, service: Service, task: Task, at: float, reason: str) -> None:
    """Stop a task; its targets drain meanwhile."""
    task.stopping, task.stop_due = at, at + call.timing.task_stop
    task.reason, task.code = reason, "ServiceSchedulerInitiated"
    service.steady = False
    for group, _ in task.groups:
        targets.drain(call, group, task.address)
    say(service, at, f"has stopped 1 running tasks: (task {task.id}).")


def stop_all(call: Call, service: Service, deployment: Deployment, at: float) -> None:
    """Stop the tasks of a deployment."""
    for task in service.tasks_of(deployment):
        if task.alive:
            stop(call, service, task, at, f"Scaling activity initiated by (deployment {deployment.id})")
