"""Reading services and tasks, and stopping a task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from missyou_local.aws.call import Call, Result, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.ecs import deploying
from missyou_local.aws.services.ecs import rollout as ecs_rollout
from missyou_local.aws.services.ecs.model import Service, Task
from missyou_local.aws.services.ecs.services import SERVICES, cluster_name


@handles("ecs:DescribeServices")
def describe_services(call: Call) -> Result:
    """Describe up to ten services of one cluster."""
    cluster = cluster_name(call)
    wanted = call.params["services"]
    if len(wanted) > 10:
        raise AwsError("InvalidParameterException", "Services cannot be more than 10.")
    found: list[dict[str, Any]] = []
    failures = []
    for reference in wanted:
        service = SERVICES.of(call).get((cluster, reference.rpartition("/")[2]))
        if service is None:
            arn = reference if reference.startswith("arn:") else call.arn("ecs", f"service/{cluster}/{reference}")
            failures.append({"arn": arn, "reason": "MISSING"})
            continue
        shown = service.describe()
        if "TAGS" in call.params.get("include", []):
            shown["tags"] = _tags(call, service)
        found.append(shown)
    return {"services": found, "failures": failures}


def _tags(call: Call, service: Service) -> list[dict[str, str]]:
    return list(call.moto("ecs").services[f"{service.cluster}:{service.name}"].tags)


@handles("ecs:ListServices")
def list_services(call: Call) -> Result:
    """List the services of a cluster that are not INACTIVE."""
    cluster = cluster_name(call)
    listed = [s for (in_cluster, _), s in SERVICES.of(call).items() if in_cluster == cluster and s.status != "INACTIVE"]
    launch_type = call.params.get("launchType")
    return {"serviceArns": [s.arn for s in listed if launch_type in (None, s.settings["launchType"])]}


@handles("ecs:ListTasks")
def list_tasks(call: Call) -> Result:
    """List the tasks that are to run, or those that are not, of a cluster, service, family or deployment."""
    cluster, params = cluster_name(call), call.params
    name = params.get("serviceName", "").rpartition("/")[2]
    if name and (cluster, name) not in SERVICES.of(call):
        raise AwsError("ServiceNotFoundException", "Service not found.")
    alive = params.get("desiredStatus", "RUNNING") != "STOPPED"
    arns = [
        task.arn
        for service, task in _tasks(call, cluster)
        if task.alive is alive
        and name in ("", service.name)
        and params.get("family") in (None, task.definition.family)
        and params.get("startedBy") in (None, task.deployment)
    ]
    others = [] if name or params.get("family") else call.forward()["taskArns"]
    return {"taskArns": arns + others}


@handles("ecs:DescribeTasks")
def describe_tasks(call: Call) -> Result:
    """Describe tasks by ARN or id: those of services, and those that moto runs."""
    cluster = cluster_name(call)
    ours = {task.id: (service, task) for service, task in _tasks(call, cluster)}
    shown: list[dict[str, Any]] = []
    failures = []
    moto_tasks = call.moto("ecs").tasks.get(cluster, {})
    for reference in call.params["tasks"]:
        if known := ours.get(reference.rpartition("/")[2]):
            service, task = known
            entry = service.describe_task(task)
            if "TAGS" in call.params.get("include", []):
                entry["tags"] = _propagated(call, service, task)
            shown.append(entry)
        elif any(arn.endswith(reference) for arn in moto_tasks):
            shown.extend(call.forward({**call.params, "tasks": [reference]})["tasks"])
        else:
            arn = reference if reference.startswith("arn:") else call.arn("ecs", f"task/{cluster}/{reference}")
            failures.append({"arn": arn, "reason": "MISSING"})
    return {"tasks": shown, "failures": failures}


def _propagated(call: Call, service: Service, task: Task) -> list[dict[str, str]]:
    """Return the tags that a task got from its service or definition, and ECS's own."""
    source = service.settings["propagateTags"]
    tags = {"SERVICE": _tags(call, service), "TASK_DEFINITION": list(task.definition.tags)}.get(source, [])
    if service.settings["enableECSManagedTags"]:
        tags = [
            *tags,
            {"key": "aws:ecs:clusterName", "value": service.cluster},
            {"key": "aws:ecs:serviceName", "value": service.name},
        ]
    return tags


@handles("ecs:StopTask")
def stop_task(call: Call) -> Result:
    """Stop a task; its service starts another."""
    task_id = call.params["task"].rpartition("/")[2]
    for service, task in _tasks(call, cluster_name(call)):
        if task.id == task_id:
            if task.alive:
                reason = call.params.get("reason", "Task stopped by user")
                deploying.stop(call, service, task, call.now, reason)
                task.code = "UserInitiated"
                ecs_rollout.steer(call, service, call.now)
            return {"task": service.describe_task(task)}
    return call.forward()


def _tasks(call: Call, cluster: str) -> Iterator[tuple[Service, Task]]:
    for (in_cluster, _), service in SERVICES.of(call).items():
        if in_cluster == cluster:
            yield from ((service, task) for task in service.tasks)
