"""How a service advances: tasks start or fail, targets become healthy, deployments roll out, roll back, or fail.

Each read first runs, in order of time, the events that have come due since the last one. After each event the service
is steered towards its desired state. A rollout starts all new tasks beside the old ones (AWS's 100 % / 200 %), and
stops the old ones once the new ones are healthy, and `shifting` has gone through the stages of its strategy. With a
data plane tasks are processes, which cause the events.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from missyou_local.aws.call import Call
from missyou_local.aws.services.ec2 import interfaces
from missyou_local.aws.services.ecs import agent as ecs_agent
from missyou_local.aws.services.ecs import deploying, shifting
from missyou_local.aws.services.ecs import launch as ecs_launch
from missyou_local.aws.services.ecs import trouble as ecs_trouble
from missyou_local.aws.services.ecs.deploying import replaced, say, stop
from missyou_local.aws.services.ecs.launch import LaunchError
from missyou_local.aws.services.ecs.model import Deployment, Service, Task
from missyou_local.aws.services.elbv2 import targets

if TYPE_CHECKING:
    from missyou_local.dataplane.plane import DataPlane

Event = tuple[float, Callable[[], None]]
"""When an event is due, and what it does."""

_STOPPED_KEPT = 100
_EXITED = "EssentialContainerExited"
_STOP_TIMEOUT = 30.0  # seconds from SIGTERM to SIGKILL, ECS's default for a container's stopTimeout
_SHORTEST_RETRY = 0.05  # seconds; keeps a timing of nought from retrying for ever within one read


def advance(call: Call, service: Service) -> None:
    """Run the events of a service that are due by `call.now`."""
    while (event := _next_event(call, service)) is not None:
        at, act = event
        act()
        steer(call, service, at)
    if service.status == "ACTIVE" and deploying.heed_alarms(call, service):
        steer(call, service, call.now)


def _next_event(call: Call, service: Service) -> Event | None:
    """Return the earliest event that is due."""
    events = [_event_of(call, service, task) for task in service.tasks if task.stopped is None]
    if service.retry_at is not None:
        events.append((service.retry_at, partial(_retry, service)))
    for deployment in service.deployments:
        if deployment.stage_due is not None:
            stage = partial(shifting.move_on, call, deployment, deployment.stage_due, alone=False)
            events.append((deployment.stage_due, stage))
    due = [event for event in events if event is not None and event[0] <= call.now]
    return min(due, key=lambda event: event[0]) if due else None


def _event_of(call: Call, service: Service, task: Task) -> Event | None:
    if call.plane is not None and task.started is not None:
        return _event_of_process(call, call.plane, service, task)
    if task.stop_due is not None:
        return task.stop_due, partial(_stopped, call, service, task, task.stop_due)
    if task.started is None:
        return task.due, partial(_start, call, service, task)
    return None if task.healthy else _event_of_record(call, service, task, task.started)


def _event_of_record(call: Call, service: Service, task: Task, started: float) -> Event:
    """Return when the targets of a task that is none are healthy, when the service gives it up, or when it ends."""
    if ecs_trouble.at_present().exit is not None:
        return started, partial(_crashed, call, service, task)
    unfit = [group for group, _ in task.groups if not targets.answers(call, group, task.address)]
    if not unfit:
        return task.healthy_at, partial(_healthy, task)
    grace = service.settings.get("healthCheckGracePeriodSeconds", 0) * call.timing.grace_second
    return max(task.healthy_at, started + grace), partial(_unfit, call, service, task, unfit[0])


def _event_of_process(call: Call, plane: DataPlane, service: Service, task: Task) -> Event | None:
    """Return what a task's process has done by itself, or is to do."""
    if (code := plane.tasks.exit_code(task.id)) is not None:
        return call.now, partial(_ended, call, service, task, code)
    if task.stop_due is not None:
        return task.stop_due, partial(_terminate, plane, task)
    if task.stopping is not None:
        return None
    states = {group: targets.state_of(call, group, task.address) for group, _ in task.groups}
    if not task.healthy and all(state == "healthy" for state in states.values()):
        return call.now, partial(_healthy, task)
    grace = service.settings.get("healthCheckGracePeriodSeconds", 0) * call.timing.grace_second
    unfit = [group for group, state in states.items() if state == "unhealthy"]
    if unfit and task.started is not None and call.now >= task.started + grace:
        return call.now, partial(_unfit, call, service, task, unfit[0])
    return None


def steer(call: Call, service: Service, at: float) -> None:
    """Start and stop tasks, and complete deployments."""
    if service.status != "ACTIVE":
        _drain(call, service, at)
        return
    primary = service.primary
    primary.desired = service.desired
    serving = replaced(service) if primary.shifts and primary.stage != shifting.CLEAN_UP else None
    _give_up_pending(call, service, at, but=serving)
    if serving is not None:
        serving.desired = service.desired
        for _ in range(service.desired - sum(task.alive for task in service.tasks_of(serving))):
            _launch(call, service, serving, at)
    alive = [task for task in service.tasks_of(primary) if task.alive]
    if primary.rollout != "FAILED" and service.retry_at is None:
        for _ in range(service.desired - len(alive)):
            alive.append(_launch(call, service, primary, at))
    for task in sorted(alive, key=lambda task: task.started is None)[service.desired :]:
        stop(call, service, task, at, f"Scaling activity initiated by (deployment {primary.id})")
    _finish(call, service, at)


def _drain(call: Call, service: Service, at: float) -> None:
    for task in service.tasks:
        if task.alive:
            stop(call, service, task, at, f"Scaling activity initiated by (deployment {task.deployment})")
    if all(task.stopped is not None for task in service.tasks):
        service.status = "INACTIVE"
        service.deployments.clear()


def _give_up_pending(call: Call, service: Service, at: float, *, but: Deployment | None) -> None:
    for deployment in service.deployments:
        for task in service.tasks_of(deployment) if deployment.status == "ACTIVE" and deployment is not but else ():
            if task.alive and task.started is None:
                stop(call, service, task, at, f"Scaling activity initiated by (deployment {deployment.id})")


def _finish(call: Call, service: Service, at: float) -> None:
    """Stop old tasks once the new ones are healthy; complete the rollout once the old ones have stopped."""
    primary = service.primary
    alive = [task for task in service.tasks_of(primary) if task.alive]
    complete = primary.rollout != "FAILED" and len(alive) == service.desired and all(task.healthy for task in alive)
    if not complete:
        service.steady = False
        return
    under_way = primary.rollout == "IN_PROGRESS" and primary.stage != shifting.CLEAN_UP
    if under_way and primary.shifts and not _is_through(call, service, primary, at):
        return
    for former in [d for d in service.deployments if d.status == "ACTIVE"]:
        deploying.stop_all(call, service, former, at)
        if all(task.stopped is not None for task in service.tasks_of(former)):
            service.deployments.remove(former)
    if len(service.deployments) > 1 or (under_way and not _is_through(call, service, primary, at)):
        return
    if primary.rollout != "COMPLETED":
        deploying.complete(service, primary, at)
    if not service.steady:
        service.steady = True
        say(service, at, "has reached a steady state.")


def _is_through(call: Call, service: Service, deployment: Deployment, at: float) -> bool:
    """Enter the stages that follow once all tasks are healthy; return whether the last one has come."""
    if deployment.stage == shifting.SCALE_UP:
        shifting.move_on(call, deployment, at, alone=deployment.shifts and len(service.deployments) == 1)
    return deployment.stage == shifting.CLEAN_UP


def _launch(call: Call, service: Service, deployment: Deployment, at: float) -> Task:
    """Make a task: it has its interface at once, and starts or fails after `Timing.task`."""
    network = deployment.settings["networkConfiguration"]["awsvpcConfiguration"]
    subnet = network["subnets"][len(service.tasks) % len(network["subnets"])]
    task_id = uuid.uuid4().hex
    arn = call.arn("ecs", f"task/{service.cluster}/{task_id}")
    eni = interfaces.attach(
        call,
        arn,
        interfaces.Place(subnet, network.get("securityGroups", []), public=network.get("assignPublicIp") == "ENABLED"),
        call.arn("ecs", f"attachment/{uuid.uuid4()}"),
    )
    definition = definition_of(call, deployment.definition)
    zone = eni.subnet.availability_zone
    due = at + call.timing.task
    place = (subnet, zone, eni.id, eni.private_ip_address)
    task = Task(task_id, arn, deployment.id, definition, at, due, *place, deployment.groups)
    service.tasks.append(task)
    service.steady = False
    say(service, at, f"has started 1 tasks: (task {task_id}).")
    return task


def definition_of(call: Call, arn: str) -> object:
    """Return moto's task definition of a full ARN."""
    family, _, revision = arn.rpartition("/")[2].rpartition(":")
    definition: object = call.moto("ecs").task_definitions[family][int(revision)]
    return definition


def _start(call: Call, service: Service, task: Task) -> None:
    deployment = next((each for each in service.deployments if each.id == task.deployment), None)
    images = deployment.images if deployment is not None else {}
    try:
        ecs_launch.check(call, task.definition, images)
        if call.plane is not None:
            ecs_agent.run(call, call.plane, task, images)
    except LaunchError as problem:
        _fail_to_start(call, service, task, str(problem))
        return
    task.started = task.due
    task.healthy_at = task.due + (call.timing.healthy if task.groups else 0.0)
    for group, port in task.groups:
        targets.register(call, group, targets.Target(task.address, port, task.zone, task.id, task.healthy_at))
        say(service, task.due, f"registered 1 targets in (target-group {group})")


def _healthy(task: Task) -> None:
    task.healthy = True


def _retry(service: Service) -> None:
    service.retry_at = None


def _fail_to_start(call: Call, service: Service, task: Task, problem: str) -> None:
    task.reason, task.code, task.stopping = problem, "TaskFailedToStart", task.due
    _stopped(call, service, task, task.due)
    say(service, task.due, f"(task {task.id}) failed to start: {problem}")
    _count_failure(call, service, task, task.due)


def _ended(call: Call, service: Service, task: Task, code: int) -> None:
    """Record that a process has ended, on request or by itself."""
    task.exit_code = code
    by_itself = task.stopping is None
    if by_itself:
        task.reason, task.code, task.stopping = "Essential container in task exited", _EXITED, call.now
        service.steady = False
    if call.plane is not None:
        call.plane.tasks.forget(task.id)
    _stopped(call, service, task, call.now)
    if by_itself and not task.healthy:
        _count_failure(call, service, task, call.now)


def _crashed(call: Call, service: Service, task: Task) -> None:
    trouble = ecs_trouble.at_present()
    task.exit_reason = trouble.reason
    for container in task.definition.container_definitions:
        ecs_trouble.write_log(call, container, task.id)
    _ended(call, service, task, trouble.exit or 0)


def _unfit(call: Call, service: Service, task: Task, group: str) -> None:
    """Stop a task that its load balancer finds unhealthy; the service starts another."""
    failed = f"failed ELB health checks in (target-group {group})"
    stop(call, service, task, call.now, f"Task {failed}")
    say(service, call.now, f"(task {task.id}) {failed}")
    if not task.healthy:
        _count_failure(call, service, task, call.now)


def _terminate(plane: DataPlane, task: Task) -> None:
    task.stop_due = None
    plane.tasks.stop(task.id, _STOP_TIMEOUT)


def _count_failure(call: Call, service: Service, task: Task, at: float) -> None:
    """Count a task that never served; the circuit breaker opens, or the next one waits for a while."""
    deployment = next((d for d in service.deployments if d.id == task.deployment), None)
    if deployment is None or deployment.status != "PRIMARY":
        return
    deployment.failed += 1
    breaker = service.settings["deploymentConfiguration"]["deploymentCircuitBreaker"]
    threshold = min(max(math.ceil(service.desired / 2), 3), 200)
    if breaker["enable"] and deployment.rollout == "IN_PROGRESS" and deployment.failed >= threshold:
        deploying.fail(call, service, deployment, at, "tasks failed to start")
        return
    if deployment.failed >= 3:
        say(service, at, "is unable to consistently start tasks successfully.")
    pause = max(call.timing.task, _SHORTEST_RETRY)
    service.retry_at = at + pause * min(2 ** (deployment.failed // max(service.desired, 1)), 8)


def _stopped(call: Call, service: Service, task: Task, at: float) -> None:
    task.stopped, task.stop_due = at, None
    for group, _ in task.groups:
        targets.deregister(call, group, task.address)
    interfaces.release(call, task.arn, at)
    _forget_old(service)


def _forget_old(service: Service) -> None:
    """Keep the newest of the stopped tasks, as AWS does for an hour."""
    stopped = [task for task in service.tasks if task.stopped is not None]
    for task in stopped[:-_STOPPED_KEPT]:
        service.tasks.remove(task)
