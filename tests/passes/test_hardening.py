"""What an attacker finds who has taken over the app: no root, no capability, nowhere to write a program but /tmp."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_operator.api import parse
from tests.sim.app import App

NAME = "hard"
_HARD = {
    "user": "65532:65532",
    "readonlyRootFilesystem": True,
    "linuxParameters": {
        "capabilities": {"drop": ["ALL"]},
        "initProcessEnabled": True,
        "tmpfs": [{"containerPath": "/tmp", "size": 64, "mountOptions": ["nosuid", "nodev"]}],
    },
}


@pytest.fixture(scope="module")
def served(aws) -> App:
    app = App(aws, NAME, environment="Development", image={"tag": "v1"})
    app.settle()
    return app


def revision(app: App) -> dict[str, Any]:
    ecs, names = app.client("ecs"), {"cluster": f"{app.stack}-cluster", "services": [f"{app.stack}-service"]}
    [row] = ecs.describe_services(**names)["services"]
    answer = ecs.describe_task_definition(taskDefinition=row["taskDefinition"], include=["TAGS"])
    return {**answer["taskDefinition"], "tags": answer["tags"]}


def freedom(app: App) -> dict[str, Any]:
    """Return what limits the container that the service runs."""
    [container] = revision(app)["containerDefinitions"]
    return {name: container[name] for name in (*_HARD, "privileged") if container.get(name)}


def test_the_stacks_own_image_runs_hardened(served: App):
    assert freedom(served) == _HARD


def test_each_limit_can_be_lifted_by_the_spec(served: App):
    app = served
    app.edit(service={"readOnlyRootFilesystem": False})
    app.settle()
    linux = {key: value for key, value in _HARD["linuxParameters"].items() if key != "tmpfs"}
    assert freedom(app) == {"user": _HARD["user"], "linuxParameters": linux}
    app.edit(service={"hardened": False, "readOnlyRootFilesystem": None})
    app.settle()
    assert freedom(app) == {}


def test_an_image_of_others_is_limited_only_as_the_spec_says(aws):
    app = App(aws, "alien", environment="Development", image={"repository": "registry.example.com/app"})
    app.settle()
    assert freedom(app) == {}
    app.edit(service={"readOnlyRootFilesystem": True})
    app.settle()
    assert freedom(app) == {
        "readonlyRootFilesystem": True,
        "linuxParameters": {"tmpfs": _HARD["linuxParameters"]["tmpfs"]},
    }


@pytest.mark.parametrize(
    "change",
    [
        {"user": "0:0"},
        {"readonlyRootFilesystem": False},
        {"linuxParameters": {**_HARD["linuxParameters"], "capabilities": {"drop": ["ALL"], "add": ["SYS_PTRACE"]}}},
        {"linuxParameters": {**_HARD["linuxParameters"], "capabilities": {"drop": ["NET_RAW"]}}},
        {"user": "", "readonlyRootFilesystem": False, "linuxParameters": {}},
    ],
    ids=["root", "writable", "ptrace", "capabilities", "nothing"],
)
def test_whoever_deploys_a_softer_revision_by_hand_is_undone(served: App, change: dict[str, Any]):
    app, ours = served, revision(served)
    [container] = ours["containerDefinitions"]
    kept = ("family", "cpu", "memory", "networkMode", "executionRoleArn", "taskRoleArn", "requiresCompatibilities")
    ecs = app.client("ecs")
    made = ecs.register_task_definition(
        containerDefinitions=[{**container, **change}], tags=ours["tags"], **{name: ours[name] for name in kept}
    )["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(cluster=f"{NAME}-cluster", service=f"{NAME}-service", taskDefinition=made)
    assert freedom(app) != _HARD
    app.observe_now()
    found = [field for entry in app.body["status"]["drift"] for field in entry["fields"]]
    assert any(field.startswith(("hardened: ", "read_only_root: ")) for field in found), found
    app.settle()
    assert freedom(app) == _HARD


def test_a_region_without_tmpfs_keeps_its_root_writable():
    def root(region: str, **service: Any) -> bool:
        body = {"metadata": {"name": "xx", "namespace": "y"}, "spec": {"region": region, "service": service}}
        return parse(body, region).service.read_only_root_filesystem

    assert root("eu-west-1")
    assert not root("cn-north-1")
    assert root("cn-north-1", readOnlyRootFilesystem=True)
