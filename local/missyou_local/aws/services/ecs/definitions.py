"""Task definitions: Fargate's sizes, roles, tags, and look-up by reference."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, Result, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.iam import propagation as iam_propagation

FARGATE_MEMORY: dict[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
    32768: (61440, 122880, 249856),
}
"""CPU units -> the memories (MiB) that Fargate has for them."""
_BYTES, _VARIABLES, _IMAGE = 65_536, 100, 255
"""What a task definition, the variables of a container and its image's name may have."""
_NOT_ON_FARGATE = ("devices", "sharedMemorySize", "maxSwap", "swappiness")


@handles("ecs:RegisterTaskDefinition")
def register_task_definition(call: Call) -> Result:
    """Register a revision; the reply names its tags.

    ECS drops variables with an empty value: github.com/hashicorp/terraform-provider-aws, issue 39533.
    """
    _check_size(call.params)
    _check_mounts(call.params)
    if "FARGATE" in call.params.get("requiresCompatibilities", []):
        _check_fargate(call.params)
    for key in ("executionRoleArn", "taskRoleArn"):
        if key in call.params:
            _check_role(call, call.params[key])
    containers = [
        {**each, "environment": [pair for pair in each.get("environment", []) if pair.get("value")]}
        for each in call.params["containerDefinitions"]
    ]
    result = call.forward({**call.params, "containerDefinitions": containers})
    if call.params.get("tags"):
        result["tags"] = list(call.params["tags"])
    return result


def _check_size(params: Mapping[str, Any]) -> None:
    """Check the size in all, as JSON (how AWS counts is not documented: the longest form), and that of its parts."""
    size = len(json.dumps({key: value for key, value in params.items() if key != "tags"}))
    if size > _BYTES:
        raise _refused(f"Actual length: '{size}'. Max allowed length is '{_BYTES}' bytes.")
    for container in params["containerDefinitions"]:
        if len(container.get("environment", [])) > _VARIABLES:
            raise _refused(f"Container {container['name']}: environment may have at most {_VARIABLES} variables.")
        if len(container["image"]) > _IMAGE:
            raise _refused(f"Container.image must be between 1 and {_IMAGE} characters.")


def _check_fargate(params: Mapping[str, Any]) -> None:
    if params.get("networkMode", "awsvpc") != "awsvpc":
        raise _refused(f"Fargate only supports network mode 'awsvpc', not '{params['networkMode']}'.")
    cpu, memory = params.get("cpu"), params.get("memory")
    if cpu is None or memory is None:
        raise _refused("Fargate requires that 'cpu' and 'memory' be defined at the task level.")
    if not (cpu.isdecimal() and memory.isdecimal() and int(memory) in FARGATE_MEMORY.get(int(cpu), ())):
        raise _refused(f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory.")
    for container in params["containerDefinitions"]:
        logs = (container.get("logConfiguration") or {}).get("logDriver") == "awslogs"
        if "executionRoleArn" not in params and (logs or container.get("secrets")):
            what = "awslogs" if logs else "container secrets"
            raise _refused(f"Fargate requires task definition to have execution role ARN to support {what}.")
        _check_isolation(container)
        for mapping in container.get("portMappings", []):
            if mapping.get("hostPort", mapping["containerPort"]) != mapping["containerPort"]:
                raise _refused(
                    "When networkMode=awsvpc, the host ports and container ports in port mappings must match."
                )


def _check_isolation(container: Mapping[str, Any]) -> None:
    """Refuse what would reach the machine that Fargate keeps to itself; less than the default is always accepted.

    Sources: ECS API reference, KernelCapabilities, LinuxParameters and ContainerDefinition; since January 2026, tmpfs
    is no longer among it.
    """
    if container.get("privileged"):
        raise _refused("Fargate does not support privileged containers.")
    linux = container.get("linuxParameters") or {}
    for added in (linux.get("capabilities") or {}).get("add", ()):
        if added != "SYS_PTRACE":
            raise _refused(f"Fargate does not support adding the capability {added}.")
    for parameter in _NOT_ON_FARGATE:
        if linux.get(parameter) is not None:
            raise _refused(f"Fargate does not support the linuxParameters {parameter}.")


def _check_mounts(params: Mapping[str, Any]) -> None:
    known = {volume["name"] for volume in params.get("volumes", ())}
    for container in params["containerDefinitions"]:
        for mount in container.get("mountPoints", ()):
            if mount.get("sourceVolume") not in known:
                raise _refused(f"Unknown volume '{mount.get('sourceVolume')}'.")


def _check_role(call: Call, arn: str) -> None:
    roles = backends.backend("iam", call.account, "global").roles.values()
    if arn not in [role.arn for role in roles] or not iam_propagation.is_known(call, arn):
        raise _refused("Role is not valid")


def _refused(message: str) -> AwsError:
    return AwsError("ClientException", message)


def find_definition(call: Call, reference: str) -> Any:
    """Return moto's ACTIVE task definition of an ARN, `family:revision` or `family` (its newest ACTIVE revision)."""
    family, _, revision = reference.rpartition("/")[2].partition(":")
    revisions = call.moto("ecs").task_definitions.get(family, {})
    active = {number: made for number, made in revisions.items() if made.status == "ACTIVE"}
    if revision and int(revision) in revisions and int(revision) not in active:
        raise _refused("TaskDefinition is inactive")
    number = int(revision) if revision else max(active, default=0)
    if number not in active:
        raise _refused("TaskDefinition not found.")
    return active[number]


@handles("ecs:ListTaskDefinitions")
def list_task_definitions(call: Call) -> Result:
    """List revisions in the order asked for."""
    result = call.forward()
    arns = sorted(result["taskDefinitionArns"], key=_family_and_revision, reverse=call.params.get("sort") == "DESC")
    return {"taskDefinitionArns": arns}


def _family_and_revision(arn: str) -> tuple[str, int]:
    family, _, revision = arn.rpartition(":")
    return family, int(revision)
