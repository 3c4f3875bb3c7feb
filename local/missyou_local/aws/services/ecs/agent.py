"""Fargate's agent where a data plane runs: it turns a task definition into a process of this machine.

The image in the registry says which command of this machine stands for its entry point, in annotations of its manifest:
`missyou.local/command` (a list of words) and `missyou.local/environment` (an object), both as JSON.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call
from missyou_local.aws.services.ecs import launch as ecs_launch
from missyou_local.aws.services.ecs.launch import LaunchError
from missyou_local.aws.services.ecs.model import PLATFORM, Task

if TYPE_CHECKING:
    from missyou_local.dataplane.plane import DataPlane

COMMAND, ENVIRONMENT = "missyou.local/command", "missyou.local/environment"
_MILLISECOND = 1e-3


def run(call: Call, plane: DataPlane, task: Task, images: Mapping[str, Any]) -> None:
    """Start a task's process from the images that its deployment resolved.

    Raises LaunchError if it does not start, its text is the stoppedReason.
    """
    from missyou_local.dataplane.programs import Program  # noqa: PLC0415 - only where a data plane runs

    # One container per task, as in this stack. Fargate would start others beside it.
    container = task.definition.container_definitions[0]
    command, environment = _image(call, container["image"], images)
    command = [*(container.get("entryPoint") or ()), *container["command"]] if container.get("command") else command
    variables = {
        "PATH": os.defpath,
        "HOME": "/tmp",  # noqa: S108 - as in a container whose user has no home
        # The databases of this test AWS have certificates of its own authority, and none of RDS's.
        "PGSSLROOTCERT": str(plane.authorities),
        **environment,
        **{entry["name"]: entry["value"] for entry in container.get("environment", [])},
        **ecs_launch.secrets(container),
        "AWS_REGION": call.region,
        "AWS_DEFAULT_REGION": call.region,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        "ECS_CONTAINER_METADATA_URI_V4": f"{plane.metadata}/{task.id}",
    }
    if getattr(task.definition, "task_role_arn", None):  # moto leaves out what was not given
        # On AWS, a path relative to 169.254.170.2; SDKs take a whole URL on loopback, too.
        variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{plane.metadata}/{task.id}/credentials"
        variables["AWS_ENDPOINT_URL"] = plane.endpoint
    ports = {int(mapping["containerPort"]) for mapping in container.get("portMappings", [])}
    wanted = variables.get("PORT", "")
    if wanted.isdecimal():
        # All containers share this machine's ports: the app gets another one, which stands for its own.
        variables["PORT"] = str(plane.tasks.reserve(task.id, {*ports, int(wanted)})[int(wanted)])
    else:
        plane.tasks.reserve(task.id, ports)
    try:
        plane.tasks.start(task.id, Program(tuple(command), variables, Path("/")), _logger(call, container, task))
    except OSError as error:
        plane.tasks.forget(task.id)
        raise LaunchError(
            "CannotStartContainerError: Error response from daemon: failed to create task for container: exec: "
            f'"{command[0] if command else ""}": {error.strerror or error}'
        ) from None


def _image(call: Call, reference: str, images: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Return the command and the environment that an image comes with."""
    image = ecs_launch.find_image(call, reference, images)
    try:
        notes = json.loads(image.image_manifest)["annotations"] if image else {}
        return list(json.loads(notes[COMMAND])), dict(json.loads(notes.get(ENVIRONMENT, "{}")))
    except (KeyError, ValueError, TypeError):
        raise LaunchError(
            f"CannotPullContainerError: the data plane of this test AWS cannot run {reference}: it runs images of its "
            f"own registry whose manifest says how, in the annotation {COMMAND}; make demo-push makes one"
        ) from None


def _logger(call: Call, container: Mapping[str, Any], task: Task) -> Callable[[Sequence[tuple[float, str]]], None]:
    """Return a function that sends a task's output to its log group, as the awslogs driver does."""
    configuration = container.get("logConfiguration") or {}
    options = configuration.get("options", {})
    if configuration.get("logDriver") != "awslogs":
        return lambda _lines: None
    stream = f"{options.get('awslogs-stream-prefix', 'ecs')}/{container['name']}/{task.id}"
    logs = backends.backend("logs", call.account, options.get("awslogs-region", call.region))
    group = options["awslogs-group"]

    def put(lines: Sequence[tuple[float, str]]) -> None:
        events = [{"timestamp": int(at / _MILLISECOND), "message": text} for at, text in lines if text]
        with backends.LOCK:
            if group not in logs.groups or not events:
                return
            logs.ensure_log_stream(group, stream)
            logs.groups[group].put_log_events(stream, events)

    return put


def credentials(task: Task, region: str) -> dict[str, Any]:
    """Return credentials of the task's role. Source: ECS developer guide, "Task IAM role"."""
    role = str(task.definition.task_role_arn)
    sts = backends.backend("sts", role.split(":")[4], "global")
    made = sts.assume_role(region, task.id, role, "", 3600, "")
    return {
        "RoleArn": role,
        "AccessKeyId": made.access_key_id,
        "SecretAccessKey": made.secret_access_key,
        "Token": made.session_token,
        "Expiration": f"{made.expiration:%Y-%m-%dT%H:%M:%SZ}",
    }


def metadata(task: Task) -> dict[str, Any]:
    """Return the answer of the task metadata endpoint v4 under `/task`.

    Source: ECS developer guide, "Task metadata endpoint version 4 for Fargate"; CPU in vCPU, memory in MiB.
    """
    definition = task.definition
    return {
        "TaskARN": task.arn,
        "Family": definition.family,
        "Revision": str(definition.revision),
        "DesiredStatus": "RUNNING",
        "KnownStatus": task.status,
        "Limits": {"CPU": int(definition.cpu) / 1024, "Memory": int(definition.memory)},
        "LaunchType": "FARGATE",
        "PlatformVersion": PLATFORM,
        "AvailabilityZone": task.zone,
        "Containers": [
            {"Name": container["name"], "Image": container["image"], "Type": "NORMAL"}
            for container in definition.container_definitions
        ],
    }
