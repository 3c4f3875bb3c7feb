"""What ECS refuses of task definitions, and the nearest that it accepts."""

from __future__ import annotations

from typing import Any

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import ACCOUNT, Act, Place, Rule, each, hold, steps


def _define(*, without: str = "", **changes: Any) -> Act:
    def register(s: Place) -> None:
        container = {"name": "app", "image": "x", "portMappings": [{"containerPort": 80}]}
        params = {
            "family": s.name,
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{s.role}",
            "containerDefinitions": [container],
            **changes,
        }
        s.aws.ecs.register_task_definition(**{key: value for key, value in params.items() if key != without})

    return register


def _container(**changes: Any) -> dict[str, Any]:
    return {"containerDefinitions": [{"name": "app", "image": "x", **changes}]}


def _linux(**parameters: Any) -> dict[str, Any]:
    return _container(linuxParameters=parameters)


_SECRETS = _container(secrets=[{"name": "A", "valueFrom": "b"}])


def _variables(number: int, size: int) -> dict[str, Any]:
    return _container(environment=[{"name": f"V{n}", "value": "v" * size} for n in range(number)])


_LEGAL = {
    256: (512, 2048, 3072),
    512: (1024, 4096, 512),
    1024: (2048, 8192, 9216),
    2048: (4096, 16_384, 3072),
    4096: (8192, 30_720, 31_744),
    8192: (16_384, 61_440, 17_408),
    16_384: (32_768, 122_880, 36_864),
}
"""CPU units -> the least and the most memory (MiB) that Fargate has for them, and one that it has not."""


def _size(cpu: int, memory: int) -> dict[str, str]:
    return {"cpu": str(cpu), "memory": str(memory)}


RULES = [
    *(
        Rule(
            "ecs:RegisterTaskDefinition",
            f"{cpu} CPU units with {bad} MiB",
            "ClientException",
            "ECS guide, Task definition parameters for Fargate: task size",
            _define(**_size(cpu, bad)),
            steps(_define(**_size(cpu, least)), _define(**_size(cpu, most))),
            words="No Fargate configuration",
        )
        for cpu, (least, most, bad) in _LEGAL.items()
    ),
    Rule(
        "ecs:RegisterTaskDefinition",
        "300 CPU units",
        "ClientException",
        "ECS guide, Task size",
        _define(cpu="300"),
        _define(),
    ),
    Rule(
        "ecs:RegisterTaskDefinition",
        "no size",
        "ClientException",
        "ECS guide, Task size",
        _define(without="memory"),
        _define(),
    ),
    Rule(
        "ecs:RegisterTaskDefinition",
        "a bridge network on Fargate",
        "ClientException",
        "ECS guide, Network mode",
        _define(networkMode="bridge"),
        _define(),
    ),
    Rule(
        "ecs:RegisterTaskDefinition",
        "a role that does not exist",
        "ClientException",
        "aws-behaviour 4.3",
        _define(executionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/absent"),
        _define(),
        words="Role is not valid",
    ),
    Rule(
        "ecs:RegisterTaskDefinition",
        "secrets without an execution role",
        "ClientException",
        "ECS guide, Task execution IAM role",
        _define(without="executionRoleArn", **_SECRETS),
        _define(**_SECRETS),
    ),
    Rule(
        "ecs:RegisterTaskDefinition",
        "a host port that differs",
        "ClientException",
        "API PortMapping",
        _define(**_container(portMappings=[{"containerPort": 80, "hostPort": 81}])),
        _define(**_container(portMappings=[{"containerPort": 80, "hostPort": 80}])),
    ),
    Rule(
        "ecs:RegisterTaskDefinition",
        "a dot in the family",
        "ClientException",
        "API RegisterTaskDefinition",
        _define(family="a.b"),
        _define(family="a_b"),
    ),
    Rule(
        "ecs:RegisterTaskDefinition",
        "a privileged container on Fargate",
        "ClientException",
        "API ContainerDefinition, privileged",
        _define(**_container(privileged=True)),
        _define(**_container(privileged=False, readonlyRootFilesystem=True, user="65532:65532")),
    ),
    Rule(
        "ecs:RegisterTaskDefinition",
        "a capability that Fargate does not add",
        "ClientException",
        "API KernelCapabilities",
        _define(**_linux(capabilities={"add": ["NET_ADMIN"]})),
        _define(**_linux(capabilities={"add": ["SYS_PTRACE"], "drop": ["ALL"]})),
    ),
    *(
        Rule(
            "ecs:RegisterTaskDefinition",
            f"{name} on Fargate",
            "ClientException",
            "API LinuxParameters; What's New of 6 January 2026 for tmpfs, which it accepts",
            _define(**_linux(**{name: value})),
            _define(**_linux(initProcessEnabled=True, tmpfs=[{"containerPath": "/tmp", "size": 64}])),
        )
        for name, value in (("devices", [{"hostPath": "/dev/fuse"}]), ("sharedMemorySize", 64), ("maxSwap", 0))
    ),
    Rule(
        "ecs:RegisterTaskDefinition",
        "a mount of a volume that is not declared",
        "ClientException",
        "API MountPoint, sourceVolume",
        _define(**_container(mountPoints=[{"sourceVolume": "absent", "containerPath": "/tmp"}])),
        _define(
            volumes=[{"name": "tmp"}], **_container(mountPoints=[{"sourceVolume": "tmp", "containerPath": "/tmp"}])
        ),
        words="Unknown volume",
    ),
    Rule(
        "ecs:RegisterTaskDefinition",
        "more than 64 KiB",
        "ClientException",
        "ECS guide, Service quotas; github.com/awsdocs/amazon-ecs-developer-guide, pull request 149",
        _define(**_variables(40, 1700)),
        _define(**_variables(40, 1500)),
        words="Max allowed length is '65536' bytes",
    ),
    Rule(
        "ecs:RegisterTaskDefinition",
        "more than 100 variables",
        "ClientException",
        "github.com/aws/aws-cdk, issue 38225, the stricter reading",
        _define(**_variables(101, 1)),
        _define(**_variables(100, 1)),
    ),
    Rule(
        "ecs:RegisterTaskDefinition",
        "an image of 256 characters",
        "ClientException",
        "API ContainerDefinition, image; the code is the stricter reading",
        _define(**_container(image="i" * 256)),
        _define(**_container(image="i" * 255)),
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)


def test_variables_with_an_empty_value_are_dropped(aws: Aws) -> None:
    place = Place(aws, "dropped")
    _define(**_container(environment=[{"name": "EMPTY", "value": ""}, {"name": "FULL", "value": " "}]))(place)
    [container] = aws.ecs.describe_task_definition(taskDefinition="dropped")["taskDefinition"]["containerDefinitions"]
    assert container["environment"] == [{"name": "FULL", "value": " "}]
